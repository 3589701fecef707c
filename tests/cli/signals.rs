//! Signals that genlock is sent, while its command runs and while it waits.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, died_of, output, poll, send, within};
use crate::process::{is_dead, is_stopped};

over_every_store! {
    each_reaches_the_commands_group_exactly_once;
    a_command_that_dies_of_it_takes_genlock_along;
    a_waiting_genlock_dies_of_it_at_once;
    the_next_waiter_is_served;
    a_signal_that_comes_as_the_command_ends_does_not_hide_its_status;
}

const PASSED_ON: [(Signal, &str); 11] = [
    (Signal::HUP, "HUP"),
    (Signal::INT, "INT"),
    (Signal::QUIT, "QUIT"),
    (Signal::USR1, "USR1"),
    (Signal::USR2, "USR2"),
    (Signal::ALARM, "ALRM"),
    (Signal::XCPU, "XCPU"),
    (Signal::ABORT, "ABRT"),
    (Signal::WINCH, "WINCH"),
    (Signal::CONT, "CONT"),
    (Signal::TERM, "TERM"),
];

/// Says every signal that it gets, behind its name.
fn told(name: &str, at_the_end: &str) -> String {
    let traps = PASSED_ON.map(|(_, signal)| format!("trap 'echo {name} {signal}' {signal};"));
    format!(
        "ulimit -c 0; {} trap 'echo {name} TERM; {at_the_end}' TERM;
         echo ready $$; while :; do sleep 0.02; done",
        traps.concat()
    )
}

fn each_reaches_the_commands_group_exactly_once(store: &Store) {
    let child = told("child", "exit 0");
    let command = told("command", "wait; exit 7");
    // A shell's background job ignores INT and QUIT, and could not trap them.
    let script = format!("env --default-signal=INT,QUIT sh -c \"$CHILD\" & {command}");
    let mut genlock = store.sh(&[], &script);
    genlock.env("CHILD", &child);
    let run = Run::start(genlock);
    run.all_ready(2);
    for (signal, name) in PASSED_ON {
        run.signal(signal);
        run.says(&format!("command {name}\n"));
        run.says(&format!("child {name}\n"));
    }
    let run = run.finish();
    assert_eq!(run.status.code(), Some(7), "{run:?}");
    for (_, name) in PASSED_ON {
        for process in ["command", "child"] {
            let line = format!("{process} {name}");
            let count = run.text().lines().filter(|&found| found == line).count();
            assert_eq!(count, 1, "{line}: {}", run.text());
        }
    }
}

fn a_command_that_dies_of_it_takes_genlock_along(store: &Store) {
    for signal in [
        Signal::HUP,
        Signal::INT,
        Signal::TERM,
        Signal::USR1,
        Signal::ALARM,
    ] {
        let run = Run::start(store.sh(&[], "echo ready $$; exec sleep 600"));
        run.ready();
        run.signal(signal);
        let run = run.finish();
        died_of(run.status, signal);
        assert_eq!(run.stderr, "");
        assert!(store.is_free());
    }
}

#[test]
fn what_was_ignored_stays_ignored() {
    let store = Store::files();
    let script = "trap 'echo usr' USR1; echo ready $$; while :; do sleep 0.02; done";
    let genlock = crate::genlock::under(&["env", "--ignore-signal=HUP"], &store.sh(&[], script));
    let run = Run::start(genlock);
    let command = run.ready();
    run.signal(Signal::HUP);
    run.signal(Signal::USR1);
    run.says("usr");
    assert!(!is_dead(command));
    run.signal(Signal::TERM);
    died_of(run.finish().status, Signal::TERM);
}

fn a_waiting_genlock_dies_of_it_at_once(store: &Store) {
    let holder = store.hold();
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::ALARM,
        Signal::XCPU,
        Signal::ABORT,
    ] {
        within(Duration::from_millis(1000), || {
            let waiter = Run::start(store.run(&[], &["echo", "ran"]));
            waiter.complains("waiting");
            let start = Instant::now();
            waiter.signal(signal);
            let run = waiter.finish();
            died_of(run.status, signal);
            assert_eq!(run.stdout, b"");
            run.one_line();
            start.elapsed()
        });
        assert!(!is_dead(holder.pid()));
        assert!(!store.is_free());
        if store.expires() {
            assert_eq!(store.entries().len(), 1, "the holder's alone");
        }
    }
}

fn the_next_waiter_is_served(store: &Store) {
    let holder = store.hold();
    let first = Run::start(store.run(&[], &["echo", "ran"]));
    first.complains("waiting");
    let second = Run::start(store.run(&[], &["echo", "ran"]));
    second.complains("waiting");
    first.signal(Signal::TERM);
    died_of(first.finish().status, Signal::TERM);
    holder.end();
    let run = second.finish();
    assert_eq!(run.text(), "ran");
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn a_stopped_command_does_not_stop_genlock() {
    let store = Store::files();
    let script = "echo ready $$; kill -STOP $$; echo goes on; exit 4";
    let mut run = Run::start(crate::genlock::under(
        &["setsid", "--wait"],
        &store.sh(&[], script),
    ));
    let command = run.ready();
    poll("the command's stop", || is_stopped(command));
    // Long enough for a genlock that stops too.
    std::thread::sleep(Duration::from_millis(50));
    let genlock = crate::process::children(run.pid());
    let genlock = genlock.first().copied().unwrap_or(run.pid());
    assert!(!is_stopped(genlock) && !run.has_ended());
    send(command, Signal::CONT);
    run.says("goes on");
    run.finish().silent(4);
}

#[test]
fn cont_to_genlock_continues_a_stopped_command() {
    let store = Store::files();
    let script = "echo ready $$; kill -STOP $$; echo goes on; exit 4";
    let run = Run::start(store.sh(&[], script));
    let command = run.ready();
    poll("the command's stop", || is_stopped(command));
    run.signal(Signal::CONT);
    run.finish().silent(4);
}

fn a_signal_that_comes_as_the_command_ends_does_not_hide_its_status(store: &Store) {
    // To genlock, which passes it to a command that is just gone.
    let script = "set -- $(cat /proc/$PPID/stat); kill -WINCH $4; exit 3";
    for _ in 0..50 {
        output(store.sh(&[], script)).silent(3);
    }
}
