//! acquire and release: a lock that is kept for what comes afterwards.

mod ends;
mod foreground;
mod history;
mod report;
mod shells;
mod steps;
mod unkept;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::genlock::{Finished, Store, bare, genlock, output, poll};
use crate::process::is_dead;

over_every_store! {
    it_is_held_until_it_is_released;
    a_lock_that_was_lost_meanwhile_is_not_released;
}

/// `genlock` with this verb and these options, for the store.
pub(super) fn verb(store: &Store, verb: &str, options: &[&str]) -> Command {
    let mut genlock = genlock();
    genlock.args([verb, "--endpoints", &store.endpoints]);
    genlock.args(options).current_dir(store.directory());
    if store.expires() && verb == "acquire" {
        genlock.env("GENLOCK_TTL", "5");
    }
    genlock
}

/// `genlock acquire`, which keeps the lock while the test's own process lives, at most; not for a time that a
/// test waits for.
pub(super) fn acquire(store: &Store, options: &[&str]) -> Command {
    let mut acquire = verb(store, "acquire", options);
    acquire.args(["--for", "10m", &store.key]);
    acquire
}

/// The variables that were printed.
pub(super) fn variables(acquired: &Finished) -> BTreeMap<String, String> {
    pairs(acquired.text())
}

/// The variables in lines of NAME=value.
pub(super) fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text
        .lines()
        .map(|line| line.split_once('=').expect("NAME=value"));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A verb that finds the lock by these variables, without any option.
pub(super) fn under(variables: &BTreeMap<String, String>, verb: &[&str]) -> Command {
    let mut genlock = genlock();
    genlock.args(verb).envs(variables);
    genlock
}

/// The process that keeps the lock, as the store says.
pub(super) fn keeper(store: &Store) -> i32 {
    let status = output(verb(store, "status", &["--json", &store.key])).silent(0);
    let status: serde_json::Value = serde_json::from_str(status.text()).expect("JSON");
    let pid = status["holder"]["pid"].as_i64().expect("a number");
    i32::try_from(pid).expect("a number")
}

/// Waits until this process has ended.
pub(super) fn until_ended(pid: i32) {
    poll("the keeper's end", || is_dead(pid));
}

fn it_is_held_until_it_is_released(store: &Store) {
    let acquired = output(acquire(store, &[])).silent(0);
    let held = variables(&acquired);
    assert_eq!(held["GENLOCK_HELD_KEY"], store.key);
    assert!(held.keys().all(|name| !name.contains("PASSWORD")));
    let keeper = keeper(store);
    assert!(!store.is_free());
    // Nothing of the caller's is open in it, and it is in no directory of the caller's.
    for fd in 0..3 {
        let open = std::fs::read_link(format!("/proc/{keeper}/fd/{fd}"));
        assert_eq!(open.expect("a descriptor"), Path::new("/dev/null"));
    }
    let directory = std::fs::read_link(format!("/proc/{keeper}/cwd"));
    assert_eq!(directory.expect("a directory"), Path::new("/"));
    output(under(&held, &["check", "-q"])).silent(0);
    // The same lock again would wait for itself.
    let mut nested = store.run(&[], &["true"]);
    nested.envs(&held);
    let nested = output(nested);
    assert_eq!(nested.status.code(), Some(64), "{nested:?}");
    assert!(nested.one_line().contains("--held"), "{nested:?}");
    output(under(&held, &["release"])).silent(0);
    assert!(store.is_free());
    until_ended(keeper);
    let again = output(under(&held, &["release"]));
    assert_eq!(again.status.code(), Some(80), "{again:?}");
    assert!(again.one_line().contains("released before"), "{again:?}");
    let check = output(under(&held, &["check", "-q"]));
    assert_eq!(check.status.code(), Some(80), "{check:?}");
}

fn a_lock_that_was_lost_meanwhile_is_not_released(store: &Store) {
    let held = variables(&output(acquire(store, &[])).silent(0));
    let keeper = keeper(store);
    let token = &held["GENLOCK_HELD_TOKEN"];
    output(verb(store, "break", &["--token", token, &store.key])).silent(0);
    until_ended(keeper);
    let next = store.hold();
    let released = output(under(&held, &["release"]));
    assert_eq!(released.status.code(), Some(80), "{released:?}");
    assert!(
        released.one_line().contains("not ours any more"),
        "{released:?}"
    );
    assert!(!store.is_free());
    drop(next);
}

/// As in a CI runner, which waits for the end of a step's output, and gives each step a shell of its own.
#[test]
fn a_step_ends_although_the_lock_is_kept() {
    let store = Store::files();
    let program = env!("CARGO_BIN_EXE_genlock");
    let script = format!(
        "exec 7>&1; {program} acquire --endpoints {} --pid $PPID {} >file && cat file && exec true",
        store.endpoints, store.key
    );
    let mut step = bare("setsid");
    step.args(["--wait", "sh", "-ec", &script]);
    step.current_dir(store.directory());
    let step = output(step).silent(0);
    assert!(!store.is_free());
    let mut next = bare("setsid");
    next.args(["--wait", "sh", "-ec", &format!("exec {program} release")]);
    next.envs(variables(&step));
    output(next).silent(0);
    assert!(store.is_free());
}
