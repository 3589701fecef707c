//! A command is not started with little time left, whatever took the time: it would be cut short,
//! or end as a loss without having run.

use std::thread::sleep;

use rustix::process::Signal;

use crate::cluster::Lock;
use crate::genlock::{Finished, Run, Store, poll, send};
use crate::process::{is_stopped, watchdog};
use crate::proxy::{Proxy, Way};
use crate::sections::{Manners, Sections};
use crate::support::cluster::{Cluster, MEMBERS};
use crate::support::etcd::Server;
use crate::{TTL, WITH_TTL, next, together};

/// What a command that beats for longer than the TTL ends with if it is left alone.
const DONE: i32 = 7;

fn beats(log: &Sections, name: &str) -> String {
    format!("{}; exit {DONE}", log.beats_for(name, TTL + TTL / 4))
}

#[track_caller]
fn ran_undisturbed(log: &Sections, name: &str, run: &Finished) {
    assert_eq!(run.status.code(), Some(DONE), "{run:?}");
    assert_eq!(log.of(name).told, None, "{run:?}");
}

#[test]
fn a_waiter_that_is_paused_while_its_turn_comes_runs_to_its_end() {
    // In hundredths of the TTL. After the last one its place is lost or not.
    together([50, 70, 76, 82, 88, 94], |part| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("holder", Manners::Polite)));
        holder.ready();
        // Its lease is new.
        let waiter = Run::start(store.sh(&WITH_TTL, &beats(&log, "waiter")));
        waiter.complains("waiting for");
        waiter.signal(Signal::STOP);
        poll("the waiter's stop", || is_stopped(waiter.pid()));
        holder.end();
        sleep(TTL * part / 100);
        waiter.signal(Signal::CONT);
        let waiter = waiter.finish();
        println!("paused for {part} %: {:?}", waiter.stderr);
        ran_undisturbed(&log, "waiter", &waiter);
        log.check(2);
    });
}

#[test]
fn slow_answers_at_the_beginning_are_made_up_for() {
    let ways = [Way::Requests, Way::Answers];
    let cases = [30, 50, 70, 78].map(|part| ways.map(|way| (part, way)));
    together(cases.into_iter().flatten(), |(part, way)| {
        let server = Server::start();
        let proxy = Proxy::before(&server.endpoint());
        let store = Store::at(proxy.endpoint());
        let log = Sections::new(store.directory());
        proxy.hold(way);
        let patient = [
            "--ttl",
            "5",
            "--dial-timeout",
            "20s",
            "--command-timeout",
            "20s",
        ];
        let run = Run::start(store.sh(&patient, &beats(&log, "slow")));
        sleep(TTL * part / 100);
        proxy.release(way);
        let run = run.finish();
        println!("{way:?} after {part} %");
        ran_undisturbed(&log, "slow", &run);
        run.silent(DONE);
    });
}

#[test]
fn who_did_not_wait_is_told_why_nothing_was_started() {
    together([&["--try"][..], &[]], |options| {
        let server = Server::start();
        let proxy = Proxy::before(&server.endpoint());
        let store = Store::at(proxy.endpoint());
        proxy.hold(Way::Answers);
        let patient = [
            "--ttl",
            "5",
            "--dial-timeout",
            "6s",
            "--command-timeout",
            "6s",
        ];
        let run = Run::start(store.run(&[&patient, options].concat(), &["touch", "ran"]));
        poll("its lease", || !server.leases().is_empty());
        sleep(TTL * 8 / 10);
        // It has the lock by what it hears now, and can do nothing for it any more.
        proxy.hold(Way::Requests);
        proxy.release(Way::Answers);
        let run = run.finish();
        assert_eq!(run.status.code(), Some(69), "{run:?}");
        println!("{}", run.one_line());
        assert!(!store.path("ran").exists());
    });
}

/// A waiter that has its turn while its watchdog, the other, is stopped.
fn with_its_turn(store: &Store, log: &Sections) -> (Run, i32) {
    let holder = Run::start(store.sh(&WITH_TTL, &log.beats("holder", Manners::Polite)));
    holder.ready();
    let waiter = Run::start(store.sh(&WITH_TTL, &beats(log, "waiter")));
    waiter.complains("waiting for");
    let watchdog = watchdog(waiter.pid());
    send(watchdog, Signal::STOP);
    poll("the watchdog's stop", || is_stopped(watchdog));
    holder.end();
    poll("its turn", || store.entries().len() == 1);
    (waiter, watchdog)
}

/// As under load, when its processes get to run at quite different times.
#[test]
fn an_order_that_comes_too_late_is_given_again() {
    let store = Store::etcd();
    let log = Sections::new(store.directory());
    let (waiter, watchdog) = with_its_turn(&store, &log);
    sleep(TTL * 6 / 5);
    send(watchdog, Signal::CONT);
    let waiter = waiter.finish();
    ran_undisturbed(&log, "waiter", &waiter);
    assert!(!waiter.stderr.contains("lost"), "{waiter:?}");
    log.check(2);
}

/// All that it has is gone by the time that the order to start is read: it queues anew.
#[test]
fn a_waiter_that_lost_the_lock_before_its_command_started_queues_anew() {
    let store = Store::etcd();
    let log = Sections::new(store.directory());
    let (waiter, watchdog) = with_its_turn(&store, &log);
    // Both processes, as a host that is paused.
    waiter.signal(Signal::STOP);
    poll("the waiter's stop", || is_stopped(waiter.pid()));
    next(&store, &log, "next").finish();
    for pid in [watchdog, waiter.pid()] {
        send(pid, Signal::CONT);
    }
    let waiter = waiter.finish();
    ran_undisturbed(&log, "waiter", &waiter);
    assert!(waiter.stderr.contains("queueing anew"), "{waiter:?}");
    log.check(3);
}

#[test]
fn a_quorum_that_hangs_and_wakes_gives_a_waiter_its_full_time() {
    let mut cluster = Cluster::start(2);
    let lock = Lock::new(&cluster, "/locks/k");
    let holder = lock.start(&cluster, 0, "holder");
    holder.ready();
    let waiter = lock.queue_with(&cluster, 1, &beats(&lock.sections, "waiter"));
    let leader = cluster.leader();
    let hung = [leader, (leader + 1) % MEMBERS];
    for member in hung {
        cluster.member(member).freeze();
    }
    sleep(TTL * 5 / 2);
    for member in hung {
        cluster.member(member).thaw();
    }
    let waiter = waiter.finish();
    println!("{}", waiter.stderr);
    ran_undisturbed(&lock.sections, "waiter", &waiter);
    lock.sections.check(2);
    holder.finish();
}
