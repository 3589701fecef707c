//! The soak: workers on a few locks of a store, alone and beside others, while everything fails at random,
//! then a look at what they did. `tests/soak` runs it.

mod agreement;
mod asking;
mod checker;
mod clock;
mod etcd;
mod file;
mod history;
mod links;
mod nemesis;
mod operator;
mod outcome;
mod own_ends;
mod pulse;
mod random;
mod redis;
mod runs;
mod section;
mod storms;
mod worker;
mod zookeeper;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::server_process::OwnEnd;
use agreement::Agreement;
use asking::Able;
use history::History;
use nemesis::{Fault, Nemesis};
use outcome::Outcome;
use random::Random;
use worker::Worker;

/// The workers are spread over so many.
const HOSTS: usize = 4;

/// A store, and what can happen to it that its own assumption allows for: at no time may two hold a lock.
trait Target: Sized {
    /// A verb of `genlock` over it, from this host.
    fn genlock(&self, host: usize, verb: &str) -> Command;

    /// What its locks can do.
    fn able(&self) -> Able;

    /// What happens to it and on the way to it.
    fn faults(&self) -> Vec<Fault<Self>>;

    /// Whether it is whole: it is waited for when faults were made good.
    fn is_whole(&mut self) -> bool {
        true
    }

    /// Starts the servers again that ended by themselves, and tells which and how.
    fn revive(&mut self) -> Vec<(String, OwnEnd)> {
        Vec::new()
    }

    /// Whether its servers keep one state, and at which revision; `None` if that cannot be told now. Or how
    /// they differ.
    fn agree(&mut self) -> Result<Option<u64>, String> {
        Ok(None)
    }

    /// Keeps what its servers have, for who looks for a fault of theirs.
    fn keep(&mut self, _: &Path) {}

    /// Demands that nothing of holders and waiters is left.
    fn nothing_is_left(&self, keys: &[String]);
}

/// How long it goes on, and with how many.
struct Size {
    time: Duration,
    keys: Vec<String>,
    workers: usize,
    /// Of the workers on each key, in seconds. Most are short: more locks are lost than with the TTL of the
    /// other tests.
    ttls: &'static [u64],
    /// Between two runs of a worker, in milliseconds at most.
    rest: u64,
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn setting(name: &str) -> Option<u64> {
    let text = text(name)?;
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

/// Looks again at a history that was kept.
#[test]
#[ignore = "takes a history; tests/soak --check has it"]
fn check() {
    let directory = text("GENLOCK_SOAK_KEEP").expect("GENLOCK_SOAK_KEEP, a directory");
    let able = match text("GENLOCK_SOAK_STORE").as_deref() {
        Some("redis") => redis::ABLE,
        Some("zookeeper") => zookeeper::ABLE,
        Some("file") => file::ABLE,
        _ => etcd::ABLE,
    };
    let history = PathBuf::from(directory).join(history::HISTORY);
    let history = std::fs::read_to_string(history).expect("a history");
    let found = checker::check(&history, &able);
    println!("soak: {} sections, {found}", found.sections);
    assert!(found.faults.is_empty(), "{:#?}", found.faults);
}

/// A short one, on one lock.
#[test]
fn a_while_over_redis() {
    let size = Size {
        time: Duration::from_secs(15),
        keys: keys(1),
        workers: 4,
        ttls: &[2, 3],
        rest: 100,
    };
    soak(redis::RedisBehind::start(), &size);
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|key| format!("/locks/{key}")).collect()
}

impl Size {
    fn of_the_script() -> Self {
        let seconds = setting("GENLOCK_SOAK_SECONDS").unwrap_or(60);
        Self {
            time: Duration::from_secs(seconds),
            keys: keys(3),
            workers: 12,
            ttls: match seconds {
                // It is not over before the longest is.
                0..60 => &[2, 3, 3, 5],
                _ => &[2, 3, 5, 10],
            },
            rest: setting("GENLOCK_SOAK_REST").unwrap_or(100),
        }
    }

    /// The TTL of the worker with this number.
    fn ttl(&self, number: usize) -> Duration {
        Duration::from_secs(self.ttls[number / self.keys.len() % self.ttls.len()])
    }
}

fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time after 1970").as_nanos() as u64 % 1_000_000
}

fn soak(mut target: impl Target, size: &Size) {
    let seed = setting("GENLOCK_SOAK_SEED").unwrap_or_else(any_seed);
    let keep = text("GENLOCK_SOAK_KEEP").map(PathBuf::from);
    let history = Arc::new(History::new(keep, &size.keys));
    println!(
        "soak: {} s, seed {seed}, in {}",
        size.time.as_secs(),
        history.directory().display()
    );
    let mut random = Random::new(seed);
    let over = Arc::new(AtomicBool::new(false));
    let workers = workers(&target, size, &history, &mut random);
    let working: Vec<_> = workers
        .iter()
        .map(|worker| {
            let (worker, over) = (worker.clone(), over.clone());
            thread::spawn(move || worker.work(&over))
        })
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let pulse = pulse::watch(&history, &done);
    // In this thread: a server dies with the thread that started it.
    let start = Instant::now();
    let mut nemesis = Nemesis::new(&workers, random, &history);
    let mut agreement = Agreement::default();
    let mut agreed = Ok(());
    while start.elapsed() < size.time && agreed.is_ok() {
        nemesis.strike(&mut target);
        agreed = agreement.at_times(&mut target, &history);
    }
    over.store(true, Ordering::Relaxed);
    if agreed.is_err() {
        let outcome = Outcome::new(seed, &nemesis, &agreement, agreed);
        return outcome.judge(&history, &mut target);
    }
    while !working.iter().all(thread::JoinHandle::is_finished) {
        nemesis.rest(Duration::from_millis(100), &mut target);
    }
    let ended: Vec<_> = working.into_iter().map(thread::JoinHandle::join).collect();
    done.store(true, Ordering::Relaxed);
    pulse.join().expect("a thread");
    nemesis.settle(&mut target);
    let agreed = agreement.now(&mut target, &history);
    let is_one = agreed.is_ok();
    let mut outcome = Outcome::new(seed, &nemesis, &agreement, agreed);
    for (worker, ended) in workers.iter().zip(ended) {
        println!("soak: {worker}");
        if is_one && ended.is_err() {
            outcome.ended_early(worker.to_string());
        }
    }
    outcome.judge(&history, &mut target);
    target.nothing_is_left(&size.keys);
}

fn workers(
    target: &impl Target,
    size: &Size,
    history: &Arc<History>,
    random: &mut Random,
) -> Vec<Arc<Worker>> {
    let workers = (0..size.workers).map(|number| {
        let mut run = target.genlock(number % HOSTS, "run");
        clock::have(&mut run, number % HOSTS, history);
        let of = (size, target.able());
        Arc::new(Worker::new(&run, number, of, history, random.fork()))
    });
    workers.collect()
}
