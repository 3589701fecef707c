//! A cluster of three etcds and a few hosts, which lose members, leaders and links.

use std::process::Command;

use super::asking::{Able, Sharing};
use super::nemesis::{Course, Fault, Nemesis, On};
use super::{HOSTS, Target};
use crate::cluster::nothing_is_left;
use crate::genlock::genlock;
use crate::support::cluster::{Cluster, MEMBERS};

/// What its locks can do.
pub(super) const ABLE: Able = Able {
    sharing: &Sharing::ALL,
    several: true,
    latest: true,
    in_order: true,
    lasts: |ttl| ttl,
    counts_anew: true,
};

const ALL: [usize; MEMBERS] = [0, 1, 2];

pub(super) fn cluster() -> Cluster {
    Cluster::start(HOSTS)
}

impl Target for Cluster {
    fn genlock(&self, host: usize, verb: &str) -> Command {
        let mut genlock = genlock();
        genlock.args([verb, "--endpoints", &self.endpoints()]);
        self.on(host, &genlock)
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = vec![
            Fault::new("member killed", On::Store, kill_member),
            Fault::new("member frozen", On::Store, freeze_member),
            Fault::new("leader moved", On::Store, move_leader),
        ];
        // Those that take namespaces.
        if self.has_network() {
            faults.extend([
                Fault::new("member apart from its peers", On::Way, cut_member),
                Fault::new("host cut off", On::Way, cut_host),
                Fault::new("host cut off one member", On::Way, cut_host_off_one),
                Fault::new("link down", On::Way, link_down),
            ]);
        }
        faults
    }

    fn settle(&mut self) {
        self.until_healthy(&ALL);
    }

    fn nothing_is_left(&self, _: &[String]) {
        nothing_is_left(self);
    }
}

/// One, or two and with them the quorum.
fn kill_member(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let first = nemesis.below(MEMBERS);
    let mut members = vec![first];
    if nemesis.below(3) == 0 {
        members.push((first + 1) % MEMBERS);
    }
    for &member in &members {
        cluster.member(member).kill();
    }
    Course::over().then(nemesis.time(100, 3000), move |_, cluster: &mut Cluster| {
        for member in members {
            cluster.member(member).restart();
        }
    })
}

/// A leader not for long: past a TTL it would have every lease revoked when it goes on, until 3.4.31 and
/// 3.5.13 (etcd-io/etcd#15247). So there is nothing in between.
fn freeze_member(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let member = nemesis.below(MEMBERS);
    if cluster.leader() == member {
        cluster.member(member).freeze();
        nemesis.pause(100, 1200);
        cluster.member(member).thaw();
        return Course::over();
    }
    cluster.member(member).freeze();
    Course::over().then(nemesis.time(100, 4000), move |_, cluster: &mut Cluster| {
        cluster.member(member).thaw();
    })
}

fn move_leader(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.move_leader(nemesis.below(MEMBERS));
    Course::over()
}

fn cut_member(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.cut_from_peers(nemesis.below(MEMBERS));
    heal_later(nemesis)
}

fn cut_host(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.cut_off(nemesis.host(), &ALL);
    heal_later(nemesis)
}

fn cut_host_off_one(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let host = nemesis.host();
    cluster.cut_off(host, &[nemesis.below(MEMBERS)]);
    heal_later(nemesis)
}

fn heal_later(nemesis: &mut Nemesis) -> Course<Cluster> {
    Course::over().then(nemesis.time(500, 5000), |_, cluster: &mut Cluster| {
        cluster.network().heal();
    })
}

fn link_down(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let host = nemesis.host();
    cluster.link_down(host);
    Course::over().then(nemesis.time(500, 5000), move |_, cluster: &mut Cluster| {
        cluster.link_up(host);
    })
}
