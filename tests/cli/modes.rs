//! `--shared`, `--max-holders`, `--also`, `--queue`: who runs beside whom.

mod in_the_way;
mod listed;

use std::collections::BTreeSet;

use genlock::{Capability, stores_with};
use serde_json::Value;

use crate::genlock::{Run, Store, genlock, output, under};
use crate::process::has;

over_every_store! {
    readers_run_together_and_a_writer_alone;
    as_many_run_as_may_and_each_has_its_index;
    several_keys_are_one_lock;
    the_newest_of_those_that_wait_runs;
    all_who_hold_are_seen_and_one_is_hit;
    a_lock_around_us_is_waited_for_only_by_others;
}

/// Whether the store can do that.
pub(super) fn is_able(store: &Store, needed: Capability) -> bool {
    stores_with(needed).any(|kind| kind.has(&store.endpoints))
}

/// The same. Else nothing is to be seen of it, but that it is refused by name.
fn can(store: &Store, needed: Capability, option: &[&str]) -> bool {
    let can = is_able(store, needed);
    if !can {
        let refused = output(store.run(option, &["true"]));
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        let line = refused.one_line();
        assert!(
            line.contains(" has no ") && line.ends_with(" could"),
            "{line}"
        );
        eprintln!("skipped: this store has no {}", needed.words());
    }
    can
}

/// A run that holds its lock until it is told to go on.
fn holds(store: &Store, options: &[&str]) -> Run {
    let run = Run::start_to_wait(store.sh(options, "echo ready $$; read x; :"));
    run.ready();
    run
}

/// A run that is seen to wait, and then holds its lock.
fn waits(store: &Store, options: &[&str]) -> Run {
    let run = Run::start_to_wait(store.sh(options, "echo ready $$; read x; :"));
    run.complains("waiting for ");
    run
}

fn ends(mut run: Run) {
    run.go_on();
    assert_eq!(run.finish().status.code(), Some(0));
}

#[track_caller]
fn busy(store: &Store, options: &[&str]) {
    let tried = output(store.run(&[&["-n", "-q"], options].concat(), &["true"]));
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
}

fn readers_run_together_and_a_writer_alone(store: &Store) {
    if !can(store, Capability::Shared, &["-s"]) {
        return;
    }
    let [one, other] = [holds(store, &["-s"]), holds(store, &["--shared"])];
    busy(store, &["-x"]);
    busy(store, &[]);
    ends(one);
    busy(store, &[]);
    let writer = waits(store, &["--exclusive"]);
    ends(other);
    writer.ready();
    busy(store, &["-s"]);
    ends(writer);
    assert!(store.is_free());
}

fn as_many_run_as_may_and_each_has_its_index(store: &Store) {
    let two = ["--max-holders", "2"];
    if !can(store, Capability::SeveralHolders, &two) {
        return;
    }
    let said = |options: &[&str]| {
        let script = "echo index $GENLOCK_HELD_INDEX; echo ready $$; read x; :";
        Run::start_to_wait(store.sh(options, script))
    };
    let [one, other] = [said(&two), said(&two)];
    one.ready();
    other.ready();
    busy(store, &two);
    busy(store, &[]);
    let third = said(&two);
    third.complains("waiting for ");
    let refused = output(store.run(&["--max-holders", "3"], &["true"]));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    let line = refused.one_line();
    assert!(line.contains('2') && line.contains('3'), "{line}");
    let first = index(one);
    third.ready();
    assert_eq!(index(third), first);
    assert_eq!(
        BTreeSet::from([first, index(other)]),
        BTreeSet::from([0, 1])
    );
    assert!(store.is_free());
    // One alone is no holder of several.
    let alone = output(store.sh(&[], "echo ${GENLOCK_HELD_INDEX-none}")).silent(0);
    assert_eq!(alone.text().trim(), "none");
}

/// Ends the run, which has said its index.
fn index(mut run: Run) -> u32 {
    run.go_on();
    let ended = run.finish();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let line = ended
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("index "));
    line.expect("an index").parse().expect("a number")
}

fn several_keys_are_one_lock(store: &Store) {
    let other = format!("{} b%", store.key);
    let also = ["--also", &*other];
    if !can(store, Capability::SeveralKeys, &also) {
        return;
    }
    let mut second = Store::at(&*store.endpoints);
    second.key.clone_from(&other);
    let script =
        "printf '%s\\n' \"$GENLOCK_HELD_KEYS\"; genlock check -q && echo ready $$; read x; :";
    let mut both = store.sh(
        &also,
        &script.replace("genlock", env!("CARGO_BIN_EXE_genlock")),
    );
    both.env("GENLOCK_HELD_KEYS", "an outer one's");
    let mut both = Run::start_to_wait(both);
    both.ready();
    assert!(!store.is_free() && !second.is_free());
    both.go_on();
    let ended = both.finish().silent(0);
    let keys = format!("{} {}%20b%25", store.key, store.key);
    assert_eq!(ended.text().lines().next(), Some(&*keys));
    assert!(store.is_free() && second.is_free());
    for wrong in [
        &["--also", &store.key][..],
        &["--also", "/b", "--once", "x"],
        &["--also", "/b", "--min-hold", "5s"],
    ] {
        let refused = output(store.run(wrong, &["true"]));
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        refused.one_line();
    }
}

fn the_newest_of_those_that_wait_runs(store: &Store) {
    let latest = ["--queue", "latest"];
    if !can(store, Capability::Latest, &latest) {
        return;
    }
    let mut holder = holds(store, &latest);
    let report = store.path("report");
    let options = ["-E", "33", "--report", report.to_str().expect("a path")];
    let older = waits(store, &[&latest[..], &options].concat());
    let newer = waits(store, &latest);
    let seen = json(store, "status");
    assert_eq!(seen["holder"]["queue"], "latest", "{seen}");
    let older = older.finish();
    assert_eq!(older.status.code(), Some(33), "{older:?}");
    let line = older.stderr.lines().last().expect("a line");
    assert!(
        line.ends_with("not acquired: superseded: a newer one waits for it"),
        "{line}"
    );
    let report: Value =
        serde_json::from_slice(&std::fs::read(report).expect("a report")).expect("JSON");
    assert_eq!(
        (&report["why"], &report["ran"]),
        (&"superseded".into(), &false.into())
    );
    assert!(!holder.has_ended());
    ends(holder);
    newer.ready();
    ends(newer);
}

/// What a verb prints of this store.
fn printed(store: &Store, verb: &[&str]) -> String {
    let mut genlock = genlock();
    genlock
        .args(verb)
        .args(["--endpoints", &store.endpoints, &store.key]);
    output(genlock).text().to_owned()
}

fn json(store: &Store, verb: &str) -> Value {
    serde_json::from_str(&printed(store, &[verb, "--json"])).expect("JSON")
}

fn all_who_hold_are_seen_and_one_is_hit(store: &Store) {
    if !can(store, Capability::Shared, &["-s"]) {
        return;
    }
    let shared = ["-s", "--history", "9"];
    let [one, other] = [holds(store, &shared), holds(store, &shared)];
    let status = json(store, "status");
    let holders = status["holders"].as_array().expect("an array");
    assert_eq!(holders.len(), 2, "{status}");
    assert_eq!(status["holder"], holders[0]);
    assert!(
        holders.iter().all(|one| one["mode"] == "shared"),
        "{status}"
    );
    let listed = json(store, "ls");
    assert_eq!(
        listed[0]["holders"].as_array().map(Vec::len),
        Some(2),
        "{listed}"
    );
    let text = printed(store, &["status"]);
    assert!(text.contains(": shared by 2\n"), "{text}");
    let text = printed(store, &["ls"]);
    assert!(text.contains(", shared, and 1 more"), "{text}");
    let hit = holders.iter().find(|one| one["pid"] == other.pid());
    let token = hit.expect("the second")["token"].to_string();
    let text = printed(store, &["break"]);
    assert!(text.contains(&format!("--token {token}")), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    printed(store, &["break", "--token", &token]);
    assert_eq!(other.finish().status.code(), Some(80));
    let status = json(store, "status");
    assert_eq!(
        status["holders"].as_array().map(Vec::len),
        Some(1),
        "{status}"
    );
    ends(one);
    let kept = json(store, "history");
    let modes = kept.as_array().expect("an array").iter();
    let modes: Vec<_> = modes.map(|run| run["mode"].as_str()).collect();
    assert_eq!(modes, [Some("shared"); 2], "{kept}");
}

/// Below a reader a writer would wait for itself, and a reader does not wait.
fn a_lock_around_us_is_waited_for_only_by_others(store: &Store) {
    if !can(store, Capability::Shared, &["-s"]) {
        return;
    }
    let inner = |options: &str| {
        let genlock = env!("CARGO_BIN_EXE_genlock");
        let (endpoints, key) = (&store.endpoints, &store.key);
        format!("{genlock} run --endpoints {endpoints} {options} {key} true")
    };
    output(store.sh(&["-s"], &inner("-s"))).silent(0);
    // Another reader is the first in the queue.
    let first = holds(store, &["-s"]);
    let refused = output(store.sh(&["-s"], &inner("-q -w 60")));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(
        refused.one_line().contains("wait for itself"),
        "{refused:?}"
    );
    ends(first);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let store = Store::at("127.0.0.1:1");
    for wrong in [
        &["-s", "-x"][..],
        &["-s", "--max-holders", "2"],
        &["-x", "--max-holders", "2"],
        &["--max-holders", "0"],
        &["--max-holders", "x"],
        &["--queue", "lifo"],
        &["-s", "--once", "x"],
        &["--max-holders", "2", "--once-per", "1h"],
        &["-s", "--min-hold", "5s", "--jitter", "5s"],
    ] {
        let refused = output(store.run(wrong, &["true"]));
        assert_eq!(refused.status.code(), Some(64), "{wrong:?}: {refused:?}");
        refused.one_line();
    }
}

/// On a stacked file system, or without /proc, the kernel does not say who has locked a file.
#[test]
fn a_reader_over_files_keeps_its_lock_where_the_kernel_lists_none() {
    if !rustix::process::geteuid().is_root() || !has("flock") {
        eprintln!("skipped: only root can hide /proc/locks, and flock(1) is needed");
        return;
    }
    let store = Store::files();
    let file = store.path("locks/k.lock").display().to_string();
    let run = store.run(&["-s"], &["flock", "-n", "-x", "-E", "9", &file, "true"]);
    let script = r#"mount --bind /dev/null /proc/locks || exit 99; exec "$@""#;
    let ran = output(under(&["unshare", "-m", "sh", "-c", script, "sh"], &run));
    if ran.status.code() == Some(99) {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    assert_eq!(ran.status.code(), Some(9), "{ran:?}");
}
