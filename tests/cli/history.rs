//! run --history and genlock history: the last runs of a key, and how each ended.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::genlock::{Run, Store, genlock, output, poll, within};
use crate::support::etcd::Server;

over_every_store! {
    the_last_n_are_kept_and_told_how_they_ended;
    who_waited_and_who_is_taken_away;
    a_holder_that_was_killed_is_not_heard_of_again;
    without_the_option_nothing_is_kept;
}

pub(super) fn history(store: &Store, arguments: &[&str]) -> Command {
    let mut command = genlock();
    command.args(["history", "--endpoints", &store.endpoints, &store.key]);
    command.args(arguments);
    command
}

/// The runs that are kept.
#[track_caller]
pub(super) fn kept(store: &Store) -> Vec<Value> {
    let printed = output(history(store, &["--json"])).silent(0);
    serde_json::from_str(printed.text()).expect("JSON")
}

/// Runs this, of which so many runs are kept, and gives its status.
fn run(store: &Store, options: &[&str], command: &[&str]) -> Option<i32> {
    let options = [&["--history", "4", "--reason", "why"], options].concat();
    output(store.run(&options, command)).status.code()
}

/// A holder whose run is kept.
fn holder(store: &Store) -> Run {
    let run = Run::start(store.sh(&["--history", "4"], "echo ready $$; exec sleep 600"));
    run.ready();
    run
}

fn field(run: &Value, name: &str) -> String {
    match &run[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn the_last_n_are_kept_and_told_how_they_ended(store: &Store) {
    assert_eq!(run(store, &[], &["true"]), Some(0));
    assert_eq!(run(store, &[], &["sh", "-c", "exit 3"]), Some(3));
    run(store, &[], &["sh", "-c", "kill -9 $$"]);
    let limit = ["--max-runtime", "200ms"];
    assert_eq!(run(store, &limit, &["sleep", "600"]), Some(124));
    assert_eq!(run(store, &[], &["/no/such"]), Some(127));
    let kept = kept(store);
    let told = kept.iter().map(|run| {
        ["ran", "why", "status", "command_line"]
            .map(|name| field(run, name))
            .join(" ")
    });
    let told: Vec<_> = told.collect();
    let expected = [
        "true null 3 sh -c exit 3",
        "true null 137 sh -c kill -9 $$",
        "true max-runtime 124 sleep 600",
        "false not-executed 127 /no/such",
    ];
    assert_eq!(told, expected);
    let ends: Vec<_> = kept.iter().map(|run| run["command"].clone()).collect();
    assert_eq!(ends[0]["status"], 3);
    assert_eq!(ends[1]["signal"], 9);
    assert_eq!(ends[3], Value::Null);
    let tokens: Vec<_> = kept.iter().map(|run| run["token"].as_u64()).collect();
    assert!(tokens.is_sorted() && tokens[0].is_some(), "{tokens:?}");
    for run in &kept {
        assert_eq!((&run["state"], &run["v"]), (&"ended".into(), &1.into()));
        assert_eq!(run["reason"], "why");
        assert!(run["held_seconds"].as_f64() < Some(60.0), "{run}");
        assert!(field(run, "ended_at") >= field(run, "started_at"), "{run}");
    }
    // Fewer are kept from now on.
    assert_eq!(
        output(store.run(&["--history", "1"], &["true"]))
            .status
            .code(),
        Some(0)
    );
    assert_eq!(self::kept(store).len(), 1);
    let printed = output(history(store, &[])).silent(0);
    let lines: Vec<_> = printed.text().lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("STARTED "),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("exited with 0 (true)"), "{lines:?}");
}

fn who_waited_and_who_is_taken_away(store: &Store) {
    let first = holder(store);
    poll("a beginning", || kept(store).len() == 1);
    let mut waiting = store.sh(&["--history", "4"], "exit 0");
    waiting.env("GENLOCK_TTL", "2");
    let waiting = Run::start(waiting);
    waiting.complains("waiting for ");
    let at_least = Instant::now();
    let running = kept(store);
    assert_eq!(
        (running.len(), &running[0]["state"]),
        (1, &"running".into())
    );
    assert_eq!(running[0]["pid"], first.pid());
    let token = field(&running[0], "token");
    let at_least = at_least.elapsed();
    let mut breaking = genlock();
    breaking.args([
        "break",
        "--endpoints",
        &store.endpoints,
        "--token",
        &token,
        &store.key,
    ]);
    output(breaking).silent(0);
    assert_eq!(first.finish().status.code(), Some(80));
    let ended = waiting.finish();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let kept = kept(store);
    assert_eq!(kept.len(), 2, "{kept:?}");
    let [taken, waited] = [&kept[0], &kept[1]];
    assert_eq!(
        (&taken["why"], &taken["status"]),
        (&"taken-away".into(), &80.into())
    );
    assert_eq!(taken["taken_away"]["host"], taken["host"]);
    assert_eq!(waited["holder"]["pid"], taken["pid"]);
    let seconds = |name: &str| waited[name].as_f64().expect("seconds");
    let (waited, held) = (seconds("waited_seconds"), seconds("held_seconds"));
    assert!(waited >= at_least.as_secs_f64(), "{waited}, {at_least:?}");
    assert!(
        waited + held <= ended.took.as_secs_f64(),
        "{held}, {ended:?}"
    );
    let printed = output(history(store, &[])).silent(0);
    assert!(printed.text().contains(" taken away by "), "{printed:?}");
}

fn a_holder_that_was_killed_is_not_heard_of_again(store: &Store) {
    let mut command = store.sh(&["--history", "4"], "echo ready $$; exec sleep 600");
    command.env("GENLOCK_TTL", "2");
    let holder = Run::start(command);
    holder.ready();
    poll("a beginning", || kept(store).len() == 1);
    holder.signal(Signal::KILL);
    holder.finish();
    poll("a free lock", || store.is_free());
    let kept = kept(store);
    assert_eq!((kept.len(), &kept[0]["state"]), (1, &"not-heard-of".into()));
    assert_eq!(kept[0]["ended_at"], Value::Null);
    let printed = output(history(store, &[])).silent(0);
    assert!(
        printed.text().contains("not heard of again (sh -c "),
        "{printed:?}"
    );
}

fn without_the_option_nothing_is_kept(store: &Store) {
    output(store.run(&[], &["true"])).silent(0);
    output(store.run(&["--history", "0"], &["true"])).silent(0);
    assert!(kept(store).is_empty());
    let none = output(history(store, &[]));
    assert_eq!((none.status.code(), none.text()), (Some(0), ""));
    assert!(
        none.one_line().contains("genlock run --history N"),
        "{none:?}"
    );
    let refused = output(store.run(&["--history", "1001"], &["true"]));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(refused.one_line().contains("from 0 to 1000"), "{refused:?}");
}

#[test]
fn a_lost_lock_says_why() {
    let store = Store::etcd();
    let holder = holder(&store);
    let server = store.server().expect("an etcd");
    server.ctl(&["del", &store.entries()[0]]);
    assert_eq!(holder.finish().status.code(), Some(80));
    let kept = kept(&store);
    assert_eq!(
        (&kept[0]["why"], &kept[0]["state"]),
        (&"lost".into(), &"ended".into())
    );
    let detail = field(&kept[0], "detail");
    assert!(detail.contains("deleted from the store"), "{detail}");
}

#[test]
fn the_configuration_sets_how_many_are_kept() {
    let store = Store::files();
    let with = |text: &str| {
        let file = store.path("config.toml");
        std::fs::write(&file, text).expect("a file");
        let mut command = store.run(&[], &["true"]);
        command.env("GENLOCK_CONFIG", file);
        output(command)
    };
    with("history = 2\n").silent(0);
    with("history = 2\n").silent(0);
    with("history = 2\n").silent(0);
    assert_eq!(kept(&store).len(), 2);
    let refused = with("history = \"all\"\n");
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    assert!(
        refused.one_line().contains("history: a whole number"),
        "{refused:?}"
    );
}

/// More than are ever kept are there where somebody has put them.
#[test]
fn the_newest_thousand_are_shown() {
    let store = Store::files();
    assert_eq!(run(&store, &[], &["true"]), Some(0));
    let path = store.path("locks/k.history");
    let last = std::fs::read_to_string(&path).expect("a history");
    let older = last.replace("\"reason\":\"why\"", "\"reason\":\"older\"");
    std::fs::write(&path, older.repeat(1500) + &last).expect("a history");
    let kept = kept(&store);
    assert_eq!(kept.len(), 1000);
    assert_eq!(
        (field(&kept[998], "reason"), field(&kept[999], "reason")),
        ("older".into(), "why".into())
    );
}

/// The etcd is frozen while the command runs: the release, and the history along with it, take as long
/// as a request may, and not twice that.
#[test]
fn a_store_that_hangs_at_the_end_costs_no_more_than_without() {
    const LIMIT: Duration = Duration::from_secs(3);
    within(LIMIT + Duration::from_secs(2), || {
        // Its own each time: what is not released is held for a minute.
        let server = Server::start();
        let store = Store::at(server.endpoint());
        let options = ["--history", "4", "--command-timeout", "3s", "--ttl", "60s"];
        let script = "echo ready $$; read x; exit 7";
        let mut holder = Run::start_to_wait(store.sh(&options, script));
        holder.ready();
        server.freeze();
        let start = Instant::now();
        holder.go_on();
        let ended = holder.finish();
        let took = start.elapsed();
        server.thaw();
        assert_eq!(ended.status.code(), Some(7), "{ended:?}");
        assert!(ended.one_line().contains("warning: not released: "));
        took
    });
}

#[test]
fn a_picture_is_written_where_it_is_asked_for() {
    let store = Store::files();
    assert_eq!(run(&store, &[], &["false"]), Some(1));
    let file = store.path("a.svg");
    let name = file.to_str().expect("a name");
    output(history(&store, &["--svg", name])).silent(0);
    let written = std::fs::read_to_string(&file).expect("a picture");
    let printed = output(history(&store, &["--svg", "-"])).silent(0);
    for text in [written.as_str(), printed.text()] {
        assert!(
            text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"),
            "{text}"
        );
        assert!(
            text.contains(">failed</text>") && text.contains("url(#failed)"),
            "{text}"
        );
    }
    let refused = output(history(&store, &["--svg", "/no/such/a.svg"]));
    assert_eq!(refused.status.code(), Some(70), "{refused:?}");
    assert!(
        refused.one_line().starts_with("genlock: /no/such/a.svg: "),
        "{refused:?}"
    );
}

/// Ten thousand hosts skip, and write nothing.
#[test]
fn a_run_names_its_slot_and_one_that_is_skipped_leaves_nothing() {
    let store = Store::files();
    for _ in 0..2 {
        assert_eq!(run(&store, &["--once", "monday"], &["true"]), Some(0));
    }
    let kept = kept(&store);
    assert_eq!((kept.len(), &kept[0]["slot"]), (1, &"monday".into()));
}
