//! Steps under the lock, when it is let go of.

use rustix::process::Signal;

use super::{acquire, keeper, under, until_ended, variables};
use crate::genlock::{Run, Store, output, send};
use crate::process::watchdog;

over_every_store! {
    no_step_runs_when_the_next_holds_the_lock;
}

/// The step says when it is gone, and takes its time: another holds the lock afterwards only.
fn no_step_runs_when_the_next_holds_the_lock(store: &Store) {
    let log = store.path("log");
    let log = log.display();
    let script = format!(
        "trap 'sleep 0.5; echo step gone >>{log}; exit 0' TERM; echo ready $$; \
         while :; do sleep 0.05; done"
    );
    let ends = |how: &str| {
        std::fs::remove_file(store.path("log")).ok();
        // A fifth of the TTL is the step's time to end, on a loaded machine too.
        let held = variables(&output(acquire(store, &["--ttl", "60s"])).silent(0));
        let keeper = keeper(store);
        let step = Run::start(under(&held, &["run", "--held", "sh", "-c", &script]));
        step.ready();
        let next = Run::start(store.sh(&["-q"], &format!("echo next >>{log}")));
        match how {
            "release" => drop(output(under(&held, &["release"])).silent(0)),
            _ => send(keeper, Signal::TERM),
        }
        until_ended(keeper);
        let stopped = step.finish();
        assert_eq!(stopped.status.code(), Some(80), "{how}: {stopped:?}");
        next.finish().silent(0);
        let told = std::fs::read_to_string(store.path("log")).expect("a log");
        assert_eq!(told, "step gone\nnext\n", "{how}");
    };
    ends("release");
    ends("a signal");
}

/// It would be beside another when it goes on, however long that takes.
#[test]
fn a_step_that_is_frozen_keeps_the_lock() {
    let store = Store::files();
    let held = variables(&output(acquire(&store, &["--ttl", "2s"])).silent(0));
    let keeper = keeper(&store);
    let script = "echo ready $$; exec sleep 600";
    let step = Run::start(under(&held, &["run", "--held", "sh", "-c", script]));
    let all = [step.ready(), step.pid(), watchdog(step.pid())];
    all.iter().for_each(|&pid| send(pid, Signal::STOP));
    let released = output(under(&held, &["release"]));
    assert_eq!(released.status.code(), Some(69), "{released:?}");
    let keeps = format!("genlock run --held (pid {}) does not", step.pid());
    assert!(released.one_line().contains(&keeps), "{released:?}");
    // Who asks once more is told so at once, and not that it was released before.
    let again = output(under(&held, &["release"]));
    assert_eq!(again.status.code(), Some(69), "{again:?}");
    assert_eq!(again.one_line(), released.one_line());
    let late = output(under(&held, &["run", "--held", "true"]));
    assert_eq!(late.status.code(), Some(80), "{late:?}");
    assert!(!store.is_free());
    all.iter().for_each(|&pid| send(pid, Signal::CONT));
    let stopped = step.finish();
    assert_eq!(stopped.status.code(), Some(80), "{stopped:?}");
    until_ended(keeper);
    assert!(store.is_free());
}

/// Where the keeper cannot be asked, as from another network namespace, the store tells it: it is not taken
/// from a step that has as long to end.
#[test]
fn no_step_is_beside_another_when_the_store_tells_the_keeper() {
    let store = Store::etcd();
    let log = store.path("log");
    let log = log.display();
    let script = format!(
        "trap 'sleep 6; echo step gone >>{log}; exit 0' TERM; echo ready $$; \
         while :; do sleep 0.05; done"
    );
    let mut held = variables(&output(acquire(&store, &["--ttl", "60s"])).silent(0));
    let step = ["run", "--held", "-k", "20s", "sh", "-c", &script];
    let step = Run::start(under(&held, &step));
    step.ready();
    let next = Run::start(store.sh(&["-q"], &format!("echo next >>{log}")));
    held.remove("GENLOCK_HELD_SOCKET");
    output(under(&held, &["release"])).silent(0);
    let stopped = step.finish();
    assert_eq!(stopped.status.code(), Some(80), "{stopped:?}");
    next.finish().silent(0);
    let told = std::fs::read_to_string(store.path("log")).expect("a log");
    assert_eq!(told, "step gone\nnext\n");
}
