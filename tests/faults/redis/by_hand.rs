//! The script of docs/recipes/from-redis.md: its faults, each as long as two runs overlap, and what
//! becomes of the same under genlock.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, output, poll, send};
use crate::sections::{Manners::Polite, Sections, now};
use crate::support::redis::RedisServer;
use crate::{next, together};

/// Short, as these tests wait for its end.
const TTL: Duration = Duration::from_secs(4);
const WITH_TTL: [&str; 2] = ["--ttl", "4"];

/// How long the last run of a test takes.
const SHORT: Duration = Duration::from_millis(100);

/// The script, a Redis, and what ran under its lock.
struct ByHand {
    server: RedisServer,
    store: Store,
    log: Sections,
    script: String,
}

impl ByHand {
    fn new() -> Self {
        let server = RedisServer::start();
        let store = Store::at(server.endpoint());
        let log = Sections::new(store.directory());
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes/from-redis.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let (_, script) = page.split_once("```sh\n#!/bin/sh\n").expect("a script");
        let (script, _) = script.split_once("```").expect("its end");
        assert_eq!(script.matches("-h redis1").count(), 2, "{script}");
        let script = script.replace("-h redis1", &format!("-p {}", server.port()));
        Self {
            server,
            store,
            log,
            script,
        }
    }

    /// A run with this time to live.
    fn run(&self, lives: &str, command: &str) -> Run {
        assert!(self.script.contains("EX 900"), "{}", self.script);
        let script = self.script.replace("EX 900", lives);
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, "once.sh", &self.store.key]);
        shell.args(command.split(' '));
        Run::start(shell)
    }

    /// One that has begun, and whose time to live is over; with its job.
    fn outlived(&self) -> (Run, i32) {
        let first = self.run("PX 500", &self.log.beats("first", Polite));
        let job = first.ready();
        poll("the end of its time to live", || !self.is_held());
        (first, job)
    }

    fn is_held(&self) -> bool {
        self.server.cli(&["EXISTS", &self.store.key]) == "1"
    }

    /// Whether somebody else is at it: a script, and a genlock.
    fn keeps_others_out(&self) {
        let script = self.run("EX 900", "true").finish();
        assert_eq!(script.status.code(), Some(75), "{script:?}");
        let genlock = output(self.store.run(&["--try"], &["true"]));
        assert_eq!(genlock.status.code(), Some(75), "{genlock:?}");
    }

    /// A short run from its beginning to its end, which begins while `before` goes on.
    fn runs_beside(&self, before: &str, run: &str) {
        let after = self.run("EX 900", &self.log.beats_for(run, SHORT)).finish();
        assert_eq!(after.status.code(), Some(0), "{after:?}");
        let end = self.log.of(run).last;
        poll("more of the run before", || self.log.of(before).last > end);
        let (before, after) = (self.log.of(before), self.log.of(run));
        println!(
            "{before} and {after} overlap by {:?}",
            after.last - after.first
        );
        assert!(before.first < after.first && after.last < before.last);
    }

    fn holder(&self) -> Run {
        let holder = Run::start(self.store.sh(&WITH_TTL, &self.log.beats("first", Polite)));
        holder.ready();
        holder
    }
}

#[test]
fn a_ttl_that_is_never_renewed_lets_the_next_run_begin() {
    let by_hand = ByHand::new();
    let (mut first, job) = by_hand.outlived();
    by_hand.runs_beside("first", "next");
    send(job, Signal::TERM);
    first.ended();
}

#[test]
fn a_release_of_anothers_lock_lets_a_third_run_begin() {
    let by_hand = ByHand::new();
    let (mut first, job) = by_hand.outlived();
    let mut second = by_hand.run("EX 900", &by_hand.log.beats("second", Polite));
    let of_second = second.ready();
    by_hand.keeps_others_out();
    send(job, Signal::TERM);
    first.ended();
    by_hand.runs_beside("second", "third");
    send(of_second, Signal::TERM);
    second.ended();
}

#[test]
fn a_job_that_is_not_stopped_runs_beside_the_next() {
    let by_hand = ByHand::new();
    let mut first = by_hand.run("PX 500", &by_hand.log.beats("first", Polite));
    let job = first.ready();
    first.signal(Signal::KILL);
    first.ended();
    poll("the end of its time to live", || !by_hand.is_held());
    by_hand.runs_beside("first", "next");
    send(job, Signal::TERM);
}

#[test]
fn none_of_it_with_genlock() {
    together([outlives, releases, is_killed], |fault| fault());
}

/// A run that takes longer than the TTL.
fn outlives() {
    let by_hand = ByHand::new();
    let holder = by_hand.holder();
    let first = by_hand.log.of("first").first;
    poll("the TTL's end", || now() > first + TTL + SHORT);
    by_hand.keeps_others_out();
    let next = next(&by_hand.store, &by_hand.log, "next");
    holder.end();
    assert_eq!(next.finish().status.code(), Some(0));
    by_hand.log.check(2);
}

/// One that was frozen past its TTL, and goes on when the lock is the next one's.
fn releases() {
    let by_hand = ByHand::new();
    let holder = by_hand.holder();
    let second = by_hand.log.beats("second", Polite);
    let second = Run::start(by_hand.store.sh(&WITH_TTL, &second));
    second.complains("waiting for");
    holder.signal(Signal::STOP);
    second.ready();
    holder.signal(Signal::CONT);
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    by_hand.keeps_others_out();
    second.end();
    by_hand.log.check(2);
}

fn is_killed() {
    let by_hand = ByHand::new();
    let mut holder = by_hand.holder();
    let next = next(&by_hand.store, &by_hand.log, "next");
    holder.signal(Signal::KILL);
    holder.ended();
    assert_eq!(next.finish().status.code(), Some(0));
    by_hand.log.check(2);
}

#[test]
fn while_moving_each_keeps_the_other_out() {
    let by_hand = ByHand::new();
    let holder = by_hand.store.hold();
    by_hand.keeps_others_out();
    holder.end();
    let (mut first, job) = by_hand.outlived();
    let genlock = Run::start(by_hand.store.sh(&[], "echo ready $$; exec sleep 600"));
    genlock.ready();
    by_hand.keeps_others_out();
    // Its release is of the lock of genlock, which is told.
    send(job, Signal::TERM);
    first.ended();
    let genlock = genlock.finish();
    assert_eq!(genlock.status.code(), Some(80), "{genlock:?}");
    let script = by_hand.run("EX 900", &by_hand.log.beats("script", Polite));
    let job = script.ready();
    by_hand.keeps_others_out();
    let next = next(&by_hand.store, &by_hand.log, "next");
    send(job, Signal::TERM);
    script.finish();
    assert_eq!(next.finish().status.code(), Some(0));
}
