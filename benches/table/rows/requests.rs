//! What a run asks of etcd, as etcd counts it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::etcd::Server;
use crate::report::Figure;
use crate::stage::{Crowd, Stage, timed};
use crate::tool::Tool;

/// How often each method was called.
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    pub(crate) fn of(server: &Server) -> Self {
        Self(server.requests().into_iter().collect())
    }

    /// What has come since `before`, without those that are ours.
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

    /// Those that are one question and one answer.
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
    let runs = stage.times(50) as f64;
    let mut figures = Vec::new();
    let of = |tool| alone(stage, tool, runs as usize);
    let (genlock, etcdctl) = (of(Tool::Genlock), of(Tool::Etcdctl));
    figures.push(
        Figure::new("requests of a run that meets nobody")
            .at_most(3.0, genlock.unary() as f64 / runs, "unary requests")
            .at_most(0.0, genlock.count("Watch") as f64 / runs, "watches")
            .note(format!("genlock: {}", genlock.text(runs)))
            .note(format!("etcdctl lock: {}", etcdctl.text(runs))),
    );
    let runs = stage.times(20) as f64;
    let of = |tool| behind_another(stage, tool, runs as usize);
    let (genlock, etcdctl) = (of(Tool::Genlock), of(Tool::Etcdctl));
    figures.push(
        Figure::new("requests of a run that waits behind one other")
            .at_most(5.0, genlock.unary() as f64 / runs, "unary requests")
            .at_most(1.0, genlock.count("Watch") as f64 / runs, "watches")
            .note(format!("genlock: {}", genlock.text(runs)))
            .note(format!("etcdctl lock: {}", etcdctl.text(runs))),
    );
    figures
}

/// Of so many runs that meet nobody.
pub(crate) fn alone(stage: &Stage, tool: Tool, runs: usize) -> Requests {
    let before = Requests::of(&stage.server);
    for _ in 0..runs {
        timed(stage.run_true(tool, &stage.key()));
    }
    Requests::of(&stage.server).since(&before, &[])
}

/// Of so many runs that wait behind one other.
pub(crate) fn behind_another(stage: &Stage, tool: Tool, runs: usize) -> Requests {
    let mut all = Requests(BTreeMap::new());
    for _ in 0..runs {
        all.add(waiter(stage, tool));
    }
    all
}

/// Waits until it watches, then lets it run.
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
