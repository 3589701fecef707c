//! The soak: workers on a few locks of a store, alone and beside others, while everything fails at random,
//! then a look at what they did. `tests/soak` runs it.

mod etcd;
mod file;
mod history;
mod links;
mod nemesis;
mod random;
mod redis;
mod runs;
mod worker;
mod zookeeper;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use history::{History, Sharing};
use nemesis::{Fault, Nemesis};
use random::Random;
use worker::Worker;

/// The workers are spread over so many.
const HOSTS: usize = 4;

/// A store, and what can happen to it that its own assumption allows for: at no time may two hold a lock.
trait Target: Sized {
    /// `genlock run` over it, from this host.
    fn genlock_run(&self, host: usize) -> Command;

    /// How runs can hold a lock there.
    fn ways(&self) -> &'static [Sharing] {
        &Sharing::ALL
    }

    /// What happens to it and on the way to it.
    fn faults(&self) -> Vec<Fault<Self>>;

    /// Waits until it is whole again after faults were made good.
    fn settle(&mut self) {}

    /// Demands that nothing of holders and waiters is left.
    fn nothing_is_left(&self, keys: &[String]);
}

/// How long it goes on, and with how many.
struct Size {
    time: Duration,
    keys: usize,
    workers: usize,
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text}: not a number")),
    )
}

#[test]
#[ignore = "takes a minute; tests/soak runs it"]
fn etcd() {
    soak(etcd::cluster(), &Size::of_the_script());
}

#[test]
#[ignore = "takes a minute; tests/soak runs it"]
fn redis() {
    soak(redis::RedisBehind::start(), &Size::of_the_script());
}

#[test]
#[ignore = "takes a minute; tests/soak runs it"]
fn zookeeper() {
    soak(zookeeper::ZkBehind::start(), &Size::of_the_script());
}

#[test]
#[ignore = "takes a minute; tests/soak runs it"]
fn file() {
    soak(file::Files::new(), &Size::of_the_script());
}

/// A short one, on one lock.
#[test]
fn a_while_over_redis() {
    let size = Size {
        time: Duration::from_secs(15),
        keys: 1,
        workers: 4,
    };
    soak(redis::RedisBehind::start(), &size);
}

impl Size {
    fn of_the_script() -> Self {
        Self {
            time: Duration::from_secs(setting("GENLOCK_SOAK_SECONDS").unwrap_or(60)),
            keys: 3,
            workers: 12,
        }
    }
}

fn soak(mut target: impl Target, size: &Size) {
    let seed = setting("GENLOCK_SOAK_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("a time after 1970").as_nanos() as u64 % 1_000_000
    });
    println!("soak: {} s, seed {seed}", size.time.as_secs());
    let mut random = Random::new(seed);
    let histories: Vec<Arc<History>> = (0..size.keys).map(|_| Arc::new(History::new())).collect();
    let keys: Vec<String> = (0..size.keys).map(|key| format!("/locks/{key}")).collect();
    let over = Arc::new(AtomicBool::new(false));
    let workers: Vec<Arc<Worker>> = (0..size.workers)
        .map(|number| {
            let key = number % size.keys;
            let run = target.genlock_run(number % HOSTS);
            let (ways, history) = (target.ways(), &histories[key]);
            let worker = Worker::new(run, number, &keys[key], history, ways, random.fork());
            Arc::new(worker)
        })
        .collect();
    let working: Vec<_> = workers
        .iter()
        .map(|worker| {
            let (worker, over) = (worker.clone(), over.clone());
            thread::spawn(move || worker.work(&over))
        })
        .collect();
    // In this thread: a server dies with the thread that started it.
    let start = Instant::now();
    let log = tempfile::tempfile().expect("a file");
    let mut nemesis = Nemesis::new(&workers, random, log);
    while start.elapsed() < size.time {
        nemesis.strike(&mut target);
    }
    over.store(true, Ordering::Relaxed);
    let ended: Vec<_> = working.into_iter().map(thread::JoinHandle::join).collect();
    println!("soak: {nemesis}");
    for (worker, ended) in workers.iter().zip(ended) {
        println!("soak: {worker}");
        assert!(ended.is_ok(), "seed {seed}: {worker} ended early");
    }
    let mut sections = 0;
    for (key, history) in keys.iter().zip(&histories) {
        let of_key = workers.iter().filter(|worker| worker.key == *key);
        let completed: Vec<String> = of_key.flat_map(|worker| worker.completed()).collect();
        let faults = history.faults(&completed);
        assert!(faults.is_empty(), "seed {seed}, {key}: {faults:#?}");
        sections += history.sections().len();
    }
    target.nothing_is_left(&keys);
    println!(
        "soak: {sections} sections, {} faults, seed {seed}: none at once that may not be, nothing lost, tokens in their order",
        nemesis.struck()
    );
}
