//! `--once` and `--once-per`: what is done in its slot is not done again.

mod faults;
mod hosts;

use rustix::process::Signal;
use serde_json::Value;

use crate::genlock::{Finished, Run, Store, genlock, output};

over_every_store! {
    what_is_done_is_skipped_until_it_is_forgotten;
    only_success_is_done;
    at_most_once_is_marked_at_the_start;
    what_was_lost_is_not_done;
    status_shows_the_last_mark_and_ls_none;
}

/// A run of this store, with these words before the key, that writes a line into `runs`.
fn run(store: &Store, options: &[&str]) -> Finished {
    output(store.sh(options, "echo run >>runs"))
}

/// How many runs have written their line.
fn runs(store: &Store) -> usize {
    let text = std::fs::read_to_string(store.path("runs")).unwrap_or_default();
    text.lines().count()
}

fn verb(store: &Store, words: &[&str]) -> Finished {
    let mut command = genlock();
    command.args(words).args(["--endpoints", &store.endpoints]);
    output(command)
}

fn what_is_done_is_skipped_until_it_is_forgotten(store: &Store) {
    let once = ["--once", "a/b ü"];
    run(store, &once).silent(0);
    run(store, &once).silent(0);
    assert_eq!(runs(store), 1);
    // With -v it says who has done it.
    let skipped = run(store, &["-v", "--once", "a/b ü"]);
    assert_eq!(skipped.status.code(), Some(0));
    let line = skipped.one_line();
    for part in [": skipped: a/b ü was done by ", "@", " at 20", ", token "] {
        assert!(line.contains(part), "{part} in {line}");
    }
    run(store, &["--once", "other"]).silent(0);
    run(store, &["--once", "a/b ü", "--again"]).silent(0);
    assert_eq!(runs(store), 3);
    let forgotten = verb(store, &["forget", &store.key, "a/b ü"]).silent(0);
    assert_eq!(forgotten.text(), format!("{}: a/b ü forgotten", store.key));
    run(store, &once).silent(0);
    assert_eq!(runs(store), 4);
    let all = verb(store, &["forget", &store.key]).silent(0);
    assert!(all.text().ends_with(": 2 marks forgotten"), "{all:?}");
    for words in [vec!["forget", &store.key], vec!["forget", &store.key, "x"]] {
        let none = verb(store, &words);
        assert_eq!(none.status.code(), Some(1), "{none:?}");
        assert!(none.one_line().ends_with(" marked as done"), "{none:?}");
    }
}

fn only_success_is_done(store: &Store) {
    let once = ["-q", "--once-per", "day"];
    let script = "echo ready $$; read x; echo run >>runs; exit 3";
    let mut first = Run::start_to_wait(store.sh(&once, script));
    first.ready();
    // Who waits takes it over from the one that fails.
    let second = Run::start(store.sh(&["-v", "--once-per", "day"], "echo run >>runs"));
    second.complains("waiting for ");
    // A wait that was shown is not left without an end.
    let third = Run::start(store.sh(&["--once-per", "day"], "echo run >>runs"));
    third.complains("waiting for ");
    // Who does not wait is told that it is busy, not that it is done.
    let busy = run(store, &["-q", "-n", "--once-per", "day"]);
    busy.silent(75);
    first.go_on();
    first.finish().silent(3);
    let ended = [second, third].map(Run::finish);
    for ended in &ended {
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
    assert_eq!(runs(store), 2);
    // Which of the two comes first is the kernel's affair with files.
    let skipped = |ended: &&Finished| ended.stderr.contains(": skipped: ");
    assert_eq!(ended.iter().filter(skipped).count(), 1, "{ended:?}");
    // A signal leaves it open too, and so does a command that cannot run.
    output(store.run(&["-q", "--once", "n"], &["./none"]));
    output(store.sh(&["-q", "--once", "n"], "kill -9 $$"));
    let over = ["-q", "--once", "n", "--max-runtime", "100ms"];
    let over = output(store.run(&over, &["sleep", "60"]));
    assert_eq!(over.status.code(), Some(124), "{over:?}");
    run(store, &["--once", "n"]).silent(0);
    assert_eq!(runs(store), 3);
}

fn at_most_once_is_marked_at_the_start(store: &Store) {
    let options = ["--once", "n", "--at-most-once"];
    output(store.sh(&options, "echo run >>runs; exit 3")).silent(3);
    run(store, &options).silent(0);
    run(store, &["--once", "n"]).silent(0);
    assert_eq!(runs(store), 1);
    let skipped = run(store, &["-v", "--once", "n"]);
    let line = skipped.one_line();
    assert!(line.contains(" was begun by "), "{line}");
    // What it came to is written at the end, if it was a success.
    run(store, &["--once", "m", "--at-most-once"]).silent(0);
    let skipped = run(store, &["-v", "--once", "m"]);
    assert!(skipped.one_line().contains(" was done by "), "{skipped:?}");
}

fn what_was_lost_is_not_done(store: &Store) {
    let script = "trap 'exit 0' TERM; echo ready $$; while :; do sleep 0.01; done";
    let holder = Run::start(store.sh(&["-q", "--once", "n"], script));
    holder.ready();
    let token = status(store)["holder"]["token"].to_string();
    verb(store, &["break", &store.key, "--token", &token]).silent(0);
    let ended = holder.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
    assert_eq!(status(store)["last_mark"], Value::Null);
    run(store, &["--once", "n"]).silent(0);
    assert_eq!(runs(store), 1);
}

fn status(store: &Store) -> Value {
    let shown = verb(store, &["status", "--json", &store.key]);
    serde_json::from_slice(&shown.stdout).expect("JSON")
}

fn status_shows_the_last_mark_and_ls_none(store: &Store) {
    assert_eq!(status(store)["last_mark"], Value::Null);
    let options = ["--reason", "why not", "--label", "team=db", "--once"];
    for name in ["first", "second"] {
        run(store, &[&options[..], &[name]].concat()).silent(0);
    }
    let mark = &status(store)["last_mark"];
    assert_eq!(mark["slot"], "second");
    assert_eq!(mark["reason"], "why not");
    assert_eq!(mark["labels"]["team"], "db");
    assert_eq!(mark["command"], "sh -c echo run >>runs");
    assert!(mark["token"].is_u64() && mark["held_seconds"].is_number());
    for time in ["started_at", "ended_at", "expires_at"] {
        let text = mark[time].as_str().expect("a time");
        assert!(humantime::parse_rfc3339(text).is_ok(), "{time}: {text}");
    }
    let shown = verb(store, &["status", &store.key]).silent(1);
    let lines: Vec<_> = shown.text().lines().collect();
    assert_eq!(lines[0], format!("{}: free", store.key));
    assert!(lines[1].starts_with("last: second, done by "), "{lines:?}");
    assert_eq!(lines.len(), 2);
    let listed = verb(store, &["ls", "--json", &store.key]).silent(0);
    assert_eq!(listed.text(), "[]");
    let holder = store.hold();
    let shown = verb(store, &["status", &store.key]).silent(0);
    let last = shown.text().lines().last().expect("a line").to_owned();
    assert!(last.starts_with("last: second, done by "), "{shown:?}");
    holder.end();
}

#[test]
fn what_cannot_be_is_refused_before_the_store_is_asked() {
    let store = Store::at("127.0.0.1:1");
    let long = "n".repeat(2048);
    for (options, status, why) in [
        (&["--once-per", "7m"][..], 64, "divide a day"),
        (&["--once-per", "48h"], 64, "divide a day"),
        (&["--once-per", "1s"], 64, "at least 1m"),
        (&["--once-per", "sometimes"], 64, "write it as in"),
        (&["--once-per", "1h@Europe/Berlin"], 64, "UTC"),
        (&["--once", &long], 64, "at most 255 bytes"),
        (&["--once", ""], 64, "empty"),
        (&["--once", "a", "--once-per", "day"], 64, "--once"),
        (&["--once", "a", "--once", "b"], 64, "--once"),
        (
            &["--once-per", "day", "--once-per", "week"],
            64,
            "--once-per",
        ),
        (&["--at-most-once"], 64, "--once"),
        (&["--again"], 64, "--once"),
        (&["--once-per", "day@Mars/Olympus"], 78, "Mars/Olympus"),
    ] {
        let refused = run(&store, options);
        assert_eq!(refused.status.code(), Some(status), "{refused:?}");
        let line = refused.one_line();
        assert!(line.contains(why), "{options:?}: {line}");
    }
    assert_eq!(runs(&store), 0);
}

#[test]
fn who_finds_it_done_takes_no_place_in_the_queue() {
    let store = Store::etcd();
    let once = ["--once", "n"];
    run(&store, &once).silent(0);
    // While another holds the lock, too.
    let holder = store.hold();
    let before = store.entries();
    run(&store, &once).silent(0);
    assert_eq!(store.entries(), before);
    holder.signal(Signal::TERM);
    assert_eq!(runs(&store), 1);
}
