//! Who waits is killed, frozen, or cut off: it is passed over, and never runs without the lock.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll};
use crate::process::is_stopped;
use crate::proxy::{Proxy, Way};
use crate::queue::Queue;
use crate::support::redis::RedisServer;
use crate::{TTL, together};

fn queue(time: Duration) -> Queue<RedisServer> {
    let server = RedisServer::start();
    let endpoint = server.endpoint();
    Queue::start(server, &endpoint, time)
}

impl Queue<RedisServer> {
    /// How many wait.
    fn waiting(&self) -> String {
        self.server.cli(&["ZCARD", "{/locks/k}:genlock:q"])
    }

    fn end(self, order: &[&str]) {
        self.check(order, |server| server.left().is_empty());
    }
}

#[test]
fn one_that_is_killed_is_passed_over_at_once() {
    let queue = queue(Duration::from_millis(50));
    queue.hit.signal(Signal::KILL);
    // Its connection has to be gone.
    sleep(Duration::from_millis(200));
    queue.holder.signal(Signal::TERM);
    queue.other.ready();
    let handed_over = {
        let (holder, other) = (queue.log.of("holder"), queue.log.of("other"));
        other.first - holder.last
    };
    assert!(handed_over < Duration::from_secs(1), "{handed_over:?}");
    queue.end(&["holder", "other"]);
}

#[test]
fn one_that_slept_past_its_ttl_does_not_run_on_waking() {
    let queue = queue(Duration::from_secs(1));
    queue.hit.signal(Signal::STOP);
    poll("the waiter's stop", || is_stopped(queue.hit.pid()));
    sleep(TTL + Duration::from_millis(500));
    queue.holder.signal(Signal::TERM);
    queue.other.ready();
    queue.hit.signal(Signal::CONT);
    queue.end(&["holder", "other", "hit"]);
}

/// It counts as alive when its turn comes, and is given the lock: that is its own TTL, and no more.
#[test]
fn one_that_sleeps_when_its_turn_comes_costs_its_ttl_and_does_not_run_late() {
    let queue = queue(Duration::from_secs(1));
    queue.hit.signal(Signal::STOP);
    poll("the waiter's stop", || is_stopped(queue.hit.pid()));
    queue.holder.signal(Signal::TERM);
    queue.other.ready();
    queue.hit.signal(Signal::CONT);
    let (holder, other) = (queue.log.of("holder"), queue.log.of("other"));
    let cost = other.first - holder.last;
    println!("it cost {cost:?}");
    assert!(cost < TTL + Duration::from_secs(1), "{cost:?}");
    queue.end(&["holder", "other", "hit"]);
}

#[test]
fn one_that_is_cut_off_and_comes_back_is_last_in_the_queue() {
    let queue = queue(Duration::from_millis(50));
    queue.hold_up(Proxy::hold);
    sleep(TTL + Duration::from_millis(500));
    queue.hold_up(Proxy::release);
    queue.hit.complains("lost the place in the queue");
    poll("its new place", || queue.waiting() == "2");
    queue.end(&["holder", "other", "hit"]);
}

#[test]
fn one_that_loses_its_connection_or_is_refused_for_a_while_keeps_its_place() {
    together(["cut", "killed", "refused"], |how| {
        let queue = queue(Duration::from_millis(50));
        match how {
            "cut" => queue.proxy.break_off(),
            "refused" => {
                queue.server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
                queue.proxy.break_off();
            }
            _ => drop(queue.server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"])),
        }
        sleep(Duration::from_millis(500));
        assert_eq!(queue.waiting(), "2");
        queue.server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        queue.holder.end();
        for waiter in [queue.hit, queue.other] {
            assert_eq!(waiter.finish().status.code(), Some(0));
        }
        let sections = queue.log.check(3);
        let runs: Vec<_> = sections.iter().map(|section| &*section.run).collect();
        assert_eq!(runs, ["holder", "hit", "other"]);
    });
}

/// It ends before it knows of its place.
#[test]
fn one_that_is_ended_while_the_answers_are_late_leaves_nothing_behind() {
    let server = RedisServer::start();
    let proxy = Proxy::before(&server.endpoint());
    let store = Store::at(server.endpoint());
    let holder = store.hold();
    proxy.slow(Way::Answers);
    let late = Store::at(proxy.endpoint());
    let waiter = Run::start(late.sh(&["--ttl", "60"], "echo ran"));
    let queue = "{/locks/k}:genlock:q";
    poll("its place", || server.cli(&["ZCARD", queue]) == "1");
    waiter.signal(Signal::TERM);
    poll("its end", || server.cli(&["ZCARD", queue]) == "0");
    proxy.release(Way::Answers);
    waiter.finish();
    holder.end();
    poll("nothing to be left", || server.left().is_empty());
}
