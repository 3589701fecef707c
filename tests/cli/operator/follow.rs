//! watch: what happens to locks, as it happens.

use std::io::{BufRead, BufReader};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::verb;
use crate::genlock::{Finished, Run, Store, died_of, output, poll};
use crate::support::etcd::Server;

over_every_store! {
    a_run_is_told_from_its_start_to_its_end;
    a_lock_whose_holder_died_expired;
    others_are_not_told_of;
    lines_for_people;
    it_ends_with_its_reader;
}

/// The watch of this lock; what holds it when this returns is told of.
fn watch(store: &Store) -> Run {
    let holder = store.hold();
    let watch = Run::start(verb(store, "watch", &["--json", "--exact", &store.key]));
    watch.says(r#""event":"holds""#);
    holder.end();
    watch.says(r#""event":"released""#);
    watch
}

/// The events that were told after those of [`watch`], each with the process it is about.
fn events(watch: Run) -> Vec<(String, Option<i64>)> {
    let told = ended(watch);
    let lines = told.text().lines().skip(2).map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let event = line["event"].as_str().expect("an event");
        (event.to_owned(), line["pid"].as_i64())
    });
    lines.collect()
}

/// Ends it. (SIGINT may be ignored where the tests run.)
fn ended(watch: Run) -> Finished {
    watch.signal(rustix::process::Signal::TERM);
    watch.finish()
}

fn told(expected: &[(&str, i32)]) -> Vec<(String, Option<i64>)> {
    let told = expected
        .iter()
        .map(|&(event, pid)| (event.to_owned(), Some(i64::from(pid))));
    told.collect()
}

fn a_run_is_told_from_its_start_to_its_end(store: &Store) {
    let watch = watch(store);
    let holder = store.hold();
    let pid = holder.pid();
    watch.says(&format!(r#""pid":{pid}"#));
    holder.end();
    watch.says_times(r#""event":"released""#, 2);
    assert_eq!(events(watch), told(&[("acquired", pid), ("released", pid)]));
}

fn a_lock_whose_holder_died_expired(store: &Store) {
    let watch = watch(store);
    let holder = store.hold();
    let pid = holder.pid();
    watch.says(&format!(r#""pid":{pid}"#));
    holder.signal(rustix::process::Signal::KILL);
    watch.says(r#""event":"expired""#);
    assert_eq!(events(watch), told(&[("acquired", pid), ("expired", pid)]));
}

fn others_are_not_told_of(store: &Store) {
    let watch = watch(store);
    let longer = format!("{}/more", store.key);
    output(verb(store, "run", &[&longer, "true"])).silent(0);
    let holder = store.hold();
    let pid = holder.pid();
    watch.says(&format!(r#""pid":{pid}"#));
    assert_eq!(events(watch), told(&[("acquired", pid)]));
}

fn lines_for_people(store: &Store) {
    let holder = store.hold();
    let watch = Run::start(verb(store, "watch", &[&store.key]));
    watch.says("holds");
    let line = ended(watch);
    let line = line.text();
    assert!(line.contains(&store.key) && !line.contains('\n'), "{line}");
    assert!(line.contains(&format!("pid {}", holder.pid())), "{line}");
}

/// A queue moves, also over a restart of the store, which watches do not survive.
#[test]
fn a_queue_is_told_of_as_it_moves() {
    let mut server = Server::start();
    let store = Store::at(server.endpoint());
    let queued = |count: usize, run: Command| {
        let run = Run::start_to_wait(run);
        poll("a place", || server.keys().len() == count);
        run
    };
    let holder = store.hold();
    // It holds the lock until the watch, which may be late after the restart, has told of it.
    let mut second = queued(2, store.sh(&["-q"], "cat"));
    let watch = Run::start(verb(&store, "watch", &["--json"]));
    watch.says(r#""event":"waits""#);
    let third = queued(3, store.run(&["-q"], &["true"]));
    watch.says(r#""event":"queued""#);
    let third_pid = third.pid();
    third.signal(rustix::process::Signal::TERM);
    watch.says(r#""event":"left""#);
    server.kill();
    server.restart();
    poll("a server", || server.is_healthy());
    let (holder_pid, second_pid) = (holder.pid(), second.pid());
    holder.end();
    watch.says(r#""event":"acquired""#);
    second.go_on();
    second.ended();
    watch.says_times(r#""event":"released""#, 2);
    let told: Vec<_> = ended(watch)
        .text()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let event = line["event"].as_str().expect("an event");
            (
                event.to_owned(),
                line["pid"].as_i64().expect("a process") as i32,
            )
        })
        .collect();
    let expected = [
        ("holds", holder_pid),
        ("waits", second_pid),
        ("queued", third_pid),
        ("left", third_pid),
        ("released", holder_pid),
        ("acquired", second_pid),
        ("released", second_pid),
    ];
    assert_eq!(told, expected.map(|(event, pid)| (event.to_owned(), pid)));
}

/// What a watch has slept through may be compacted by the time that it asks again.
#[test]
fn what_was_compacted_meanwhile_is_seen_by_what_is_there() {
    let mut server = Server::start();
    let store = Store::at(server.endpoint());
    let first = store.hold();
    let watch = Run::start(verb(&store, "watch", &["--json"]));
    watch.says(r#""event":"holds""#);
    watch.signal(rustix::process::Signal::STOP);
    // The connection of the watch ends here, and with it what it would still be told.
    server.kill();
    server.restart();
    poll("a server", || server.is_healthy());
    first.end();
    for _ in 0..3 {
        output(store.run(&[], &["true"])).silent(0);
    }
    let second = store.hold();
    let revision = super::token(&store).to_string();
    server.ctl(&["compact", &revision]);
    watch.signal(rustix::process::Signal::CONT);
    watch.says(r#""event":"acquired""#);
    let told = ended(watch);
    let pids: Vec<_> = told
        .text()
        .lines()
        .filter(|line| line.contains("acquired"))
        .collect();
    assert!(
        pids.len() == 1 && pids[0].contains(&format!(r#""pid":{}"#, second.pid())),
        "{told:?}"
    );
    assert_eq!(told.text().matches("released").count(), 1, "{told:?}");
    assert!(
        told.stderr
            .lines()
            .all(|line| line.starts_with("genlock: trying again: "))
    );
}

/// As in `genlock watch | head -1`, though nothing else happens.
fn it_ends_with_its_reader(store: &Store) {
    let _holder = store.hold();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let watch = verb(store, "watch", &["--json", "--exact", &store.key]);
    let mut watch = Run::start_into(watch, writer.into());
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    assert!(line.contains(r#""event":"holds""#), "{line}");
    drop(reader);
    let (status, _) = watch.ended();
    died_of(status, Signal::PIPE);
}
