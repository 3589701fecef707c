//! genlock, its watchdog or both are killed: what they ran is dead before the next holder starts.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll, send};
use crate::process::{is_dead, watchdog};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::{TTL, WITH_TTL, next, together};

/// A command by its processes: those in its group, then those that left its session.
fn tree(log: &Sections, (group, left): (&[bool], &[bool])) -> String {
    let beats = |&stubborn: &bool| log.beats("first", if stubborn { Stubborn } else { Polite });
    let left = left.iter().map(|p| format!("(setsid {} &) & ", beats(p)));
    let group = group.iter().map(|p| format!("{} & ", beats(p)));
    let mut script: String = left.chain(group).collect();
    script.push_str("wait");
    script
}

const POLITE: bool = false;
const STUBBORN: bool = true;

/// Trees that a command can be: alone, with children, with one that left the session, with those
/// that ignore SIGTERM.
const TREES: [(&[bool], &[bool]); 4] = [
    (&[POLITE], &[]),
    (&[POLITE, POLITE, POLITE], &[]),
    (&[POLITE], &[POLITE]),
    (&[STUBBORN, POLITE], &[STUBBORN]),
];

#[test]
fn a_killed_genlocks_tree_is_dead_before_the_next_holder_starts() {
    together(TREES, |shape| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &tree(&log, shape)));
        let pids = holder.all_ready(shape.0.len() + shape.1.len());
        let next = next(&store, &log, "next");
        let killed = now();
        holder.signal(Signal::KILL);
        poll("the tree's end", || pids.iter().all(|&pid| is_dead(pid)));
        let dead = now() - killed;
        assert_eq!(log.read().len(), 1, "the next one started before that");
        next.finish();
        let sections = log.check(2);
        println!("{shape:?}: dead {dead:?} after the kill");
        assert!(sections[0].last < killed + TTL / 2, "{sections:?}");
    });
}

#[test]
fn a_killed_watchdogs_tree_is_dead_before_the_release() {
    together(TREES, |shape| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &tree(&log, shape)));
        let pids = holder.all_ready(shape.0.len() + shape.1.len());
        let next = next(&store, &log, "next");
        send(watchdog(holder.pid()), Signal::KILL);
        let holder = holder.finish();
        assert!(pids.iter().all(|&pid| is_dead(pid)));
        assert_eq!(holder.status.code(), Some(70), "{holder:?}");
        assert!(holder.one_line().contains("watchdog was killed"));
        next.finish();
        let sections = log.check(2);
        // Released, not run out.
        let handed_over = sections[1].first - sections[0].last;
        assert!(handed_over < TTL / 2, "{handed_over:?}");
    });
}

#[test]
fn both_killed_the_direct_command_dies_at_once_and_the_lock_lasts_to_its_ttl() {
    together([Polite, Stubborn], |manners| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let script = format!("exec {}", log.beats("first", manners));
        let holder = Run::start(store.sh(&WITH_TTL, &script));
        let command = holder.ready();
        let watchdog = watchdog(holder.pid());
        let next = next(&store, &log, "next");
        // Stopped first, neither can act on the other's end.
        holder.signal(Signal::STOP);
        send(watchdog, Signal::STOP);
        let killed = now();
        send(watchdog, Signal::KILL);
        holder.signal(Signal::KILL);
        poll("the command's end", || is_dead(command));
        println!("dead {:?} after the kill", now() - killed);
        next.finish();
        let sections = log.check(2);
        assert!(sections[0].last < killed + Duration::from_millis(100));
        // A renewal leaves at a third of the TTL.
        assert!(sections[1].first > killed + TTL / 2, "{sections:?}");
    });
}
