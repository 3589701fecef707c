//! Answers that come late: the deadline counts from the sending of what was answered.

use std::thread::sleep;
use std::time::Duration;

use crate::genlock::{Run, Store, poll, within};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::Stubborn;
use crate::sections::{Sections, now};
use crate::support::etcd::Server;
use crate::{TTL, WITH_TTL, next};

/// What a loaded machine may take for what is due.
const SLACK: Duration = Duration::from_millis(300);

#[test]
fn a_late_answer_extends_the_deadline_from_the_sending_only() {
    within(SLACK, || {
        off_the_deadline_after_a_late_answer().unwrap_or(Duration::MAX)
    });
}

/// By how much a command is stopped too early or too late. `None` if the machine was too slow for an
/// answer to be the first that is late.
fn off_the_deadline_after_a_late_answer() -> Option<Duration> {
    let (ttl, held_up) = (Duration::from_secs(6), Duration::from_millis(1500));
    let server = Server::start();
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
    let renewal_after = |from| {
        let mut sent = None;
        poll("a renewal", || {
            sent = proxy.request_after(from);
            sent.is_some()
        });
        sent.expect("a renewal")
    };
    let first = renewal_after(from);
    // With no answer it asks again; and then no more of that gets there.
    let sent = renewal_after(first + Duration::from_millis(100));
    sleep(Duration::from_millis(30));
    proxy.hold(Way::Requests);
    sleep((sent + held_up).saturating_sub(now()));
    if holder.has_complained("renewed, ") {
        return None;
    }
    proxy.release(Way::Answers);
    holder.complains("renewed, ");
    let answered = now();
    proxy.cut();
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    next.finish();
    let sections = log.check(2);
    let told = sections[0].told.expect("a SIGTERM") - sent;
    let dead = sections[0].last - sent;
    let answered = answered - sent;
    println!("from the sending: answered {answered:?}, told {told:?}, dead {dead:?}");
    assert!(answered >= held_up);
    // The margin is 100 ms and a twentieth of the TTL.
    let kill = ttl - Duration::from_millis(400);
    assert!(sections[1].first >= sent + ttl, "the TTL counts in etcd");
    let off = told.abs_diff(kill - Duration::from_secs(1));
    Some(dead.abs_diff(kill).max(off))
}

#[test]
fn a_stall_and_then_all_of_it_at_once_is_not_noticed() {
    let server = Server::start();
    let proxy = Proxy::before(&server.endpoint());
    let (store, direct) = (Store::at(proxy.endpoint()), Store::at(server.endpoint()));
    let log = Sections::new(store.directory());
    let script = format!("{}; exit 7", log.beats_for("first", TTL + TTL / 4));
    let holder = Run::start(store.sh(&WITH_TTL, &script));
    holder.ready();
    let next = next(&direct, &log, "next");
    sleep(Duration::from_millis(1500));
    for way in [Way::Requests, Way::Answers] {
        proxy.hold(way);
    }
    sleep(Duration::from_millis(1300));
    for way in [Way::Requests, Way::Answers] {
        proxy.release(way);
    }
    holder.finish().silent(7);
    next.finish();
    assert_eq!(log.check(2)[0].told, None);
}

#[test]
fn an_answer_after_the_sigterm_calls_nothing_off() {
    let server = Server::start();
    let proxy = Proxy::before(&server.endpoint());
    let (store, direct) = (Store::at(proxy.endpoint()), Store::at(server.endpoint()));
    let log = Sections::new(store.directory());
    let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Stubborn)));
    holder.ready();
    let next = next(&direct, &log, "next");
    proxy.hold(Way::Answers);
    let held_up = now();
    poll("a SIGTERM", || log.of("first").told.is_some());
    proxy.release(Way::Answers);
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    next.finish();
    let sections = log.check(2);
    let dead = sections[0].last - held_up;
    assert!(dead < TTL, "{dead:?}");
}

/// How many of two members are asked that say that they have read a request, and answer late.
fn asked_of_two() -> usize {
    let server = Server::start();
    let proxies = [(); 2].map(|()| Proxy::before(&server.endpoint()));
    let endpoints = proxies.each_ref().map(Proxy::endpoint).join(",");
    for proxy in &proxies {
        proxy.slow(Way::Answers);
    }
    let from = now();
    let options = ["--dial-timeout", "1s", "--command-timeout", "20s"];
    let run = Run::start(Store::at(endpoints).run(&options, &["true"]));
    sleep(Duration::from_secs(2));
    let asked = proxies
        .iter()
        .filter(|proxy| proxy.request_after(from).is_some());
    let asked = asked.count();
    for proxy in &proxies {
        proxy.release(Way::Answers);
    }
    assert_eq!(run.finish().silent(0).stdout, b"");
    asked
}

/// With much to do, a member says that it has read a request, and answers late. The first word has a
/// tenth of a second, which a loaded machine passes at times, and a broken program always.
#[test]
fn who_is_slow_and_lives_is_waited_for_and_no_other_is_asked() {
    let asked: Vec<_> = (0..5)
        .map(|_| asked_of_two())
        .take_while(|&asked| asked != 1)
        .collect();
    assert!(asked.len() < 5, "{asked:?}");
}
