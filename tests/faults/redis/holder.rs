//! The holder, its watchdog or all of it are killed or frozen, or cut off.

use std::time::Duration;

use rustix::process::Signal;

use super::HeldLock;
use crate::genlock::{Run, Store, poll, send};
use crate::process::{is_dead, is_stopped, watchdog};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::support::redis::RedisServer;
use crate::{TTL, WITH_TTL, next, together};

#[test]
fn a_killed_genlocks_command_is_dead_before_the_next_holder_starts() {
    together([Polite, Stubborn], |manners| {
        let lock = HeldLock::start(RedisServer::start(), manners);
        let killed = now();
        lock.holder.signal(Signal::KILL);
        let next = lock.next.finish();
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        let sections = lock.log.check(2);
        assert!(sections[0].last < killed + TTL / 2, "{sections:?}");
        // At the end of the TTL, and soon after it.
        let taken = sections[1].first - killed;
        println!("{manners:?}: the next one held after {taken:?}");
        assert!(taken < TTL + Duration::from_secs(1), "{taken:?}");
    });
}

#[test]
fn a_killed_watchdogs_command_is_dead_before_the_release() {
    let lock = HeldLock::start(RedisServer::start(), Stubborn);
    send(watchdog(lock.holder.pid()), Signal::KILL);
    let holder = lock.holder.finish();
    assert_eq!(holder.status.code(), Some(70), "{holder:?}");
    lock.next.finish();
    let sections = lock.log.check(2);
    let handed_over = sections[1].first - sections[0].last;
    assert!(handed_over < TTL / 2, "{handed_over:?}");
}

#[test]
fn a_frozen_genlocks_command_is_stopped_inside_the_ttl() {
    together([Polite, Stubborn], |manners| {
        let lock = HeldLock::start(RedisServer::start(), manners);
        lock.holder.signal(Signal::STOP);
        poll("genlock's stop", || is_stopped(lock.holder.pid()));
        let frozen = now();
        lock.next.finish();
        let sections = lock.log.check(2);
        let dead = sections[0].last - frozen;
        println!("{manners:?}: dead after {dead:?}");
        assert!(dead < TTL, "{dead:?}");
        lock.holder.signal(Signal::CONT);
        let holder = lock.holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    });
}

#[test]
fn all_frozen_and_thawed_the_command_is_dead_at_once_and_has_the_smaller_token() {
    let server = RedisServer::start();
    let store = Store::at(server.endpoint());
    let log = Sections::new(store.directory());
    let script = format!("exec {}", log.beats("first", Stubborn));
    let holder = Run::start(store.sh(&["--ttl", "2"], &script));
    let command = holder.ready();
    let all = [command, watchdog(holder.pid()), holder.pid()];
    let next = next(&store, &log, "next");
    for pid in all {
        send(pid, Signal::STOP);
    }
    poll("the stop", || all.iter().all(|&pid| is_stopped(pid)));
    assert_eq!(next.finish().status.code(), Some(0));
    for pid in all {
        send(pid, Signal::CONT);
    }
    poll("the command's end", || is_dead(command));
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    assert!(log.of("first").token < log.of("next").token);
}

#[test]
fn one_that_is_cut_off_is_stopped_before_the_next_starts_and_is_not_in_its_way() {
    together([Way::Requests, Way::Answers], |way| {
        let server = RedisServer::start();
        let proxy = Proxy::before(&server.endpoint());
        let (store, direct) = (Store::at(proxy.endpoint()), Store::at(server.endpoint()));
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Stubborn)));
        holder.ready();
        let next = next(&direct, &log, "next");
        proxy.hold(way);
        let cut = now();
        let holder = holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        next.finish();
        let sections = log.check(2);
        let dead = sections[0].last - cut;
        println!("{way:?} held up: dead after {dead:?}");
        assert!(dead < TTL, "{dead:?}");
        // What it had sent gets there after all.
        proxy.release(way);
        poll("nothing to be left", || server.left().is_empty());
    });
}
