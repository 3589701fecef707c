//! The server is killed, wiped, gone for a time, or hangs; its answers come late, or are lost.

use std::thread::sleep;
use std::time::Duration;

use super::HeldLock;
use crate::genlock::{Run, Store, output, within};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::store::hangs_at_the_release;
use crate::support::redis::RedisServer;
use crate::{TTL, WITH_TTL, next, together};

/// A Redis that keeps every write.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

#[test]
fn killed_and_back_with_its_data_is_not_noticed() {
    let mut server = RedisServer::with(&DURABLE);
    let store = Store::at(server.endpoint());
    let log = Sections::new(store.directory());
    let script = format!("{}; exit 7", log.beats_for("first", TTL + TTL / 5));
    let holder = Run::start(store.sh(&WITH_TTL, &script));
    holder.ready();
    let next = next(&store, &log, "next");
    // Just before a renewal is due.
    sleep(Duration::from_millis(1400));
    server.kill();
    server.restart();
    assert!(server.serves());
    holder.finish().silent(7);
    let next = next.finish();
    next.waited();
    assert_eq!(next.status.code(), Some(0));
    assert_eq!(log.check(2)[0].told, None);
    assert!(server.left().is_empty(), "{:?}", server.left());
}

#[test]
fn killed_and_back_without_its_data_the_command_is_told_at_once() {
    within(Duration::from_millis(1000), || {
        let mut lock = HeldLock::start(RedisServer::start(), Polite);
        sleep(Duration::from_millis(300));
        lock.server.kill();
        sleep(Duration::from_millis(500));
        lock.server.restart();
        assert!(lock.server.serves());
        lock.loses("its key was deleted", now())
    });
}

#[test]
fn gone_for_longer_than_the_ttl_the_command_is_stopped_inside_it() {
    together([Polite, Stubborn], |manners| {
        let mut lock = HeldLock::start(RedisServer::with(&DURABLE), manners);
        lock.server.kill();
        let killed = now();
        let holder = lock.holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        let line = holder.one_line();
        assert!(line.contains("connection refused"), "{line}");
        let dead = lock.log.of("first").last - killed;
        println!("{manners:?}: dead {dead:?} after the server");
        assert!(dead < TTL, "{dead:?}");
        sleep((killed + TTL + Duration::from_millis(500)).saturating_sub(now()));
        lock.server.restart();
        let next = lock.next.finish();
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        lock.log.check(2);
    });
}

#[test]
fn hanging_for_longer_than_the_ttl_the_command_is_stopped_inside_it() {
    together([Polite, Stubborn], |manners| {
        let lock = HeldLock::start(RedisServer::start(), manners);
        lock.server.freeze();
        let frozen = now();
        let holder = lock.holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        let dead = lock.log.of("first").last - frozen;
        println!("{manners:?}: dead {dead:?} after the freeze");
        assert!(dead < TTL, "{dead:?}");
        lock.server.thaw();
        let next = lock.next.finish();
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        lock.log.check(2);
    });
}

#[test]
fn hanging_before_the_lock_is_held_it_is_an_error_in_time() {
    let server = RedisServer::start();
    server.freeze();
    let ended = output(Store::at(server.endpoint()).run(&WITH_TTL, &["echo", "ran"]));
    assert_eq!(ended.status.code(), Some(69), "{ended:?}");
    assert!(
        ended.one_line().contains("no answer within 2s"),
        "{ended:?}"
    );
    assert!(ended.took < Duration::from_secs(5), "{ended:?}");
    server.thaw();
}

#[test]
fn hanging_at_the_release_it_costs_5_s_and_the_status_is_the_commands() {
    let server = RedisServer::start();
    hangs_at_the_release(&server.endpoint(), || server.freeze(), || server.thaw());
}

#[test]
fn a_late_answer_extends_the_deadline_from_the_sending_only() {
    within(Duration::from_millis(300), || {
        off_the_deadline_after_a_late_answer().unwrap_or(Duration::MAX)
    });
}

/// By how much a command is killed too early or too late. `None` if the machine was too slow for an
/// answer to be the first that is late.
fn off_the_deadline_after_a_late_answer() -> Option<Duration> {
    let server = RedisServer::start();
    let proxy = Proxy::before(&server.endpoint());
    let (store, direct) = (Store::at(proxy.endpoint()), Store::at(server.endpoint()));
    let log = Sections::new(store.directory());
    let options = ["--ttl", "6", "--kill-after", "1", "-vv"];
    let holder = Run::start(store.sh(&options, &log.beats("first", Stubborn)));
    holder.ready();
    let next = next(&direct, &log, "next");
    // The first renewal leaves at a third of the TTL.
    sleep(Duration::from_millis(1500));
    proxy.hold(Way::Answers);
    let from = now();
    let sent = loop {
        if let Some(sent) = proxy.request_after(from) {
            break sent;
        }
        sleep(Duration::from_millis(1));
    };
    // Nothing more gets there, and what was answered comes late.
    proxy.hold(Way::Requests);
    sleep(Duration::from_millis(1500));
    if holder.has_complained("renewed, ") {
        return None;
    }
    proxy.release(Way::Answers);
    holder.complains("renewed, ");
    proxy.cut();
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    next.finish();
    let sections = log.check(2);
    let dead = sections[0].last - sent;
    println!("dead {dead:?} after the sending");
    // The margin is 100 ms and a twentieth of the TTL.
    let kill = Duration::from_secs(6) - Duration::from_millis(400);
    assert!(sections[1].first >= sent + Duration::from_secs(6));
    Some(dead.abs_diff(kill))
}

/// What is asked is done, and nobody hears of it: it is asked again over another connection.
#[test]
fn answers_that_are_lost_after_the_write_took_effect_change_nothing() {
    let server = RedisServer::start();
    let proxy = Proxy::before(&server.endpoint());
    let (store, direct) = (Store::at(proxy.endpoint()), Store::at(server.endpoint()));
    let log = Sections::new(store.directory());
    // The lock is taken, and then released, while the answers are held back.
    proxy.hold(Way::Answers);
    let script = format!("{}; exit 7", log.beats_for("first", TTL / 2));
    let options = [&WITH_TTL[..], &["--dial-timeout", "10s"]].concat();
    let holder = Run::start(store.sh(&options, &script));
    crate::genlock::poll("the write", || server.cli(&["EXISTS", "/locks/k"]) == "1");
    let value = server.cli(&["GET", "/locks/k"]);
    proxy.break_off();
    proxy.release(Way::Answers);
    holder.ready();
    assert_eq!(
        server.cli(&["GET", "/locks/k"]),
        value,
        "it is the same lock"
    );
    let next = next(&direct, &log, "next");
    proxy.break_off();
    holder.finish().silent(7);
    next.finish();
    let sections = log.check(2);
    let handed_over = sections[1].first - sections[0].last;
    assert!(handed_over < TTL / 2, "{handed_over:?}");
    assert!(server.left().is_empty(), "{:?}", server.left());
}
