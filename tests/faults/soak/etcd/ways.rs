//! What happens on the way to members, and between them.

use std::time::Duration;

use super::super::nemesis::{Course, Fault, Nemesis, On};
use super::ALL;
use crate::support::cluster::{Cluster, MEMBERS};

pub(super) fn faults() -> [Fault<Cluster>; 9] {
    [
        Fault::new("member apart from its peers", On::Way, cut_member),
        Fault::new("member apart from one peer", On::Way, cut_two_members),
        Fault::new("host cut off", On::Way, cut_host),
        Fault::new("host cut off one member", On::Way, cut_host_off_one),
        Fault::new("answers cut off", On::Way, cut_answers),
        Fault::new("answers late", On::Way, delay_answers),
        Fault::new("packets lost", On::Way, lose),
        Fault::new("connections reset on and on", On::Way, reset),
        Fault::new("link down", On::Way, link_down),
    ]
}

fn cut_member(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.cut_from_peers(nemesis.below(MEMBERS));
    heal_later(nemesis)
}

fn cut_two_members(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let first = nemesis.below(MEMBERS);
    cluster.network().cut(first, (first + 1) % MEMBERS);
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

fn cut_answers(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    cluster.cut_answers(nemesis.host());
    heal_later(nemesis)
}

fn heal_later(nemesis: &mut Nemesis) -> Course<Cluster> {
    Course::over().then(nemesis.time(500, 5000), heal)
}

fn heal(_: &mut Nemesis, cluster: &mut Cluster) {
    cluster.network().heal();
}

/// Each comes when it is sent again, some tenths of a short TTL later or nearly all of it.
fn delay_answers(nemesis: &mut Nemesis, _: &mut Cluster) -> Course<Cluster> {
    let host = nemesis.host();
    let mut course = Course::over();
    for _ in 0..2 + nemesis.below(3) {
        let (late, on_time) = (nemesis.time(300, 2500), nemesis.time(50, 600));
        course = course
            .then(on_time, move |_, cluster: &mut Cluster| {
                cluster.cut_answers(host)
            })
            .then(late, heal);
    }
    course
}

/// One in ten to one in three.
fn lose(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let percent = 10 + nemesis.below(21) as u32;
    cluster.lose_packets(nemesis.host(), percent);
    Course::over().then(nemesis.time(2000, 8000), |_, cluster: &mut Cluster| {
        cluster.network().lose_no_packets();
    })
}

fn reset(nemesis: &mut Nemesis, _: &mut Cluster) -> Course<Cluster> {
    let host = nemesis.host();
    let mut course = Course::over();
    for _ in 0..3 + nemesis.below(15) {
        let (served, refused) = (nemesis.time(10, 400), nemesis.time(10, 100));
        course = course
            .then(served, move |_, cluster: &mut Cluster| {
                cluster.network().reset_connections(MEMBERS + host);
            })
            .then(refused, |_, cluster: &mut Cluster| {
                cluster.network().reset_no_connections();
            });
    }
    course
}

fn link_down(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let host = nemesis.host();
    cluster.link_down(host);
    let down: Duration = nemesis.time(500, 5000);
    Course::over().then(down, move |_, cluster: &mut Cluster| {
        cluster.link_up(host);
    })
}
