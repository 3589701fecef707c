//! A cluster of three etcds and a few hosts, which lose members, leaders and links.

use std::process::Command;

use super::nemesis::{Fault, Nemesis};
use super::{HOSTS, Target};
use crate::cluster::nothing_is_left;
use crate::genlock::genlock;
use crate::support::cluster::{Cluster, MEMBERS};

const ALL: [usize; MEMBERS] = [0, 1, 2];

pub(super) fn cluster() -> Cluster {
    Cluster::start(HOSTS)
}

impl Target for Cluster {
    fn genlock_run(&self, host: usize) -> Command {
        let mut run = genlock();
        run.args(["run", "--endpoints", &self.endpoints()]);
        self.on(host, &run)
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults: Vec<Fault<Self>> = vec![
            ("member killed", kill_member),
            ("member frozen", freeze_member),
            ("leader moved", move_leader),
        ];
        // Those that take namespaces.
        if self.has_network() {
            faults.extend::<[Fault<Self>; 4]>([
                ("member apart from its peers", cut_member),
                ("host cut off", cut_host),
                ("host cut off one member", cut_host_off_one),
                ("link down", link_down),
            ]);
        }
        faults
    }

    fn nothing_is_left(&self, _: &[String]) {
        nothing_is_left(self);
    }
}

/// One, or two and with them the quorum.
fn kill_member(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    let first = nemesis.below(MEMBERS);
    let mut members = vec![first];
    if nemesis.below(3) == 0 {
        members.push((first + 1) % MEMBERS);
    }
    for &member in &members {
        cluster.member(member).kill();
    }
    nemesis.pause(100, 3000);
    for &member in &members {
        cluster.member(member).restart();
    }
    cluster.until_healthy(&ALL);
}

/// A leader not for long: past a TTL it would have every lease revoked when it goes on, until 3.4.31 and
/// 3.5.13 (etcd-io/etcd#15247).
fn freeze_member(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    let member = nemesis.below(MEMBERS);
    let longest = if cluster.leader() == member {
        1200
    } else {
        4000
    };
    cluster.member(member).freeze();
    nemesis.pause(100, longest);
    cluster.member(member).thaw();
}

fn move_leader(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    cluster.move_leader(nemesis.below(MEMBERS));
}

fn cut_member(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    cluster.cut_from_peers(nemesis.below(MEMBERS));
    nemesis.pause(500, 5000);
    cluster.network().heal();
}

fn cut_host(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    cluster.cut_off(nemesis.host(), &ALL);
    nemesis.pause(500, 5000);
    cluster.network().heal();
}

fn cut_host_off_one(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    let host = nemesis.host();
    cluster.cut_off(host, &[nemesis.below(MEMBERS)]);
    nemesis.pause(500, 5000);
    cluster.network().heal();
}

fn link_down(nemesis: &mut Nemesis, cluster: &mut Cluster) {
    let host = nemesis.host();
    cluster.link_down(host);
    nemesis.pause(500, 5000);
    cluster.link_up(host);
}
