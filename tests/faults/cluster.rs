//! A cluster of three whose members fail: one at a time, which is not noticed, or most of them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Finished, Run, Store, poll};
use crate::sections::{Manners, Sections, now};
use crate::support::cluster::{Cluster, MEMBERS};
use crate::{TTL, WITH_TTL, together};

const ALL: [usize; MEMBERS] = [0, 1, 2];

/// One lock, with the log of its sections.
pub(crate) struct Lock {
    store: Store,
    pub(crate) sections: Sections,
}

impl Lock {
    pub(crate) fn new(cluster: &Cluster, key: &str) -> Self {
        let mut store = Store::at(cluster.endpoints());
        store.key = key.to_owned();
        let sections = Sections::new(store.directory());
        Self { store, sections }
    }

    /// Those that are started from now on know only these members.
    pub(crate) fn known(&mut self, endpoints: String) {
        self.store.endpoints = endpoints;
    }

    /// Starts a run on this host that beats until it is stopped.
    pub(crate) fn start(&self, cluster: &Cluster, host: usize, name: &str) -> Run {
        self.start_with(cluster, host, name, Manners::Polite)
    }

    pub(crate) fn start_with(
        &self,
        cluster: &Cluster,
        host: usize,
        name: &str,
        manners: Manners,
    ) -> Run {
        self.start_script(
            cluster,
            host,
            &format!("exec {}", self.sections.beats(name, manners)),
        )
    }

    pub(crate) fn start_script(&self, cluster: &Cluster, host: usize, script: &str) -> Run {
        let run = self.store.sh(&WITH_TTL, script);
        Run::start(cluster.on(host, &run))
    }

    /// Starts a run of a script that waits for the one before.
    pub(crate) fn queue_with(&self, cluster: &Cluster, host: usize, script: &str) -> Run {
        let run = self.start_script(cluster, host, script);
        run.complains("waiting for ");
        run
    }

    /// Starts a run that waits for the one before.
    pub(crate) fn queue(&self, cluster: &Cluster, host: usize, name: &str) -> Run {
        let run = self.start(cluster, host, name);
        run.complains("waiting for ");
        run
    }
}

/// Has a run end that was not disturbed.
#[track_caller]
pub(crate) fn end_undisturbed(run: Run) {
    run.signal(Signal::TERM);
    run.finish().silent(0);
}

/// Demands that the lock was lost, and said to be.
#[track_caller]
pub(crate) fn is_lost(run: &Finished) {
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    let line = run.stderr.lines().last().unwrap_or_default();
    assert!(line.contains("the lock is lost: "), "{run:?}");
}

/// The kind of trouble that a member has.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// It is there, but does nothing.
    Hangs,
    /// Its clients reach it, but no other member.
    Apart,
}

impl Trouble {
    fn begin(self, cluster: &mut Cluster, member: usize) {
        match self {
            Self::Hangs => cluster.member(member).freeze(),
            Self::Apart => cluster.cut_from_peers(member),
        }
    }

    fn end(self, cluster: &mut Cluster, member: usize) {
        match self {
            // As it does, it does not go on: a leader that did would have every lease revoked that
            // ran out on its own clock, until 3.4.31 and 3.5.13 (etcd-io/etcd#15247).
            Self::Hangs => {
                cluster.member(member).kill();
                cluster.member(member).restart();
            }
            Self::Apart => cluster.network().heal(),
        }
    }
}

#[test]
fn a_leader_that_changes_is_not_noticed() {
    let mut cluster = Cluster::start(2);
    let lock = Lock::new(&cluster, "/locks/k");
    let holder = lock.start(&cluster, 0, "holder");
    holder.ready();
    let waiter = lock.queue(&cluster, 1, "waiter");

    cluster.move_leader((cluster.leader() + 1) % MEMBERS);

    let leader = cluster.leader();
    cluster.member(leader).kill();
    sleep(TTL);
    cluster.member(leader).restart();
    cluster.until_healthy(&ALL);

    for member in ALL {
        cluster.member(member).stop();
        cluster.member(member).restart();
        cluster.until_healthy(&ALL);
    }

    end_undisturbed(holder);
    waiter.ready();
    waiter.signal(Signal::TERM);
    let waiter = waiter.finish();
    assert_eq!(waiter.status.code(), Some(0), "{waiter:?}");
    waiter.waited();
    lock.sections.check(2);
    nothing_is_left(&cluster);
}

/// The member that the holder talks to is in trouble for longer than the TTL.
#[test]
fn a_member_in_trouble_is_left_in_time() {
    let cases = [
        (Trouble::Hangs, true),
        (Trouble::Hangs, false),
        (Trouble::Apart, true),
        (Trouble::Apart, false),
    ];
    together(cases, |(trouble, leads)| {
        let Some(mut cluster) = Cluster::with_network(2) else {
            return;
        };
        let lock = Lock::new(&cluster, "/locks/k");
        let holder = lock.start(&cluster, 0, "holder");
        holder.ready();
        let _waiter = lock.queue(&cluster, 1, "waiter");
        // It may have asked a second one, when the first was slow.
        let member = cluster.asked_by(holder.pid())[0];
        cluster.move_leader(if leads {
            member
        } else {
            (member + 1) % MEMBERS
        });
        trouble.begin(&mut cluster, member);
        let start = Instant::now();
        sleep(TTL + Duration::from_secs(1));
        let asked = cluster.asked_by(holder.pid());
        assert!(asked.iter().any(|&one| one != member), "{asked:?}");
        let took = start.elapsed();
        trouble.end(&mut cluster, member);
        cluster.until_healthy(&ALL);
        println!("{trouble:?} for {took:?}, leads: {leads}: not noticed");
        end_undisturbed(holder);
    });
}

/// The only member that the holder knows is cut off from its peers: whether it leads or not, the
/// holder gives up inside the TTL, and the waiter, which knows all, is next.
#[test]
fn who_knows_only_a_member_that_is_apart_gives_up_inside_the_ttl() {
    together([true, false], |leads| {
        let Some(mut cluster) = Cluster::with_network(2) else {
            return;
        };
        let mut lock = Lock::new(&cluster, "/locks/k");
        let leader = cluster.leader();
        let member = if leads {
            leader
        } else {
            (leader + 1) % MEMBERS
        };
        lock.known(cluster.member(member).endpoint());
        let holder = lock.start_with(&cluster, 0, "holder", Manners::Stubborn);
        holder.ready();
        lock.known(cluster.endpoints());
        let waiter = lock.queue(&cluster, 1, "waiter");
        cluster.cut_from_peers(member);
        let cut = now();
        is_lost(&holder.finish());
        waiter.ready();
        waiter.signal(Signal::TERM);
        assert_eq!(waiter.finish().status.code(), Some(0));
        let lived = lock.sections.check(2)[0].last - cut;
        println!("leads: {leads}, the command lived on for {lived:?}");
        assert!(lived < TTL, "{lived:?}");
        cluster.network().heal();
        cluster.until_healthy(&ALL);
        nothing_is_left(&cluster);
    });
}

/// A leader that comes and goes does not know for long that it was replaced, and would renew.
#[test]
fn a_replaced_leader_that_stutters_renews_nothing() {
    stutters_after(Duration::ZERO);
}

/// The holder's stream is open by then.
#[test]
fn nor_does_one_that_has_renewed_before() {
    stutters_after(TTL / 2);
}

fn stutters_after(renewing: Duration) {
    let Some(mut cluster) = Cluster::with_network(2) else {
        return;
    };
    let mut lock = Lock::new(&cluster, "/locks/k");
    let leader = cluster.leader();
    let endpoint = cluster.member(leader).endpoint();
    lock.known(endpoint);
    let holder = lock.start_with(&cluster, 0, "holder", Manners::Stubborn);
    holder.ready();
    lock.known(
        (0..MEMBERS)
            .filter(|&member| member != leader)
            .map(|member| cluster.member(member).endpoint())
            .collect::<Vec<_>>()
            .join(","),
    );
    let waiter = lock.queue(&cluster, 1, "waiter");
    sleep(renewing);
    cluster.cut_from_peers(leader);
    // It runs too little to notice that an election is overdue, and enough to answer.
    let start = Instant::now();
    // The lease ends a TTL and an election after the new leader's.
    while start.elapsed() < TTL + TTL / 2 {
        cluster.member(leader).freeze();
        sleep(Duration::from_millis(1400));
        cluster.member(leader).thaw();
        sleep(Duration::from_millis(100));
    }
    is_lost(&holder.finish());
    waiter.ready();
    waiter.signal(Signal::TERM);
    assert_eq!(waiter.finish().status.code(), Some(0));
    lock.sections.check(2);
}

#[test]
fn a_quorum_that_is_gone_past_the_ttl_stops_the_holder_and_the_next_has_it_afterwards() {
    let mut cluster = Cluster::start(2);
    let lock = Lock::new(&cluster, "/locks/k");
    let holder = lock.start_with(&cluster, 0, "holder", Manners::Stubborn);
    holder.ready();
    let waiter = lock.queue(&cluster, 1, "waiter");
    let leader = cluster.leader();
    let gone = [leader, (leader + 1) % MEMBERS];
    for member in gone {
        cluster.member(member).kill();
    }
    let killed = now();
    is_lost(&holder.finish());
    let lived = lock.sections.of("holder").last - killed;
    println!("the command lived on for {lived:?}");
    assert!(lived < TTL, "{lived:?}");
    // Beyond the end of the waiter's TTL too.
    sleep(Duration::from_secs(2));
    assert_eq!(lock.sections.read().len(), 1);
    for member in gone {
        cluster.member(member).restart();
    }
    waiter.ready();
    waiter.complains("lost the place in the queue");
    waiter.signal(Signal::TERM);
    assert_eq!(waiter.finish().status.code(), Some(0));
    lock.sections.check(2);
    cluster.until_healthy(&ALL);
    nothing_is_left(&cluster);
}

/// No key, and no lease.
#[track_caller]
pub(crate) fn nothing_is_left(cluster: &Cluster) {
    // A place that was lost in the queue is free at its TTL's end.
    poll("the end of all leases", || cluster.leases().is_empty());
    assert_eq!(cluster.keys(), [""; 0]);
}
