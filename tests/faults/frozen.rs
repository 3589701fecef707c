//! genlock, or all of its processes, are frozen for longer than the TTL, and thawed.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll, send, within};
use crate::process::{is_dead, is_stopped, watchdog};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::{TTL, WITH_TTL, next, together};

#[test]
fn a_frozen_genlocks_command_is_stopped_inside_the_ttl() {
    together([Polite, Stubborn], |manners| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let beats = log.beats("first", manners);
        let script = format!("(setsid {beats} &) & exec {beats}");
        let holder = Run::start(store.sh(&WITH_TTL, &script));
        let pids = holder.all_ready(2);
        let next = next(&store, &log, "next");
        holder.signal(Signal::STOP);
        poll("genlock's stop", || is_stopped(holder.pid()));
        let frozen = now();
        poll("the tree's end", || pids.iter().all(|&pid| is_dead(pid)));
        assert!(is_stopped(holder.pid()));
        next.finish();
        let sections = log.check(2);
        let told = sections[0].told.expect("a SIGTERM");
        let (told, dead) = (told - frozen, sections[0].last - frozen);
        println!("{manners:?}: told after {told:?}, dead after {dead:?}");
        assert!(dead < TTL, "{dead:?}");
        if manners == Stubborn {
            assert!(dead - told > Duration::from_millis(500), "the grace");
        }
        holder.signal(Signal::CONT);
        let holder = holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        assert!(holder.one_line().contains("the lock is lost"));
    });
}

/// Who is thawed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thaw {
    All,
    /// genlock only when the command is dead: the watchdog does it alone.
    GenlockLast,
    /// The watchdog only when the command is dead: genlock does it alone.
    WatchdogLast,
}

/// The others run meanwhile, so that the two overlap: what counts is that it ends at once.
#[test]
fn all_frozen_and_thawed_the_command_is_dead_at_once() {
    const SHORT: [&str; 2] = ["--ttl", "2"];
    let cases = [
        (Polite, Thaw::All),
        (Stubborn, Thaw::All),
        (Stubborn, Thaw::GenlockLast),
        (Stubborn, Thaw::WatchdogLast),
    ];
    together(cases, |(manners, thaw)| {
        within(Duration::from_millis(300), || {
            let store = Store::etcd();
            let log = Sections::new(store.directory());
            let beats = log.beats("first", manners);
            let script = format!("(setsid {beats} &) & exec {beats}");
            let holder = Run::start(store.sh(&SHORT, &script));
            let tree = holder.all_ready(2);
            let mut all = tree.clone();
            all.extend([watchdog(holder.pid()), holder.pid()]);
            let next = next(&store, &log, "next");
            for &pid in &all {
                send(pid, Signal::STOP);
            }
            poll("the stop", || all.iter().all(|&pid| is_stopped(pid)));
            let next = next.finish();
            assert_eq!(next.status.code(), Some(0));
            let last = match thaw {
                Thaw::All => None,
                Thaw::GenlockLast => all.pop(),
                Thaw::WatchdogLast => Some(all.remove(2)),
            };
            let thawed = now();
            for &pid in &all {
                send(pid, Signal::CONT);
            }
            poll("the tree's end", || tree.iter().all(|&pid| is_dead(pid)));
            let dead = now() - thawed;
            println!("{manners:?}, {thaw:?}: dead {dead:?} after the thaw");
            if thaw == Thaw::GenlockLast {
                send(last.expect("genlock"), Signal::CONT);
            }
            let holder = holder.finish();
            assert_eq!(holder.status.code(), Some(80), "{holder:?}");
            assert!(holder.one_line().contains("the lock is lost"));
            // The token tells the two apart.
            assert!(log.of("first").token < log.of("next").token);
            dead
        });
    });
}
