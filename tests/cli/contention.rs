//! A lock that another holds: not waiting, waiting with a limit, and the status for it.

use std::time::Duration;

use crate::genlock::{Run, Store, output, poll};

over_every_store! {
    try_gives_up_at_once_and_names_the_holder;
    try_beats_a_wait_from_the_environment;
    the_status_for_it_is_the_users_choice;
    quiet_says_nothing;
    a_limited_wait_ends_at_its_limit;
    a_limited_wait_that_is_long_enough_gets_the_lock;
    never_two_at_a_time;
}

fn try_gives_up_at_once_and_names_the_holder(store: &Store) {
    let holder = store.hold();
    for option in [&["-n"][..], &["--try"], &["-w", "0"], &["--wait=0s"]] {
        let run = output(store.run(option, &["echo", "ran"]));
        assert_eq!(run.status.code(), Some(75), "{run:?}");
        assert_eq!(run.stdout, b"");
        let line = run.one_line();
        assert!(
            line.starts_with(&format!("genlock: {}: not acquired", store.key)),
            "{line}"
        );
        assert!(line.contains(&format!("pid {}", holder.pid())), "{line}");
        assert!(line.contains("sleep 600"), "{line}");
        assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
    }
}

fn try_beats_a_wait_from_the_environment(store: &Store) {
    let _holder = store.hold();
    let mut run = store.run(&["-n", "-q"], &["true"]);
    run.env("GENLOCK_WAIT", "600");
    output(run).silent(75);
}

fn the_status_for_it_is_the_users_choice(store: &Store) {
    let _holder = store.hold();
    for status in [7, 0, 255] {
        let code = status.to_string();
        let run = output(store.run(&["-n", "-E", &code], &["echo", "ran"]));
        assert_eq!(run.status.code(), Some(status));
        assert_eq!(run.stdout, b"");
        run.one_line();
    }
    let run = output(store.run(&["-w", "0.1", "-q", "--conflict-exit-code=9"], &["true"]));
    run.silent(9);
}

fn quiet_says_nothing(store: &Store) {
    let _holder = store.hold();
    output(store.run(&["-n", "-q"], &["echo", "ran"])).silent(75);
}

fn a_limited_wait_ends_at_its_limit(store: &Store) {
    let holder = store.hold();
    crate::genlock::within(Duration::from_secs(1), || {
        let run = output(store.run(&["-w", "0.3"], &["echo", "ran"]));
        assert_eq!(run.status.code(), Some(75));
        assert_eq!(run.stdout, b"");
        assert!(run.took >= Duration::from_millis(300), "{:?}", run.took);
        let last = run.stderr.lines().last().expect("a line");
        assert!(last.contains("not acquired within"), "{last}");
        assert!(last.contains(&format!("pid {}", holder.pid())), "{last}");
        run.took
    });
}

/// Who held the lock in the beginning has let go of it meanwhile; the one just ahead has not moved.
#[test]
fn who_holds_the_lock_at_the_end_of_a_wait_is_named() {
    let store = Store::etcd();
    let first = store.hold();
    let second = Run::start(store.sh(&["-q"], "echo ready $$; exec sleep 600"));
    poll("a waiter", || store.entries().len() == 2);
    let third = Run::start(store.run(&["-w", "5"], &["true"]));
    third.complains(&format!("(pid {}: ", first.pid()));
    let mut wait = crate::genlock::genlock();
    wait.args([
        "wait",
        "-w",
        "5",
        "--endpoints",
        &store.endpoints,
        &store.key,
    ]);
    let wait = Run::start(wait);
    first.end();
    second.ready();
    let limit = "within 5s: held by ";
    let now = format!("(pid {}: ", second.pid());
    let run = third.finish();
    assert_eq!(run.status.code(), Some(75), "{run:?}");
    let last = run.stderr.lines().last().expect("a line");
    assert!(last.contains(limit) && last.contains(&now), "{last}");
    let run = wait.finish();
    assert!(run.one_line().contains(limit), "{run:?}");
    assert!(run.one_line().contains(&now), "{run:?}");
}

/// A lock file keeps the record of a holder that was killed; another tool leaves none.
#[test]
fn a_lock_of_another_tool_is_not_said_to_be_a_dead_holders() {
    let store = Store::files();
    let holder = store.hold();
    holder.signal(rustix::process::Signal::KILL);
    poll("a free lock", || store.is_free());
    let _flock = store.hold_by_flock();
    for options in [&["--try"][..], &["-w", "0.2"]] {
        let run = output(store.run(options, &["true"]));
        let last = run.stderr.lines().last().expect("a line");
        assert!(last.contains("held by another tool"), "{run:?}");
    }
}

fn a_limited_wait_that_is_long_enough_gets_the_lock(store: &Store) {
    let holder = store.hold();
    let waiter = Run::start(store.run(&["-w", "60"], &["echo", "ran"]));
    waiter.complains("waiting");
    holder.end();
    let run = waiter.finish();
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(run.text(), "ran");
}

#[test]
fn another_key_is_another_lock() {
    let mut store = Store::files();
    let _holder = store.hold();
    for key in ["k/x", "K", "k2", "/k", "k k"] {
        store.key = key.to_owned();
        assert!(store.is_free(), "{key}");
    }
}

fn never_two_at_a_time(store: &Store) {
    let count = store.path("count");
    std::fs::write(&count, "0").expect("a file");
    let script = format!(
        "n=$(cat {0}); sleep 0.01; echo $((n + 1)) > {0}",
        count.display()
    );
    let runs: Vec<_> = (0..12)
        .map(|_| Run::start(store.sh(&["-q"], &script)))
        .collect();
    for run in runs {
        run.finish().silent(0);
    }
    let count = std::fs::read_to_string(&count).expect("a file");
    assert_eq!(count.trim(), "12");
}
