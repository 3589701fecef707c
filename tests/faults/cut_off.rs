//! Hosts that are cut off from the cluster, by their network.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::TTL;
use crate::cluster::{Lock, is_lost, nothing_is_left};
use crate::genlock::Run;
use crate::sections::{Manners, now};
use crate::support::cluster::{Cluster, MEMBERS};

/// How a host is cut off.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Its own link is down.
    Link,
    /// Packets are dropped on the way.
    Both,
    /// Only what comes to it is dropped: its pings arrive.
    Answers,
}

/// Hosts lose the cluster in each way at the same time, each with a lock that another host, which
/// keeps the cluster, waits for.
#[test]
fn the_next_starts_when_nothing_of_one_that_was_cut_off_lives() {
    let hosts = [
        (Cut::Link, Manners::Polite),
        (Cut::Link, Manners::Stubborn),
        (Cut::Both, Manners::Polite),
        (Cut::Both, Manners::Stubborn),
        (Cut::Answers, Manners::Polite),
        (Cut::Answers, Manners::Stubborn),
    ];
    let other = hosts.len();
    let Some(mut cluster) = Cluster::with_network(hosts.len() + 1) else {
        return;
    };
    let runs: Vec<(Lock, Run, Run)> = (0..other)
        .map(|host| {
            let lock = Lock::new(&cluster, &format!("/locks/{host}"));
            let holder = lock.start_with(&cluster, host, "holder", hosts[host].1);
            holder.ready();
            let waiter = lock.queue(&cluster, other, "waiter");
            (lock, holder, waiter)
        })
        .collect();
    // When each was cut off, at the latest.
    let mut cuts = Vec::new();
    for (host, (how, _)) in hosts.iter().enumerate() {
        match how {
            Cut::Link => cluster.link_down(host),
            Cut::Both => cluster.cut_off(host, &[0, 1, 2]),
            Cut::Answers => cluster.cut_answers(host),
        }
        cuts.push(now());
    }
    for (((how, manners), cut), (lock, holder, waiter)) in hosts.iter().zip(cuts).zip(runs) {
        is_lost(&holder.finish());
        waiter.ready();
        waiter.signal(Signal::TERM);
        assert_eq!(waiter.finish().status.code(), Some(0));
        let sections = lock.sections.check(2);
        let holder = &sections[0];
        let told = holder.told.expect("it was told") - cut;
        let lived = holder.last - cut;
        println!("{how:?}, {manners:?}: told after {told:?}, dead after {lived:?}");
        assert!(lived < TTL, "{lived:?}");
        // The time to end in that it was given is a fifth of the TTL.
        let had = lived - told;
        match manners {
            Manners::Polite => assert!(had < Duration::from_millis(500), "{had:?}"),
            Manners::Stubborn => assert!(had > Duration::from_millis(800), "{had:?}"),
        }
    }
    cluster.network().heal();
    nothing_is_left(&cluster);
}

#[test]
fn a_waiter_that_was_cut_off_is_last_in_the_queue() {
    let Some(mut cluster) = Cluster::with_network(3) else {
        return;
    };
    let lock = Lock::new(&cluster, "/locks/k");
    let holder = lock.start(&cluster, 0, "holder");
    holder.ready();
    let lonely = lock.queue(&cluster, 1, "lonely");
    let patient = lock.queue(&cluster, 2, "patient");
    let members: Vec<usize> = (0..MEMBERS).collect();
    cluster.cut_off(1, &members);
    sleep(TTL + Duration::from_secs(1));
    // Its place is free by now; it must not take what it would have had.
    holder.signal(Signal::TERM);
    holder.finish().silent(0);
    patient.ready();
    cluster.network().heal();
    lonely.complains("lost the place in the queue");
    patient.signal(Signal::TERM);
    lonely.ready();
    lonely.signal(Signal::TERM);
    let lonely = lonely.finish();
    assert_eq!(lonely.status.code(), Some(0), "{lonely:?}");
    assert!(lonely.stderr.contains("; queueing anew"), "{lonely:?}");
    let order = lock.sections.check(3);
    let order: Vec<&str> = order.iter().map(|section| &*section.run).collect();
    assert_eq!(order, ["holder", "patient", "lonely"]);
    assert_eq!(patient.finish().status.code(), Some(0));
    nothing_is_left(&cluster);
}
