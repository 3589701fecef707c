//! The lock covers the command and what it started.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;

use crate::genlock::{Run, Store, output, poll, send, within};
use crate::process::{is_dead, with_argument};

over_every_store! {
    what_was_left_is_named;
    a_background_job_is_stopped;
    what_left_the_session_is_stopped;
    a_double_fork_is_stopped;
    children_of_what_left_are_stopped;
    what_is_stopped_itself_is_stopped_for_good;
    what_ignores_term_is_killed_after_the_grace;
    a_second_signal_ends_the_patience;
    term_comes_first;
    the_lock_is_free_just_after_the_last_process_is_gone;
    a_release_wakes_the_next_at_once;
}

/// A process that says its number and stays.
const STAYS: &str = "sh -c 'echo ready $$; exec sleep 600'";

/// The pids of what a script leaves behind, which must be dead when genlock has ended.
fn left_behind(store: &Store, options: &[&str], script: &str, count: usize) {
    let mut run = Run::start_to_wait(store.sh(options, script));
    let pids = run.all_ready(count);
    run.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    for pid in pids {
        assert!(is_dead(pid), "{script}: {pid} lives");
    }
    assert!(store.is_free());
}

/// By its name, and with what keeps it; a command that somebody ends leaves it without a word.
fn what_was_left_is_named(store: &Store) {
    // It has its name from the beginning, and no child.
    let fifo = store.path("fifo").display().to_string();
    let made = crate::genlock::bare("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let script = format!("sh -c 'echo ready $$; read x' <>{fifo} & read go");
    let script = script.as_str();
    for (options, count, others) in [
        (&[][..], 0, ""),
        (&["-v"], 1, " and another"),
        (&["-v"], 2, " and 2 others"),
    ] {
        let more = "sleep 600 & ".repeat(count);
        let mut run = Run::start_to_wait(store.sh(options, &format!("{script}; {more} exit 3")));
        let pid = run.ready();
        run.go_on();
        let run = run.finish();
        assert_eq!(run.status.code(), Some(3), "{run:?}");
        let line = format!(
            "genlock: {}: stopping what the command left behind: sh (pid {pid}){others}; \
             --leave-descendants keeps ",
            store.key
        );
        assert!(run.stderr.contains(&line), "{line}: {run:?}");
    }
    let mut run = Run::start_to_wait(store.sh(&["-q"], script));
    run.ready();
    run.go_on();
    run.finish().silent(1);
    let run = Run::start_to_wait(store.sh(&[], script));
    run.ready();
    run.signal(Signal::TERM);
    assert_eq!(run.finish().stderr, "");
}

fn a_background_job_is_stopped(store: &Store) {
    left_behind(store, &[], &format!("{STAYS} & read go; exit 3"), 1);
}

fn what_left_the_session_is_stopped(store: &Store) {
    left_behind(store, &[], &format!("setsid {STAYS} & read go; exit 3"), 1);
}

fn a_double_fork_is_stopped(store: &Store) {
    left_behind(
        store,
        &[],
        &format!("(setsid {STAYS} &) & read go; exit 3"),
        1,
    );
}

fn children_of_what_left_are_stopped(store: &Store) {
    let script =
        format!("setsid sh -c \"{STAYS} & {STAYS} & setsid {STAYS} & wait\" & read go; exit 3");
    left_behind(store, &[], &script, 3);
}

fn what_is_stopped_itself_is_stopped_for_good(store: &Store) {
    let script = "setsid sh -c 'echo ready $$; kill -STOP $$; sleep 600' & read go; exit 3";
    left_behind(store, &[], script, 1);
}

fn what_ignores_term_is_killed_after_the_grace(store: &Store) {
    let stays = "sh -c 'trap \"\" TERM; echo ready $$; while :; do sleep 0.05; done'";
    let script = format!("setsid {stays} & {stays} & read go; exit 3");
    let mut run = Run::start_to_wait(store.sh(&["-k", "0.4"], &script));
    let pids = run.all_ready(2);
    run.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3));
    assert!(pids.into_iter().all(is_dead));
    assert!(run.took >= Duration::from_millis(400), "{:?}", run.took);
}

fn a_second_signal_ends_the_patience(store: &Store) {
    let script =
        "setsid sh -c 'trap \"echo told\" TERM; echo ready $$; while :; do sleep 0.05; done' &
        read go; exit 3";
    let mut run = Run::start_to_wait(store.sh(&["-k", "600", "--ttl", "3600"], script));
    let left = run.ready();
    run.go_on();
    run.says("told");
    run.signal(Signal::TERM);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3));
    assert!(is_dead(left));
}

fn term_comes_first(store: &Store) {
    let left = "trap \"echo told; exit\" TERM; echo ready $$; while :; do sleep 0.02; done";
    let script = format!("sh -c '{left}' & setsid sh -c '{left}' & read go; exit 3");
    let mut run = Run::start_to_wait(store.sh(&["-k", "600", "--ttl", "3600"], &script));
    run.all_ready(2);
    run.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3));
    assert_eq!(run.text().matches("told").count(), 2, "{}", run.text());
}

/// Nanoseconds since the epoch, as date(1) says.
fn nanoseconds(text: &str, name: &str) -> Duration {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Duration::from_nanos(line.expect("a line").trim().parse().expect("a number"))
}

fn the_lock_is_free_just_after_the_last_process_is_gone(store: &Store) {
    // The last process takes its time, and says when it ends.
    let left = "exec 2>/dev/null; trap \"sleep 0.5; date +over%s%N; exit\" TERM; echo ready $$; while :; do sleep 0.02; done";
    let script = format!("setsid sh -c '{left}' & read go; exit 0");
    within(Duration::from_millis(500), || {
        let store = store.another();
        let mut run = Run::start_to_wait(store.sh(&["-q", "-k", "600", "--ttl", "3600"], &script));
        let left = run.ready();
        let waiter = format!("date +begin%s%N; kill -0 {left} && echo lives");
        let waiter = Run::start(store.sh(&[], &waiter));
        waiter.complains("waiting");
        run.go_on();
        let over = nanoseconds(run.finish().silent(0).text(), "over");
        let waiter = waiter.finish();
        assert!(!waiter.text().contains("lives"), "{waiter:?}");
        let begin = nanoseconds(waiter.text(), "begin");
        assert!(begin > over, "{over:?}, but the next began at {begin:?}");
        begin - over
    });
}

fn a_release_wakes_the_next_at_once(store: &Store) {
    within(Duration::from_millis(500), || {
        let store = store.another();
        let holder = Run::start(store.sh(&[], "echo ready $$; while :; do sleep 0.02; done"));
        let pid = holder.ready();
        let waiter = Run::start(store.sh(&[], "date +begin%s%N"));
        waiter.complains("waiting");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time");
        send(pid, Signal::KILL);
        let begin = nanoseconds(waiter.finish().text(), "begin");
        begin - now
    });
}

#[test]
fn leave_descendants_leaves_them_and_frees_the_lock() {
    for script in [
        // Without the pipes, whose end the test waits for.
        "sh -c 'echo ready $$; exec sleep 600 >/dev/null 2>&1' & read go; exit 3",
        "setsid sh -c 'echo ready $$; exec sleep 600 >/dev/null 2>&1' & read go; exit 3",
    ] {
        let store = Store::files();
        let mut run = Run::start_to_wait(store.sh(&["--leave-descendants"], script));
        let left = run.ready();
        run.go_on();
        let run = run.finish().silent(3);
        assert!(!is_dead(left), "{run:?}");
        assert!(store.is_free());
        send(left, Signal::KILL);
        poll("the end of what was left", || is_dead(left));
    }
}

#[test]
fn a_tree_that_keeps_forking_is_stopped() {
    // Each process leaves the session, starts the next, and ends.
    let store = Store::files();
    let next = store.path("next");
    std::fs::write(
        &next,
        "#!/bin/sh\n[ -e \"$1\" ] || exit\nsetsid sh \"$0\" \"$1\" &\n: >seen\n",
    )
    .expect("a script");
    let going = store.path("going");
    std::fs::write(&going, "").expect("a file");
    let command = format!(
        "sh {} {} & until [ -e seen ]; do sleep 0.01; done; exit 3",
        next.display(),
        going.display()
    );
    let run = output(store.sh(&["-k", "0.3"], &command));
    std::fs::remove_file(&going).expect("a file");
    assert_eq!(run.status.code(), Some(3));
    let alive = with_argument(&going.display().to_string());
    assert_eq!(alive, Vec::<i32>::new());
}
