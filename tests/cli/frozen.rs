//! Over etcd: genlock or its watchdog is frozen, and the lock goes to another in time.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, output, poll, send};
use crate::process::{is_dead, is_stopped, watchdog};
use crate::support::etcd::Server;

const TTL: Duration = Duration::from_secs(2);

#[test]
fn a_frozen_genlock_does_not_keep_the_command_alive() {
    let store = Store::etcd();
    let script = "setsid sh -c 'trap \"\" TERM; echo ready $$; while :; do sleep 0.05; done' &
        echo ready $$; wait; sleep 600";
    let run = Run::start(store.sh(&["--ttl", "2"], script));
    let pids = run.all_ready(2);
    run.signal(Signal::STOP);
    poll("genlock's stop", || is_stopped(run.pid()));
    let start = Instant::now();
    poll("the command's end", || pids.iter().all(|&pid| is_dead(pid)));
    let dead = start.elapsed();
    assert!(dead < TTL, "dead after {dead:?}");
    // Another has the lock while genlock sleeps on.
    let other = Run::start(store.run(&["-q"], &["echo", "ran"]))
        .finish()
        .silent(0);
    assert_eq!(other.text(), "ran");
    run.signal(Signal::CONT);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    assert!(run.one_line().contains("the lock is lost"), "{run:?}");
}

#[test]
fn a_frozen_watchdog_does_not_keep_the_command_alive() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let run = Run::start(store.sh(&["--ttl", "2"], "echo ready $$; exec sleep 600"));
    let command = run.ready();
    let watchdog = watchdog(run.pid());
    send(watchdog, Signal::STOP);
    let start = Instant::now();
    server.freeze();
    poll("the command's end", || is_dead(command));
    assert!(start.elapsed() < TTL);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    assert!(is_dead(watchdog));
    server.thaw();
}

#[test]
fn a_command_outlives_the_ttl_many_times() {
    let store = Store::etcd();
    output(store.run(&["--ttl", "2"], &["sleep", "5"])).silent(0);
}

#[test]
fn waiters_are_served_in_order() {
    let store = Store::etcd();
    let holder = store.hold();
    let waiters: Vec<_> = (0..4)
        .map(|number| {
            let run = store.sh(&[], &format!("echo {number} >>order"));
            let run = Run::start(run);
            run.complains("waiting");
            run
        })
        .collect();
    holder.end();
    for waiter in waiters {
        assert_eq!(waiter.finish().status.code(), Some(0));
    }
    let order = std::fs::read_to_string(store.path("order")).expect("a file");
    assert_eq!(order, "0\n1\n2\n3\n");
}
