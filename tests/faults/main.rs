//! Never two at once: every fault that can be made, with real processes and real etcd servers, and
//! a log of critical sections that is checked for overlap.

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::time::Duration;

// Each test program uses its own part of what they share.
#[allow(dead_code)]
#[path = "../support/genlock/mod.rs"]
mod genlock;
#[allow(dead_code)]
#[path = "../support/process.rs"]
mod process;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/sections.rs"]
mod sections;
#[path = "../support/slow.rs"]
mod slow;
#[path = "../support/mod.rs"]
mod support;

mod clock;
mod cluster;
mod cut_off;
mod frozen;
mod hostile;
mod indexes;
mod killed;
mod late;
mod latency;
mod logins;
mod modes;
mod names;
mod out_of_reach;
mod queue;
mod redis;
mod rights;
mod soak;
mod start;
mod starved;
mod store;
mod token;
mod waiters;
mod zookeeper;

/// The TTL of these tests, and how it is asked for.
const TTL: Duration = Duration::from_secs(5);
const WITH_TTL: [&str; 2] = ["--ttl", "5"];

/// Runs the cases of one test at the same time: they wait for a TTL's end most of the time.
fn together<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            let run = &run;
            scope.spawn(move || run(case));
        }
    });
}

/// Queues for the lock, and runs the section `run` when it is its turn.
fn next(store: &genlock::Store, log: &sections::Sections, run: &str) -> genlock::Run {
    let script = log.beats_for(run, Duration::from_millis(50));
    let waiter = genlock::Run::start(store.sh(&WITH_TTL, &script));
    waiter.complains("waiting for");
    waiter
}
