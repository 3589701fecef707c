//! What happens to members.

use std::time::Duration;

use super::super::nemesis::{Course, Nemesis};
use super::ALL;
use crate::process::has;
use crate::support::cluster::{Cluster, MEMBERS};

/// One, or two and with them the quorum.
pub(super) fn kill(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let first = nemesis.below(MEMBERS);
    let mut members = vec![first];
    if nemesis.below(3) == 0 {
        members.push((first + 1) % MEMBERS);
    }
    kill_these(members, nemesis, cluster)
}

pub(super) fn kill_all(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    kill_these(ALL.to_vec(), nemesis, cluster)
}

fn kill_these(
    members: Vec<usize>,
    nemesis: &mut Nemesis,
    cluster: &mut Cluster,
) -> Course<Cluster> {
    for &member in &members {
        cluster.member(member).kill();
    }
    Course::over().then(nemesis.time(100, 3000), move |_, cluster: &mut Cluster| {
        for member in members {
            cluster.member(member).restart();
        }
    })
}

pub(super) fn restart_in_turn(nemesis: &mut Nemesis, _: &mut Cluster) -> Course<Cluster> {
    let mut course = Course::over();
    for member in ALL {
        let (up, down) = (nemesis.time(500, 2500), nemesis.time(10, 500));
        course = course
            .then(up, move |_, cluster: &mut Cluster| {
                cluster.member(member).stop();
            })
            .then(down, move |_, cluster: &mut Cluster| {
                cluster.member(member).restart();
            });
    }
    course
}

/// So long a member hangs that may lead. Past a TTL it would have every lease revoked when it goes on, until
/// 3.4.31 and 3.5.13 (etcd-io/etcd#15247).
const BRIEFLY: u64 = 1200;

/// One that does not lead, for longer. There is nothing beside it that could have it lead meanwhile.
pub(super) fn freeze(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let Some(leader) = cluster.leads() else {
        return Course::over();
    };
    let member = (leader + 1 + nemesis.below(MEMBERS - 1)) % MEMBERS;
    let time = nemesis.time(BRIEFLY, 6000);
    freeze_these(vec![member], time, cluster)
}

pub(super) fn freeze_briefly(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster
        .member(nemesis.below(MEMBERS))
        .freeze_for(nemesis.time(100, BRIEFLY));
    Course::over()
}

/// Those that do not lead, and with them the quorum.
pub(super) fn freeze_two(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let Some(leader) = cluster.leads() else {
        return Course::over();
    };
    let others = ALL.into_iter().filter(|&member| member != leader);
    let time = nemesis.holder().ttl * 5 / 2;
    freeze_these(others.collect(), time, cluster)
}

fn freeze_these(members: Vec<usize>, time: Duration, cluster: &mut Cluster) -> Course<Cluster> {
    for &member in &members {
        cluster.member(member).freeze();
    }
    Course::over().then(time, move |_, cluster: &mut Cluster| {
        for member in members {
            cluster.member(member).thaw();
        }
    })
}

/// As one whose host has too much to do.
pub(super) fn stutter(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let any = nemesis.below(2 * MEMBERS);
    let leader = cluster.leads().filter(|_| any >= MEMBERS);
    let member = leader.unwrap_or(any % MEMBERS);
    let mut course = Course::over();
    for _ in 0..10 + nemesis.below(20) {
        let (runs, stands) = (nemesis.time(5, 60), nemesis.time(20, 300));
        course = course.then(runs, move |_, cluster: &mut Cluster| {
            cluster.member(member).freeze_for(stands);
        });
    }
    course
}

/// Each write to the disk takes some tenths of a second, or nearly a whole one.
pub(super) fn slow_disk(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    if !has("strace") {
        return Course::over();
    }
    let mut slow = Vec::new();
    for member in 0..=nemesis.below(MEMBERS) {
        let delay = nemesis.time(50, 900);
        slow.push(cluster.member(member).with_slow_disk(delay));
    }
    Course::over().then(nemesis.time(1000, 6000), move |_, _| drop(slow))
}

pub(super) fn move_leader(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.try_move_leader(nemesis.below(MEMBERS));
    Course::over()
}

pub(super) fn move_on_and_on(nemesis: &mut Nemesis, _: &mut Cluster) -> Course<Cluster> {
    let mut course = Course::over();
    for _ in 0..3 + nemesis.below(6) {
        let (after, to) = (nemesis.time(1, 600), nemesis.below(MEMBERS));
        course = course.then(after, move |_, cluster: &mut Cluster| {
            cluster.try_move_leader(to);
        });
    }
    course
}

/// What a watch could have gone on from is gone; and a member is rewritten, and asked in vain meanwhile.
pub(super) fn compact(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let member = nemesis.below(MEMBERS);
    let server = cluster.member(member);
    let status = [
        "endpoint",
        "status",
        "--write-out=json",
        "--command-timeout=2s",
    ];
    let status = server.ctl_command(&status).output().expect("etcdctl");
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
    if let Some(revision) = status[0]["Status"]["header"]["revision"].as_u64() {
        let revision = revision.to_string();
        for args in [&["compact", &revision][..], &["defrag"]] {
            let mut command = server.ctl_command(args);
            // Whatever comes of it.
            let _ = command
                .arg("--command-timeout=2s")
                .output()
                .expect("etcdctl");
        }
    }
    Course::over()
}
