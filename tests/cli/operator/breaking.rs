//! break: an operator takes a lock away from exactly the holder that was meant.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{token, verb};
use crate::genlock::{Run, Store, output, poll, within};
use crate::support::etcd::Server;

over_every_store! {
    the_holder_notices_stops_and_says_so;
    without_a_token_it_shows_whom_it_would_hit;
    a_later_holder_is_not_hit;
    the_lock_is_free_only_when_the_command_is_gone;
    a_free_lock_has_nobody_to_hit;
}

fn breaking(store: &Store, arguments: &[&str]) -> std::process::Command {
    let mut command = verb(store, "break", arguments);
    command.arg(&store.key);
    command
}

fn the_holder_notices_stops_and_says_so(store: &Store) {
    // The file is looked at four times a second.
    within(Duration::from_millis(2000), || {
        let holder = store.hold();
        let token = token(store).to_string();
        let start = Instant::now();
        let released = output(breaking(store, &["--token", &token])).silent(0);
        assert!(released.text().contains("taken away"), "{released:?}");
        let took = start.elapsed();
        let ended = holder.finish();
        assert_eq!(ended.status.code(), Some(80), "{ended:?}");
        let line = ended.one_line();
        assert!(line.contains("an operator took it away: "), "{line}");
        assert!(
            line.contains('@') && line.contains("stopping the command"),
            "{line}"
        );
        took
    });
    assert!(store.is_free());
}

fn without_a_token_it_shows_whom_it_would_hit(store: &Store) {
    let holder = store.hold();
    let shown = output(breaking(store, &[])).silent(64);
    let lines: Vec<_> = shown.text().lines().collect();
    assert!(
        lines[0].contains(&format!("pid {}", holder.pid())),
        "{lines:?}"
    );
    let line = format!("genlock break {} --token {}", store.key, token(store));
    assert!(lines[1].ends_with(&line), "{lines:?}");
    assert!(!store.is_free());
}

fn a_later_holder_is_not_hit(store: &Store) {
    let earlier = store.hold();
    let stale = token(store).to_string();
    earlier.end();
    let mut later = store.hold();
    let refused = output(breaking(store, &["--token", &stale]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    let line = refused.one_line();
    assert!(line.contains(&format!("token {stale}")), "{line}");
    // What a file store's operator had written for the earlier one is not for this one.
    std::thread::sleep(Duration::from_millis(400));
    assert!(!later.has_ended());
    assert!(!store.is_free());
}

fn the_lock_is_free_only_when_the_command_is_gone(store: &Store) {
    let script = "trap '' TERM; echo ready $$; while :; do sleep 0.02; date +%s%N > last; done";
    let holder = Run::start(store.sh(&["--kill-after=1s"], script));
    holder.ready();
    let token = token(store).to_string();
    let start = Instant::now();
    let next = Run::start(store.sh(&["-q"], "date +%s%N"));
    output(breaking(store, &["--token", &token])).silent(0);
    assert!(
        start.elapsed() > Duration::from_millis(900),
        "{:?}",
        start.elapsed()
    );
    let next: u128 = next.finish().silent(0).text().parse().expect("nanoseconds");
    let last = std::fs::read_to_string(store.path("last")).expect("a file");
    // It may have been killed as it wrote.
    if let Ok(last) = last.trim().parse::<u128>() {
        assert!(last < next, "it ran on for {} ns", last - next);
    }
    assert_eq!(holder.finish().status.code(), Some(80));
}

fn a_free_lock_has_nobody_to_hit(store: &Store) {
    let free = output(breaking(store, &[])).silent(1);
    assert!(free.text().ends_with("free"), "{free:?}");
    let refused = output(breaking(store, &["--token", "7"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    refused.one_line();
}

/// The word of the operator waits in the store for a genlock that is frozen; its watchdog stops
/// the command inside the TTL.
#[test]
fn a_frozen_holder_is_overtaken_by_its_ttl() {
    let store = Store::etcd();
    let holder = store.hold();
    let token = token(&store).to_string();
    holder.signal(Signal::STOP);
    let released = output(breaking(&store, &["--token", &token])).silent(0);
    assert!(released.took < Duration::from_secs(8), "{released:?}");
    holder.signal(Signal::CONT);
    assert_eq!(holder.finish().status.code(), Some(80));
}

/// Without waiting for the holder: its key is gone at once.
#[test]
fn by_force_the_key_is_gone_at_once() {
    let store = Store::etcd();
    let holder = store.hold();
    let token = token(&store).to_string();
    holder.signal(Signal::STOP);
    let released = output(breaking(&store, &["--token", &token, "--force"])).silent(0);
    // Not at the end of the TTL.
    assert!(released.took < Duration::from_secs(4), "{released:?}");
    assert!(store.entries().is_empty());
    holder.signal(Signal::CONT);
    let ended = holder.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
}

/// etcdctl does not look at its key, so that there is nothing to wait for.
#[test]
fn another_tools_key_is_removed() {
    let store = Store::etcd();
    let server = store.server().expect("a server");
    let mut etcdctl = server.ctl_command(&["lock", &store.key]);
    etcdctl.stdout(std::process::Stdio::null());
    let _etcdctl = Run::start(etcdctl);
    poll("a holder", || store.entries().len() == 1);
    let token = token(&store).to_string();
    output(breaking(&store, &["--token", &token])).silent(0);
    assert!(store.entries().is_empty());
}

/// Of those who wait only the dead are cleared away.
#[test]
fn a_dead_waiter_is_cleared_and_a_living_one_is_not() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let _holder = store.hold();
    let _lives = Run::start(store.run(&["-q"], &["true"]));
    poll("a waiter", || server.keys().len() == 2);
    let dead = Run::start(store.run(&["-q", "--ttl=4s"], &["true"]));
    poll("a waiter", || server.keys().len() == 3);
    dead.signal(Signal::STOP);
    // Not before half of its TTL is over.
    let mut cleared = String::new();
    poll("a cleared place", || {
        cleared = output(breaking(&store, &["--waiters"]))
            .silent(0)
            .text()
            .to_owned();
        !cleared.is_empty()
    });
    assert!(
        cleared.contains(&format!("pid {}", dead.pid())),
        "{cleared}"
    );
    assert_eq!(cleared.lines().count(), 1, "{cleared}");
    assert_eq!(server.keys().len(), 2);
}
