//! The same faults with a ZooKeeper.

mod follower;
mod interop;
mod network;
mod waiter;

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll, within};
use crate::process::{is_dead, watchdog};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::support::zookeeper::{Chroot, ZkServer};
use crate::{TTL, WITH_TTL, next, together};

/// A session is half as long again as a TTL, and a bit; its end is found at the next tick.
const SESSION: Duration = Duration::from_millis(7_710);

/// What a loaded machine may take over the times that genlock keeps.
const SLACK: Duration = Duration::from_secs(3);

#[test]
fn a_killed_genlocks_tree_is_dead_before_the_next_holder_starts() {
    together([Polite, Stubborn], |manners| {
        let chroot = Chroot::of_the_shared();
        let store = Store::at(chroot.endpoint());
        let log = Sections::new(store.directory());
        let beats = log.beats("first", manners);
        let script = format!("(setsid {beats} &) & {beats} & wait");
        let holder = Run::start(store.sh(&WITH_TTL, &script));
        let pids = holder.all_ready(2);
        let next = next(&store, &log, "next");
        let killed = now();
        holder.signal(Signal::KILL);
        poll("the tree's end", || pids.iter().all(|&pid| is_dead(pid)));
        assert_eq!(log.read().len(), 1, "the next one started before that");
        next.finish();
        let sections = log.check(2);
        assert!(sections[0].last < killed + TTL / 2, "{sections:?}");
        assert!(sections[1].first < killed + SESSION + SLACK);
    });
}

#[test]
fn frozen_the_command_is_stopped_by_the_watchdog_inside_the_ttl() {
    together([Polite, Stubborn], |manners| {
        let chroot = Chroot::of_the_shared();
        let store = Store::at(chroot.endpoint());
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", manners)));
        let pid = holder.ready();
        let _ = watchdog(holder.pid());
        let next = next(&store, &log, "next");
        holder.signal(Signal::STOP);
        let frozen = now();
        poll("the command's end", || is_dead(pid));
        let dead = now() - frozen;
        assert!(dead < TTL + SLACK, "{dead:?}");
        next.finish();
        holder.signal(Signal::CONT);
        assert_eq!(holder.finish().status.code(), Some(80));
        log.check(2);
    });
}

#[test]
fn cut_off_the_command_is_stopped_inside_the_ttl() {
    together([Polite, Stubborn], |manners| {
        let chroot = Chroot::of_the_shared();
        let proxy = Proxy::before(&chroot.endpoint());
        let (store, direct) = (Store::at(proxy.endpoint()), Store::at(chroot.endpoint()));
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", manners)));
        holder.ready();
        let next = next(&direct, &log, "next");
        proxy.cut();
        let cut = now();
        let holder = holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        next.finish();
        let sections = log.check(2);
        assert!(sections[0].last < cut + TTL + SLACK, "{sections:?}");
    });
}

#[test]
fn a_connection_that_breaks_is_not_noticed() {
    let chroot = Chroot::of_the_shared();
    let proxy = Proxy::before(&chroot.endpoint());
    let store = Store::at(proxy.endpoint());
    let log = Sections::new(store.directory());
    let script = format!("{}; exit 7", log.beats_for("first", TTL + TTL / 2));
    let holder = Run::start(store.sh(&WITH_TTL, &script));
    holder.ready();
    for _ in 0..5 {
        sleep(Duration::from_millis(700));
        proxy.break_off();
    }
    holder.finish().silent(7);
    assert_eq!(log.check(1)[0].told, None);
    assert!(chroot.standing().is_empty());
}

#[test]
fn a_server_that_is_coming_up_is_waited_for() {
    let chroot = Chroot::of_the_shared();
    let proxy = Proxy::before(&chroot.endpoint());
    proxy.cut();
    let store = Store::at(proxy.endpoint());
    let run = Run::start(store.run(&["--dial-timeout", "30s"], &["true"]));
    sleep(Duration::from_millis(500));
    proxy.mend();
    run.finish().silent(0);
}

#[test]
fn a_node_whose_making_was_not_answered_is_found() {
    let chroot = Chroot::of_the_shared();
    let proxy = Proxy::before(&chroot.endpoint());
    let store = Store::at(proxy.endpoint());
    // The nodes above are there.
    Run::start(store.run(&[], &["true"])).finish().silent(0);
    // All but the answer for the session.
    proxy.slow(Way::Answers);
    let before = proxy.answers_read();
    let holder = Run::start(store.sh(&WITH_TTL, "echo ready $$; exec sleep 600"));
    poll("a node", || !chroot.standing().is_empty());
    poll("a session that is known", || proxy.answers_read() > before);
    let made = chroot.standing();
    proxy.break_off();
    proxy.release(Way::Answers);
    holder.ready();
    assert_eq!(chroot.standing(), made, "made twice");
    holder.signal(Signal::TERM);
    holder.finish();
    assert!(chroot.standing().is_empty());
}

/// It would end with a session that nobody keeps, and the lock with it.
#[test]
fn a_node_that_is_of_another_session_is_not_taken_for_ours() {
    let chroot = Chroot::of_the_shared();
    let proxy = Proxy::before(&chroot.endpoint());
    let store = Store::at(proxy.endpoint());
    Run::start(store.run(&[], &["true"])).finish().silent(0);
    proxy.hold(Way::Answers);
    let options = ["--dial-timeout", "30s", "--command-timeout", "30s"];
    let holder = Run::start(store.sh(&options, "echo ready $$; exec sleep 600"));
    poll("a node", || chroot.standing().len() == 1);
    let of_another = chroot.standing();
    proxy.cut();
    proxy.release(Way::Answers);
    // All but the answer for the session.
    proxy.slow(Way::Answers);
    let before = proxy.answers_read();
    proxy.mend();
    poll("a second node", || chroot.standing().len() == 2);
    poll("a session that is known", || proxy.answers_read() > before);
    proxy.cut();
    proxy.release(Way::Answers);
    proxy.mend();
    holder.ready();
    poll("one node", || chroot.standing().len() == 1);
    assert_ne!(chroot.standing(), of_another);
    holder.signal(Signal::TERM);
    holder.finish();
    assert!(chroot.standing().is_empty());
}

#[test]
fn a_deleted_or_overwritten_node_stops_the_command_at_once() {
    together([false, true], |overwritten| {
        within(Duration::from_millis(1000), || {
            let chroot = Chroot::of_the_shared();
            let store = Store::at(chroot.endpoint());
            let log = Sections::new(store.directory());
            let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Polite)));
            holder.ready();
            // It is watched by then.
            sleep(Duration::from_millis(300));
            let node = chroot.standing().pop().expect("a node");
            let struck = now();
            if overwritten {
                chroot.write(&node, b"mine");
            } else {
                chroot.delete(&node);
            }
            let holder = holder.finish();
            assert_eq!(holder.status.code(), Some(80), "{holder:?}");
            assert!(chroot.standing().is_empty());
            let told = log.check(1)[0].told.expect("a SIGTERM");
            told.saturating_sub(struck)
        });
    });
}

#[test]
fn killed_and_back_soon_is_not_noticed_and_wiped_is_a_loss() {
    together([false, true], |wiped| {
        let chroot = Chroot::of(std::sync::Arc::new(ZkServer::start()));
        let Chroot { server, path } = chroot;
        let store = Store::at(format!("zk://{}{path}", server.address()));
        let log = Sections::new(store.directory());
        let options = ["--ttl", "12"];
        let script = format!(
            "{}; exit 7",
            log.beats_for("first", Duration::from_secs(13))
        );
        let holder = Run::start(store.sh(&options, &script));
        holder.ready();
        let mut server = std::sync::Arc::into_inner(server).expect("nobody else's");
        if wiped {
            server.wipe();
            let holder = holder.finish();
            assert_eq!(holder.status.code(), Some(80), "{holder:?}");
            assert!(log.check(1)[0].told.is_some());
        } else {
            server.restart();
            holder.finish().silent(7);
            assert_eq!(log.check(1)[0].told, None);
        }
    });
}

#[test]
fn hanging_for_longer_than_the_ttl_the_command_is_stopped_inside_it() {
    let server = std::sync::Arc::new(ZkServer::start());
    let chroot = Chroot::of(server.clone());
    let store = Store::at(chroot.endpoint());
    let log = Sections::new(store.directory());
    let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Stubborn)));
    holder.ready();
    let next = next(&store, &log, "next");
    server.signal(Signal::STOP);
    let hung = now();
    poll("the command's end", || log.read()[0].told.is_some());
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    assert!(log.read()[0].last < hung + TTL + SLACK);
    server.signal(Signal::CONT);
    next.finish();
    log.check(2);
}

#[test]
fn a_waiter_that_is_killed_or_frozen_drops_out() {
    together([Signal::KILL, Signal::STOP], |signal| {
        let chroot = Chroot::of_the_shared();
        let store = Store::at(chroot.endpoint());
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Polite)));
        holder.ready();
        let dead = next(&store, &log, "dead");
        let last = next(&store, &log, "last");
        dead.signal(signal);
        poll("its session's end", || chroot.standing().len() == 2);
        holder.signal(Signal::TERM);
        holder.finish();
        last.finish();
        let sections = log.check(2);
        assert_eq!(sections[1].run, "last");
    });
}
