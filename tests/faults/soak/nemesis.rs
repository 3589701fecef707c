//! What goes wrong in the soak: one fault after the other, each made good again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread::sleep;

use rustix::process::Signal;

use super::random::Random;
use super::worker::Worker;
use crate::support::cluster::{Cluster, MEMBERS};

const ALL: [usize; MEMBERS] = [0, 1, 2];

/// A fault, by its name.
type Fault = (&'static str, fn(&mut Nemesis, &mut Cluster));

const FAULTS: [Fault; 5] = [
    ("member killed", Nemesis::kill_member),
    ("member frozen", Nemesis::freeze_member),
    ("leader moved", Nemesis::move_leader),
    ("genlock killed", Nemesis::kill_genlock),
    ("genlock frozen", Nemesis::freeze_genlock),
];

/// Those that take namespaces.
const CUTS: [Fault; 4] = [
    ("member apart from its peers", Nemesis::cut_member),
    ("host cut off", Nemesis::cut_host),
    ("host cut off one member", Nemesis::cut_host_off_one),
    ("link down", Nemesis::link_down),
];

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
    pub(super) fn strike(&mut self, cluster: &mut Cluster) {
        let mut faults = FAULTS.to_vec();
        if cluster.has_network() {
            faults.extend(CUTS);
        }
        let (name, strike) = faults[self.random.below(faults.len())];
        *self.struck.entry(name).or_default() += 1;
        strike(self, cluster);
        self.pause(100, 700);
    }

    /// How many faults there were.
    pub(super) fn struck(&self) -> usize {
        self.struck.values().sum()
    }

    fn pause(&mut self, from: u64, to: u64) {
        sleep(self.random.time(from, to));
    }

    /// One, or two and with them the quorum.
    fn kill_member(&mut self, cluster: &mut Cluster) {
        let first = self.random.below(MEMBERS);
        let mut members = vec![first];
        if self.random.below(3) == 0 {
            members.push((first + 1) % MEMBERS);
        }
        for &member in &members {
            cluster.member(member).kill();
        }
        self.pause(100, 3000);
        for &member in &members {
            cluster.member(member).restart();
        }
        cluster.until_healthy(&ALL);
    }

    /// A leader not for long: past a TTL it would have every lease revoked when it goes on, until
    /// 3.4.31 and 3.5.13 (etcd-io/etcd#15247).
    fn freeze_member(&mut self, cluster: &mut Cluster) {
        let member = self.random.below(MEMBERS);
        let longest = if cluster.leader() == member {
            1200
        } else {
            4000
        };
        cluster.member(member).freeze();
        self.pause(100, longest);
        cluster.member(member).thaw();
    }

    fn move_leader(&mut self, cluster: &mut Cluster) {
        cluster.move_leader(self.random.below(MEMBERS));
    }

    fn kill_genlock(&mut self, _: &mut Cluster) {
        self.worker().signal(Signal::KILL);
    }

    fn freeze_genlock(&mut self, _: &mut Cluster) {
        let worker = self.worker();
        worker.signal(Signal::STOP);
        self.pause(500, 5000);
        worker.signal(Signal::CONT);
    }

    fn cut_member(&mut self, cluster: &mut Cluster) {
        cluster.cut_from_peers(self.random.below(MEMBERS));
        self.pause(500, 5000);
        cluster.network().heal();
    }

    fn cut_host(&mut self, cluster: &mut Cluster) {
        cluster.cut_off(self.worker().host, &ALL);
        self.pause(500, 5000);
        cluster.network().heal();
    }

    fn cut_host_off_one(&mut self, cluster: &mut Cluster) {
        let host = self.worker().host;
        cluster.cut_off(host, &[self.random.below(MEMBERS)]);
        self.pause(500, 5000);
        cluster.network().heal();
    }

    fn link_down(&mut self, cluster: &mut Cluster) {
        let host = self.worker().host;
        cluster.link_down(host);
        self.pause(500, 5000);
        cluster.link_up(host);
    }

    /// One that most likely holds its lock.
    fn worker(&mut self) -> Arc<Worker> {
        let any = self.workers[self.random.below(self.workers.len())].clone();
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
