//! The soak: workers on a few locks over a cluster while everything fails at random, then a look
//! at what they did. `tests/soak` runs it.

mod history;
mod nemesis;
mod random;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::nothing_is_left;
use crate::support::cluster::Cluster;
use history::History;
use nemesis::Nemesis;
use random::Random;
use worker::Worker;

const KEYS: usize = 3;
const WORKERS: usize = 12;
/// The workers are spread over so many.
const HOSTS: usize = 4;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text}: not a number")),
    )
}

#[test]
#[ignore = "takes a minute; tests/soak runs it"]
fn soak() {
    let time = Duration::from_secs(setting("GENLOCK_SOAK_SECONDS").unwrap_or(60));
    let seed = setting("GENLOCK_SOAK_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("a time after 1970").as_nanos() as u64 % 1_000_000
    });
    println!("soak: {} s, seed {seed}", time.as_secs());
    let mut random = Random::new(seed);
    let mut cluster = Cluster::start(HOSTS);
    let histories: Vec<Arc<History>> = (0..KEYS).map(|_| Arc::new(History::new())).collect();
    let over = Arc::new(AtomicBool::new(false));
    let workers: Vec<Arc<Worker>> = (0..WORKERS)
        .map(|number| {
            let (host, key) = (number % HOSTS, number % KEYS);
            let random = random.fork();
            Arc::new(Worker::new(
                &cluster,
                host,
                number,
                key,
                &histories[key],
                random,
            ))
        })
        .collect();
    let working: Vec<_> = workers
        .iter()
        .map(|worker| {
            let (worker, over) = (worker.clone(), over.clone());
            thread::spawn(move || worker.work(&over))
        })
        .collect();
    // In this thread: a member dies with the thread that started it.
    let start = Instant::now();
    let mut nemesis = Nemesis::new(&workers, random);
    while start.elapsed() < time {
        nemesis.strike(&mut cluster);
    }
    over.store(true, Ordering::Relaxed);
    let ended: Vec<_> = working.into_iter().map(thread::JoinHandle::join).collect();
    println!("soak: {nemesis}");
    for (worker, ended) in workers.iter().zip(ended) {
        println!("soak: {worker}");
        assert!(ended.is_ok(), "seed {seed}: {worker} ended early");
    }
    let mut sections = 0;
    for (key, history) in histories.iter().enumerate() {
        let of_key = workers.iter().filter(|worker| worker.key == key);
        let completed: Vec<String> = of_key.flat_map(|worker| worker.completed()).collect();
        let faults = history.faults(&completed);
        assert!(faults.is_empty(), "seed {seed}, key {key}: {faults:#?}");
        sections += history.sections().len();
    }
    nothing_is_left(&cluster);
    println!(
        "soak: {sections} sections, {} faults, seed {seed}: none at once, nothing lost",
        nemesis.struck()
    );
}
