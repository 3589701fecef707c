//! A waiter is killed, frozen, or loses its place: it never runs without owning, the queue moves
//! on, and it queues anew at the end.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, died_of, poll};
use crate::process::is_stopped;
use crate::proxy::{Proxy, Way};
use crate::queue::Queue;
use crate::support::etcd::Server;
use crate::together;

/// How long who is not hit holds the lock.
const SOON: Duration = Duration::from_millis(50);

fn queue(time: Duration) -> Queue<Server> {
    let server = Server::start();
    let endpoint = server.endpoint();
    Queue::start(server, &endpoint, time)
}

impl Queue<Server> {
    /// The keys of holder and waiters, in the order of the queue.
    fn keys(&self) -> Vec<String> {
        self.server.keys()
    }

    /// Waits until the first waiter, who had this key, has a new one.
    fn until_at_the_end(&self, key: &str) {
        poll("its new place", || {
            let keys = self.keys();
            keys.len() == 3 && keys[1] != key
        });
    }

    fn runs_in(self, order: &[&str]) {
        self.check(order, |server| server.keys().is_empty());
    }
}

#[test]
fn a_waiter_that_is_killed_is_passed_over() {
    let queue = queue(SOON);
    queue.hit.signal(Signal::KILL);
    queue.runs_in(&["holder", "other"]);
}

#[test]
fn a_waiter_that_slept_past_its_ttl_does_not_run_on_waking() {
    let queue = queue(Duration::from_secs(1));
    let hit = queue.hit.pid();
    queue.hit.signal(Signal::STOP);
    poll("the waiter's stop", || is_stopped(hit));
    poll("the end of its lease", || queue.keys().len() == 2);
    // The lock becomes free while it sleeps, and is another's when it wakes.
    queue.holder.signal(Signal::TERM);
    queue.other.ready();
    queue.hit.signal(Signal::CONT);
    queue.runs_in(&["holder", "other", "hit"]);
}

#[test]
fn a_waiter_that_lost_its_place_says_so_and_queues_anew_at_the_end() {
    type Fault = fn(&Queue<Server>, &str);
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
        let queue = queue(SOON);
        let before = queue.keys();
        assert_eq!(before.len(), 3, "{before:?}");
        fault(&queue, &before[1]);
        queue.runs_in(&["holder", "other", "hit"]);
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
