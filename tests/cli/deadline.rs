//! The command ends before its lock does, and when it has run for as long as it may.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, output, poll};
use crate::process::{is_dead, is_stopped};

over_every_store! {
    it_is_told_in_time_when_the_lock_is_not_renewed;
    it_is_killed_before_the_lock_ends;
    the_status_for_a_loss_is_the_users_choice;
    a_command_that_ends_in_time_has_lost_nothing;
    a_frozen_genlock_does_not_keep_the_command_alive;
    a_stopped_command_is_ended_too;
    what_a_command_leaves_behind_does_not_outlive_the_lock;
    max_runtime_ends_the_command_with_124;
}

const TTL: Duration = Duration::from_secs(2);

/// Without renewal a lock ends at its TTL.
const NO_RENEW: [&str; 3] = ["--no-renew", "--ttl", "2"];

fn it_is_told_in_time_when_the_lock_is_not_renewed(store: &Store) {
    let script = "exec 2>/dev/null; trap 'echo told; exit 0' TERM; echo ready $$; while :; do sleep 0.02; done";
    let run = Run::start(store.sh(&NO_RENEW, script));
    run.ready();
    let ready = Instant::now();
    run.says("told");
    let run_time = ready.elapsed();
    let run = run.finish();
    assert!(run_time < TTL, "told after {run_time:?}");
    assert!(run.took > TTL / 3, "{:?}", run.took);
    // Even a command that then ends with 0 has not done its work under the lock.
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    let line = run.one_line();
    assert!(
        line.starts_with(&format!("genlock: {}: the lock is lost", store.key)),
        "{line}"
    );
    assert!(store.is_free());
}

fn it_is_killed_before_the_lock_ends(store: &Store) {
    let stays = "trap '' TERM; echo ready $$; while :; do sleep 0.02; done";
    let script = format!("setsid sh -c \"{}\" & {stays}", stays.replace('$', "\\$"));
    let run = Run::start(store.sh(&NO_RENEW, &script));
    let pids = run.all_ready(2);
    let ready = Instant::now();
    poll("the command's end", || pids.iter().all(|&pid| is_dead(pid)));
    let dead = ready.elapsed();
    assert!(dead < TTL, "dead after {dead:?}");
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    run.one_line();
}

fn the_status_for_a_loss_is_the_users_choice(store: &Store) {
    let options = ["--no-renew", "--ttl", "2", "--lost-exit-code", "9"];
    let run = output(store.run(&options, &["sleep", "600"]));
    assert_eq!(run.status.code(), Some(9), "{run:?}");
    run.one_line();
}

fn a_command_that_ends_in_time_has_lost_nothing(store: &Store) {
    output(store.sh(&NO_RENEW, "exit 5")).silent(5);
}

fn a_frozen_genlock_does_not_keep_the_command_alive(store: &Store) {
    let script = "setsid sh -c 'trap \"\" TERM; echo ready $$; while :; do sleep 0.05; done' &
        echo ready $$; wait; sleep 600";
    let run = Run::start(store.sh(&NO_RENEW, script));
    let pids = run.all_ready(2);
    let ready = Instant::now();
    run.signal(Signal::STOP);
    poll("genlock's stop", || is_stopped(run.pid()));
    poll("the command's end", || pids.iter().all(|&pid| is_dead(pid)));
    let dead = ready.elapsed();
    assert!(dead < TTL, "dead after {dead:?}");
    assert!(is_stopped(run.pid()));
    run.signal(Signal::CONT);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    assert!(run.one_line().contains("the lock is lost"), "{run:?}");
    assert!(store.is_free());
}

fn a_stopped_command_is_ended_too(store: &Store) {
    let run = Run::start(store.sh(&NO_RENEW, "echo ready $$; kill -STOP $$; sleep 600"));
    let command = run.ready();
    let ready = Instant::now();
    poll("the command's end", || is_dead(command));
    let dead = ready.elapsed();
    assert!(dead < TTL, "dead after {dead:?}");
    assert_eq!(run.finish().status.code(), Some(80));
}

fn what_a_command_leaves_behind_does_not_outlive_the_lock(store: &Store) {
    let script = "setsid sh -c 'trap \"\" TERM; echo ready $$; while :; do sleep 0.05; done' &
        read go; exit 3";
    let options = ["--no-renew", "--ttl", "4", "-k", "2"];
    let mut run = Run::start_to_wait(store.sh(&options, script));
    let left = run.ready();
    run.go_on();
    let ready = Instant::now();
    poll("its end", || is_dead(left));
    assert!(ready.elapsed() < 2 * TTL);
    // The command itself had ended in time.
    assert_eq!(run.finish().status.code(), Some(3));
}

fn max_runtime_ends_the_command_with_124(store: &Store) {
    let run = Run::start(store.sh(&["--max-runtime", "0.3"], "echo ready $$; exec sleep 600"));
    let command = run.ready();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(124), "{run:?}");
    assert!(run.one_line().contains("--max-runtime"), "{run:?}");
    assert!(run.took >= Duration::from_millis(300), "{:?}", run.took);
    assert!(is_dead(command));
    assert!(store.is_free());
}

#[test]
fn max_runtime_kills_what_ignores_term_after_the_grace() {
    let store = Store::files();
    let script = "trap 'echo told' TERM; echo ready $$; while :; do sleep 0.02; done";
    let run = Run::start(store.sh(&["--max-runtime", "0.2", "-k", "0.3"], script));
    let command = run.ready();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(124), "{run:?}");
    assert!(run.text().contains("told"), "{run:?}");
    assert!(run.took >= Duration::from_millis(500), "{:?}", run.took);
    assert!(is_dead(command));
}

#[test]
fn max_runtime_counts_from_the_commands_start() {
    let store = Store::files();
    let holder = store.hold();
    let waiter = Run::start(store.run(&["--max-runtime", "5"], &["echo", "ran"]));
    waiter.complains("waiting");
    holder.end();
    assert_eq!(waiter.finish().status.code(), Some(0));
}

#[test]
fn a_lock_file_that_is_removed_is_a_loss() {
    let store = Store::files();
    let script = "exec 2>/dev/null; trap 'echo told; exit 0' TERM; echo ready $$; while :; do sleep 0.02; done";
    let run = Run::start(store.sh(&[], script));
    run.ready();
    std::fs::remove_file(store.path("locks/k.lock")).expect("the lock file");
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    assert!(run.text().contains("told"), "{run:?}");
    run.one_line();
}
