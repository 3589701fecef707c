//! genlock or its watchdog is killed: nothing of the command outlives the lock.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll, send, under, within};
use crate::process::{children, is_dead, name, watchdog};

over_every_store! {
    a_killed_genlock_takes_the_whole_tree_along;
    the_lock_of_a_killed_genlock_goes_to_the_next_when_the_tree_is_dead;
    killing_by_name_leaves_the_watchdog_to_its_work;
    a_killed_genlock_kills_what_a_command_left_behind_too;
    a_killed_genlock_under_leave_descendants_kills_the_command;
    a_killed_watchdog_takes_the_whole_tree_along;
    what_was_there_before_genlock_is_neither_killed_nor_waited_for;
    a_watchdog_that_is_killed_while_genlock_waits;
    both_killed_at_once;
    a_killed_waiter_leaves_nothing;
}

/// A command whose tree has four processes: itself, a child, one that left the session, and one
/// that left it twice over and ignores SIGTERM.
const TREE: &str = "
    sh -c 'echo ready $$; exec sleep 600' &
    setsid sh -c 'echo ready $$; exec sleep 600' &
    (setsid sh -c 'trap \"\" TERM HUP INT; echo ready $$; while :; do sleep 0.05; done' &)
    echo ready $$; wait; sleep 600";

fn until_dead(pids: &[i32]) {
    poll("the end of the whole tree", || {
        pids.iter().all(|&pid| is_dead(pid))
    });
}

fn a_killed_genlock_takes_the_whole_tree_along(store: &Store) {
    for option in [&[][..], &["-k", "2"]] {
        within(Duration::from_millis(500), || {
            let store = store.another();
            let run = Run::start(store.sh(option, TREE));
            let pids = run.all_ready(4);
            let watchdog = watchdog(run.pid());
            let start = Instant::now();
            run.signal(Signal::KILL);
            until_dead(&pids);
            let took = start.elapsed();
            poll("the watchdog's end", || is_dead(watchdog));
            took
        });
    }
}

fn the_lock_of_a_killed_genlock_goes_to_the_next_when_the_tree_is_dead(store: &Store) {
    let run = Run::start(store.sh(&[], TREE));
    let pids = run.all_ready(4);
    // One that nobody has reaped yet is dead all the same.
    let states = pids.iter().map(|pid| format!("/proc/{pid}/status "));
    let states: String = states.collect();
    let script = format!("grep -s '^State:.[^ZX]' {states}; true");
    let waiter = Run::start(store.sh(&["-q"], &script));
    run.signal(Signal::KILL);
    let waiter = waiter.finish();
    assert_eq!(waiter.text(), "", "when the next began");
    assert_eq!(waiter.status.code(), Some(0));
}

fn killing_by_name_leaves_the_watchdog_to_its_work(store: &Store) {
    let run = Run::start(store.sh(&[], TREE));
    let pids = run.all_ready(4);
    let mut all = vec![run.pid()];
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        all.extend(children(pid));
        next += 1;
    }
    all.retain(|&pid| name(pid) == "genlock");
    assert_eq!(all, [run.pid()]);
    for pid in all {
        send(pid, Signal::KILL);
    }
    until_dead(&pids);
    poll("the lock to be free", || store.is_free());
}

fn a_killed_genlock_kills_what_a_command_left_behind_too(store: &Store) {
    let script =
        "setsid sh -c 'trap \"echo told\" TERM; echo ready $$; while :; do sleep 0.05; done' &
        read go; exit 3";
    within(Duration::from_millis(500), || {
        let store = store.another();
        let mut run = Run::start_to_wait(store.sh(&["-k", "600", "--ttl", "3600"], script));
        let left = run.ready();
        run.go_on();
        run.says("told");
        assert!(!store.is_free());
        let start = Instant::now();
        run.signal(Signal::KILL);
        until_dead(&[left]);
        start.elapsed()
    });
}

fn a_killed_genlock_under_leave_descendants_kills_the_command(store: &Store) {
    let script = "sh -c 'echo ready $$; exec sleep 600' & echo ready $$; wait";
    let run = Run::start(store.sh(&["--leave-descendants"], script));
    let pids = run.all_ready(2);
    run.signal(Signal::KILL);
    until_dead(&pids);
    poll("the lock to be free", || store.is_free());
}

fn a_killed_watchdog_takes_the_whole_tree_along(store: &Store) {
    let run = Run::start(store.sh(&[], TREE));
    let pids = run.all_ready(4);
    send(watchdog(run.pid()), Signal::KILL);
    let run = run.finish();
    // Nothing may live by the time that genlock has ended.
    assert!(pids.iter().all(|&pid| is_dead(pid)));
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert!(run.one_line().contains("watchdog was killed"), "{run:?}");
    assert!(store.is_free());
}

/// Killed with the test.
struct Bystanders(Vec<i32>);

impl Drop for Bystanders {
    fn drop(&mut self) {
        for &pid in self.0.iter().filter(|&&pid| !is_dead(pid)) {
            send(pid, Signal::KILL);
        }
    }
}

/// `Xvfb :9 & exec genlock run …`: its parent is genlock by then.
fn what_was_there_before_genlock_is_neither_killed_nor_waited_for(store: &Store) {
    let script = "
        sh -c 'sleep 600 & echo $! $$ >before; wait' >/dev/null 2>&1 &
        while ! [ -s before ]; do sleep 0.01; done
        exec \"$@\"";
    let mut run = under(&["sh", "-c", script, "sh"], &store.sh(&[], TREE));
    run.current_dir(store.directory());
    let run = Run::start(run);
    let pids = run.all_ready(4);
    let before = std::fs::read_to_string(store.path("before")).expect("a file");
    let before = before
        .split_whitespace()
        .map(|pid| pid.parse().expect("a number"));
    let before = Bystanders(before.collect());
    send(watchdog(run.pid()), Signal::KILL);
    let run = run.finish();
    assert!(pids.iter().all(|&pid| is_dead(pid)));
    assert!(before.0.iter().all(|&pid| !is_dead(pid)), "{run:?}");
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert!(store.is_free());
}

fn a_watchdog_that_is_killed_while_genlock_waits(store: &Store) {
    let holder = store.hold();
    let waiter = Run::start(store.run(&["-q"], &["echo", "ran"]));
    send(watchdog(waiter.pid()), Signal::KILL);
    holder.end();
    let run = waiter.finish();
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert_eq!(run.stdout, b"");
    run.one_line();
    assert!(store.is_free());
}

fn both_killed_at_once(store: &Store) {
    let run = Run::start(store.sh(&[], "echo ready $$; exec sleep 600"));
    let command = run.ready();
    let watchdog = watchdog(run.pid());
    run.signal(Signal::STOP);
    send(watchdog, Signal::KILL);
    run.signal(Signal::KILL);
    // The kernel sees to the command itself: PR_SET_PDEATHSIG.
    until_dead(&[command]);
    poll("the lock to be free", || store.is_free());
}

fn a_killed_waiter_leaves_nothing(store: &Store) {
    let holder = store.hold();
    let waiter = Run::start(store.run(&[], &["echo", "ran"]));
    waiter.complains("waiting");
    let watchdog = watchdog(waiter.pid());
    waiter.signal(Signal::KILL);
    poll("the watchdog's end", || is_dead(watchdog));
    holder.end();
    poll("the lock to be free", || store.is_free());
}
