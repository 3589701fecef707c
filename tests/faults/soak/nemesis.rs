//! What goes wrong in the soak: one fault after the other, each made good again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread::sleep;

use rustix::process::Signal;

use super::random::Random;
use super::worker::Worker;
use super::{HOSTS, Target};

/// A fault, by its name.
pub(super) type Fault<T> = (&'static str, fn(&mut Nemesis, &mut T));

pub(super) struct Nemesis {
    workers: Vec<Arc<Worker>>,
    random: Random,
    struck: BTreeMap<&'static str, usize>,
}

impl Nemesis {
    pub(super) fn new(workers: &[Arc<Worker>], random: Random) -> Self {
        Self {
            workers: workers.to_vec(),
            random,
            struck: BTreeMap::new(),
        }
    }

    /// Makes a fault, and makes it good.
    pub(super) fn strike<T: Target>(&mut self, target: &mut T) {
        let mut faults: Vec<Fault<T>> = vec![
            ("genlock killed", |nemesis, _| nemesis.kill_genlock()),
            ("genlock frozen", |nemesis, _| nemesis.freeze_genlock()),
            ("watchdog killed", |nemesis, _| nemesis.kill_watchdog()),
        ];
        faults.extend(target.faults());
        let (name, strike) = faults[self.below(faults.len())];
        *self.struck.entry(name).or_default() += 1;
        strike(self, target);
        self.pause(100, 700);
    }

    /// How many faults there were.
    pub(super) fn struck(&self) -> usize {
        self.struck.values().sum()
    }

    /// Between these, in milliseconds.
    pub(super) fn pause(&mut self, from: u64, to: u64) {
        sleep(self.random.time(from, to));
    }

    /// A number less than this.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// The host of one that most likely holds its lock.
    pub(super) fn host(&mut self) -> usize {
        self.worker().number % HOSTS
    }

    fn kill_genlock(&mut self) {
        self.worker().signal(Signal::KILL);
    }

    fn kill_watchdog(&mut self) {
        self.worker().signal_watchdog(Signal::KILL);
    }

    fn freeze_genlock(&mut self) {
        let worker = self.worker();
        worker.signal(Signal::STOP);
        self.pause(500, 5000);
        worker.signal(Signal::CONT);
    }

    /// One that most likely holds its lock.
    fn worker(&mut self) -> Arc<Worker> {
        let any = self.random.below(self.workers.len());
        let any = self.workers[any].clone();
        let Some(run) = any.last_run() else {
            return any;
        };
        let holder = self.workers.iter().find(|worker| worker.ran(&run));
        holder.cloned().unwrap_or(any)
    }
}

impl fmt::Display for Nemesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let struck: Vec<_> = self
            .struck
            .iter()
            .map(|(name, times)| format!("{times} × {name}"))
            .collect();
        f.write_str(&struck.join(", "))
    }
}
