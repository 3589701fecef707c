//! A short soak over Redis: workers on one lock while everything that can be made to fail does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll};
use crate::sections::Sections;
use crate::support::redis::RedisServer;

/// How long it goes on.
const TIME: Duration = Duration::from_secs(20);

const WORKERS: usize = 4;

/// Faults that the server comes back from with its data: then no two run at once, and tokens rise.
#[test]
fn nothing_runs_at_once_whatever_fails() {
    let mut server = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = Store::at(server.endpoint());
    let log = Sections::new(store.directory());
    let over = AtomicBool::new(false);
    let completed: usize = std::thread::scope(|scope| {
        let working: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (store, log, over) = (&store, &log, &over);
                scope.spawn(move || work(store, log, worker, over))
            })
            .collect();
        let start = Instant::now();
        let mut round = 0u64;
        while start.elapsed() < TIME {
            round += 1;
            sleep(Duration::from_millis(150 * (round % 7)));
            match round % 4 {
                0 => {
                    server.freeze();
                    sleep(Duration::from_millis(700 * (round % 6)));
                    server.thaw();
                }
                1 => {
                    server.kill();
                    sleep(Duration::from_millis(500 * (round % 5)));
                    server.restart();
                    assert!(server.serves());
                }
                2 => drop(server.cli(&["CLIENT", "KILL", "TYPE", "normal"])),
                _ => drop(server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"])),
            }
        }
        over.store(true, Ordering::Relaxed);
        working
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .sum()
    });
    let sections = log.read();
    let faults = crate::sections::faults(&sections);
    assert!(faults.is_empty(), "{faults:#?}");
    println!(
        "{completed} runs, {} sections, none at once",
        sections.len()
    );
    assert!(completed > 2 * WORKERS, "{completed}");
    poll("nothing to be left", || server.left().is_empty());
}

/// Wants the lock again and again; every fifth run is killed, or sleeps for longer than its TTL.
fn work(store: &Store, log: &Sections, worker: usize, over: &AtomicBool) -> usize {
    let mut completed = 0;
    for run in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let time = Duration::from_millis([20, 100, 300, 1500][(run + worker) % 4]);
        let name = format!("{worker}.{run}");
        let holder = Run::start(store.sh(&["--ttl", "2", "-q"], &log.beats_for(&name, time)));
        match run % 5 {
            3 => {
                sleep(Duration::from_millis(200));
                holder.signal(Signal::KILL);
            }
            4 => {
                sleep(Duration::from_millis(100));
                holder.signal(Signal::STOP);
                sleep(Duration::from_millis(2500));
                holder.signal(Signal::CONT);
            }
            _ => {}
        }
        let ended = holder.finish();
        match ended.status.code() {
            Some(0) => completed += 1,
            Some(69 | 80) | None => {}
            other => panic!("{name} ended with {other:?}: {ended:?}"),
        }
    }
    completed
}
