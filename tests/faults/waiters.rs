//! A waiter is killed, frozen, or loses its place: it never runs without owning, the queue moves
//! on, and it queues anew at the end.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, died_of, poll};
use crate::process::is_stopped;
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::Polite;
use crate::sections::Sections;
use crate::support::etcd::Server;
use crate::{WITH_TTL, next, together};

/// A lock with a holder and two waiters, whose server the test has for itself.
struct Queue {
    server: Server,
    proxy: Proxy,
    store: Store,
    log: Sections,
    holder: Run,
    waiters: [Run; 2],
}

impl Queue {
    fn start() -> Self {
        Self::start_with(Duration::from_millis(50))
    }

    /// The first waiter is the one that the fault hits; it comes through the proxy. The other one
    /// holds the lock for so long.
    fn start_with(time: Duration) -> Self {
        let server = Server::start();
        let proxy = Proxy::before(&server.endpoint());
        let store = Store::at(server.endpoint());
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("holder", Polite)));
        holder.ready();
        let hit = next(&Store::at(proxy.endpoint()), &log, "hit");
        let other = Run::start(store.sh(&WITH_TTL, &log.beats_for("other", time)));
        other.complains("waiting for");
        Self {
            server,
            proxy,
            store,
            log,
            holder,
            waiters: [hit, other],
        }
    }

    /// The keys of holder and waiters, in the order of the queue.
    fn keys(&self) -> Vec<String> {
        self.server.keys()
    }

    /// Does this to all that flows between the first waiter and the store.
    fn hold_up(&self, change: impl Fn(&Proxy, Way)) {
        for way in [Way::Requests, Way::Answers] {
            change(&self.proxy, way);
        }
    }

    /// Waits until the first waiter, who had this key, has a new one.
    fn until_at_the_end(&self, key: &str) {
        poll("its new place", || {
            let keys = self.keys();
            keys.len() == 3 && keys[1] != key
        });
    }

    /// Ends the holder; then those in `order` run, after one another.
    fn check(self, order: &[&str]) {
        self.holder.end();
        let [hit, other] = self.waiters;
        let other = other.finish();
        assert_eq!(other.status.code(), Some(0), "{other:?}");
        other.waited();
        if order.contains(&"hit") {
            let hit = hit.finish();
            assert_eq!(hit.status.code(), Some(0), "{hit:?}");
            let lost = hit.stderr.lines().find(|line| line.contains("lost the"));
            println!("{}", lost.expect("a line that says so"));
            assert!(hit.stderr.contains("queueing anew"), "{hit:?}");
        }
        let sections = self.log.check(order.len());
        let runs: Vec<_> = sections.iter().map(|section| &*section.run).collect();
        assert_eq!(runs, order);
        poll("an empty store", || self.server.keys().is_empty());
        assert!(self.store.is_free());
    }
}

#[test]
fn a_waiter_that_is_killed_is_passed_over() {
    let queue = Queue::start();
    queue.waiters[0].signal(Signal::KILL);
    queue.check(&["holder", "other"]);
}

#[test]
fn a_waiter_that_slept_past_its_ttl_does_not_run_on_waking() {
    let queue = Queue::start_with(Duration::from_secs(1));
    let hit = queue.waiters[0].pid();
    queue.waiters[0].signal(Signal::STOP);
    poll("the waiter's stop", || is_stopped(hit));
    poll("the end of its lease", || queue.keys().len() == 2);
    // The lock becomes free while it sleeps, and is another's when it wakes.
    queue.holder.signal(Signal::TERM);
    queue.waiters[1].ready();
    queue.waiters[0].signal(Signal::CONT);
    queue.check(&["holder", "other", "hit"]);
}

#[test]
fn a_waiter_that_lost_its_place_says_so_and_queues_anew_at_the_end() {
    type Fault = fn(&Queue, &str);
    let revoked: Fault = |queue, key| {
        let lease = key.rsplit('/').next().expect("a lease");
        queue.server.ctl(&["lease", "revoke", lease]);
        queue.until_at_the_end(key);
    };
    // Its lease lives: it sees this when it looks whether it is its turn.
    let deleted: Fault = |queue, key| {
        queue.server.ctl(&["del", key]);
    };
    let cut_off: Fault = |queue, key| {
        queue.hold_up(Proxy::hold);
        poll("the end of its lease", || {
            !queue.keys().contains(&key.to_owned())
        });
        queue.hold_up(Proxy::release);
        queue.until_at_the_end(key);
    };
    together([revoked, deleted, cut_off], |fault| {
        let queue = Queue::start();
        let before = queue.keys();
        assert_eq!(before.len(), 3, "{before:?}");
        fault(&queue, &before[1]);
        queue.check(&["holder", "other", "hit"]);
    });
}

/// It ends before it knows of its lease.
#[test]
fn a_waiter_that_is_ended_while_the_answers_are_late_leaves_nothing_behind() {
    let server = Server::start();
    let proxy = Proxy::before(&server.endpoint());
    let store = Store::at(server.endpoint());
    let holder = store.hold();
    proxy.hold(Way::Answers);
    let late = Store::at(proxy.endpoint());
    let mut waiter = Run::start(late.sh(&["--ttl", "60"], "echo ran"));
    // Its place came along, or came first and was refused.
    poll("its lease", || server.leases().len() == 2);
    // A hang-up, and the service manager's signal.
    waiter.signal(Signal::HUP);
    waiter.signal(Signal::TERM);
    let (status, _) = waiter.ended();
    died_of(status, Signal::HUP);
    poll("its lease's end", || server.leases().len() == 1);
    assert_eq!(server.keys().len(), 1);
    holder.end();
}
