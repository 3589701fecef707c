//! What a run asks of etcd, as etcd counts it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::etcd::Server;
use crate::report::Figure;
use crate::stage::{Crowd, Stage, start, timed};
use crate::tool::{Tool, over_tls};

/// How often each method was called.
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    pub(crate) fn of(server: &Server) -> Self {
        Self(server.requests().into_iter().collect())
    }

    /// What has come since `before`, without `ours`, the bench's own.
    pub(crate) fn since(mut self, before: &Self, ours: &[&str]) -> Self {
        for (method, count) in &mut self.0 {
            *count -= before.0.get(method).unwrap_or(&0);
            *count -= ours.iter().filter(|name| *name == method).count() as u64;
        }
        self.0.retain(|_, count| *count > 0);
        self
    }

    fn add(&mut self, other: Self) {
        for (method, count) in other.0 {
            *self.0.entry(method).or_default() += count;
        }
    }

    pub(crate) fn count(&self, method: &str) -> u64 {
        self.0.get(method).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many are unary: one question and one answer, and no stream.
    pub(crate) fn unary(&self) -> u64 {
        self.all() - self.count("Watch") - self.count("LeaseKeepAlive")
    }

    /// Each method and how often it was called in one of `runs`.
    pub(crate) fn text(&self, runs: f64) -> String {
        let each = self.0.iter().map(|(method, count)| {
            let count = (*count as f64 / runs * 100.0).round() / 100.0;
            format!("{method} {count}")
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

pub(crate) fn requests(stage: &Stage) -> Vec<Figure> {
    let alone_in = "requests of a run that meets nobody";
    let behind = "requests of a run that waits behind one other";
    vec![
        figure(stage, alone_in, stage.times(50), (3.0, 0.0), alone),
        alone_over_tls(stage),
        figure(stage, behind, stage.times(20), (5.0, 1.0), behind_another),
    ]
}

/// What genlock and etcdctl ask `of` so many runs; a run of genlock asks at most so many unary requests
/// and watches.
fn figure(
    stage: &Stage,
    name: &str,
    runs: usize,
    (unary, watches): (f64, f64),
    of: fn(&Stage, Tool, usize) -> Requests,
) -> Figure {
    let (genlock, etcdctl) = (
        of(stage, Tool::Genlock, runs),
        of(stage, Tool::Etcdctl, runs),
    );
    let runs = runs as f64;
    Figure::new(name)
        .at_most(unary, genlock.unary() as f64 / runs, "unary requests")
        .at_most(watches, genlock.count("Watch") as f64 / runs, "watches")
        .note(format!("genlock: {}", genlock.text(runs)))
        .note(format!("etcdctl lock: {}", etcdctl.text(runs)))
}

/// Where the key's request reaches etcd before the lease's it is refused, and sent again: a Txn more, and
/// a round trip.
fn alone_over_tls(stage: &Stage) -> Figure {
    let server = start(1, true).remove(0);
    let runs = stage.times(200);
    let before = Requests::of(&server);
    for _ in 0..runs {
        let run = Tool::Genlock.lock(&server.endpoint(), &stage.key(), &["true".as_ref()]);
        timed(over_tls(Tool::Genlock, &server.file(""), run));
    }
    let requests = Requests::of(&server).since(&before, &[]);
    let runs = runs as f64;
    Figure::new("requests of a run that meets nobody, over TLS")
        .at_most(1.3, requests.count("Txn") as f64 / runs, "Txn")
        .note(format!("genlock: {}", requests.text(runs)))
}

/// The requests of so many runs that meet nobody.
pub(crate) fn alone(stage: &Stage, tool: Tool, runs: usize) -> Requests {
    let before = Requests::of(&stage.server);
    for _ in 0..runs {
        timed(stage.run_true(tool, &stage.key()));
    }
    Requests::of(&stage.server).since(&before, &[])
}

/// The requests of so many runs that wait behind one other.
pub(crate) fn behind_another(stage: &Stage, tool: Tool, runs: usize) -> Requests {
    let mut all = Requests(BTreeMap::new());
    for _ in 0..runs {
        all.add(waiter(stage, tool));
    }
    all
}

/// The requests of one run that waits for the bench's lock, which is released once the run watches it.
fn waiter(stage: &Stage, tool: Tool) -> Requests {
    let key = stage.key();
    let holder = stage.observer.hold(&key);
    let before = Requests::of(&stage.server);
    let waiter = stage.run_true(tool, &key).spawn().expect("a waiter");
    let mut crowd = Crowd(vec![waiter]);
    let start = Instant::now();
    while Requests::of(&stage.server).count("Watch") == before.count("Watch") {
        assert!(start.elapsed() < Duration::from_secs(10), "no watch");
        sleep(Duration::from_millis(5));
    }
    stage.observer.release(holder);
    assert_eq!(crowd.until_done(Duration::from_secs(10)), 0, "it failed");
    Requests::of(&stage.server).since(&before, &["LeaseRevoke"])
}
