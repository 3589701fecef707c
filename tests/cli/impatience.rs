//! More than one signal, as a service manager, a terminal that hangs up and people send them: the
//! place in the queue is left and the lock released all the same.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, died_of, poll, within};
use crate::support::etcd::Server;

/// Long enough that nothing runs out while a test waits for it to be gone.
const WITH_TTL: [&str; 2] = ["--ttl", "60"];

/// What systemd.kill(5) sends with SendSIGHUP=, a hang-up, and those who press Ctrl-C twice.
const PAIRS: [[Signal; 2]; 4] = [
    [Signal::TERM, Signal::HUP],
    [Signal::HUP, Signal::TERM],
    [Signal::INT, Signal::TERM],
    [Signal::TERM, Signal::TERM],
];

/// Waits for the lock.
fn waiter(store: &Store) -> Run {
    Run::start(store.run(&WITH_TTL, &["true"]))
}

/// Sends the pairs in turn, and waits for the ends.
fn end_by_two(runs: Vec<Run>) {
    for (run, pair) in runs.iter().zip(PAIRS.iter().cycle()) {
        for &signal in pair {
            run.signal(signal);
        }
    }
    for mut run in runs {
        run.ended();
    }
}

#[test]
fn two_signals_at_once_leave_no_place_behind() {
    let store = Store::etcd();
    let holder = store.hold();
    let waiters: Vec<_> = (0..30).map(|_| waiter(&store)).collect();
    for waiter in &waiters {
        waiter.complains("waiting");
    }
    assert_eq!(store.entries().len(), 31);
    end_by_two(waiters);
    poll("an empty queue", || store.entries().len() == 1);
    holder.end();
}

#[test]
fn two_signals_on_the_way_into_the_queue_leave_no_lease_behind() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let holder = store.hold();
    for round in 0..4 {
        let mut waiters = Vec::new();
        for number in 0..8 {
            waiters.push(waiter(&store));
            std::thread::sleep(Duration::from_millis(number * 3 + round));
        }
        end_by_two(waiters);
    }
    poll("one lease", || server.leases().len() == 1);
    holder.end();
}

#[test]
fn a_store_that_does_not_answer_delays_the_end_by_half_a_second() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let holder = store.hold();
    within(Duration::from_millis(2000), || {
        let waiter = waiter(&store);
        waiter.complains("waiting");
        server.freeze();
        let start = Instant::now();
        // If both are seen at once, the smaller number is the first.
        waiter.signal(Signal::HUP);
        waiter.signal(Signal::TERM);
        let run = waiter.finish();
        let took = start.elapsed();
        server.thaw();
        assert!(took > Duration::from_millis(450), "no patience: {took:?}");
        died_of(run.status, Signal::HUP);
        took
    });
    holder.end();
}

#[test]
fn any_number_of_signals_leaves_no_lock_behind() {
    let store = Store::etcd();
    for _ in 0..20 {
        let mut holder = Run::start(store.sh(&WITH_TTL, "echo ready $$; exec sleep 600"));
        holder.ready();
        while !holder.has_ended() {
            holder.signal(Signal::TERM);
        }
    }
    poll("a free lock", || store.entries().is_empty());
}
