//! acquire --report, --events and --metrics-file: the keeper tells of the lock, from when it is asked for to
//! its release.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use genlock::Capability;

use super::{acquire, keeper, under, until_ended, variables, verb};
use crate::genlock::{Store, output, poll, send};
use crate::modes::is_able;

over_every_store! {
    the_keeper_tells_of_it_to_the_end;
    whatever_ends_it_is_in_the_report;
}

/// All three, in the caller's directory, which the keeper leaves.
const ALL: [&str; 6] = [
    "--report",
    "report.json",
    "--events",
    "events",
    "--metrics-file",
    "k.prom",
];

fn told(store: &Store, options: &[&str]) -> Command {
    let mut told = acquire(store, &[&ALL, options].concat());
    told.current_dir(store.directory());
    told
}

#[track_caller]
fn read(store: &Store) -> Value {
    let text = fs::read_to_string(store.path("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn events(store: &Store) -> Vec<Value> {
    let text = fs::read_to_string(store.path("events")).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.map(|line| line.expect("JSON")).collect()
}

/// Whether the metrics say that it is held.
fn running(store: &Store) -> Option<bool> {
    let text = fs::read_to_string(store.path("k.prom")).ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("genlock_running{"))?;
    Some(line.ends_with(" 1"))
}

fn the_keeper_tells_of_it_to_the_end(store: &Store) {
    let held = variables(&output(told(store, &[])).silent(0));
    let has = |name: &str| events(store).iter().any(|event| event["event"] == name);
    poll("the grant, as an event", || has("granted"));
    poll("the grant, in the metrics", || running(store) == Some(true));
    assert!(!store.path("report.json").exists());
    output(under(&held, &["release"])).silent(0);
    // All is there when who asked for the release is told of it.
    let report = read(store);
    let is = |name: &str, value: Value| assert_eq!(report[name], value, "{name} in {report}");
    is("v", 1.into());
    is("key", (*store.key).into());
    is("status", 0.into());
    is("why", Value::Null);
    is("ran", false.into());
    is("command", Value::Null);
    is("events_dropped", 0.into());
    assert_eq!(report["token"].to_string(), held["GENLOCK_HELD_TOKEN"]);
    assert!(
        report["held_seconds"].is_f64() && report["ended_at"].is_string(),
        "{report}"
    );
    assert_eq!(running(store), Some(false));
    let names = events(store);
    let names = names.iter().filter_map(|event| event["event"].as_str());
    let names: Vec<_> = names.filter(|&name| name != "renewed").collect();
    assert_eq!(names, ["granted", "released"]);
    assert!(store.is_free());
}

fn whatever_ends_it_is_in_the_report(store: &Store) {
    let holder = store.hold();
    let refused = output(told(store, &["--try", "-q"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    let report = read(store);
    assert_eq!(
        (&report["status"], &report["why"]),
        (&75.into(), &"busy".into())
    );
    assert_eq!(report["holder"]["pid"], holder.pid());
    holder.end();
    let ends = |end: &dyn Fn(i32, &str)| {
        fs::remove_file(store.path("report.json")).expect("the one before");
        let held = variables(&output(told(store, &[])).silent(0));
        let keeper = keeper(store);
        end(keeper, &held["GENLOCK_HELD_TOKEN"]);
        until_ended(keeper);
        assert!(store.is_free());
        let report = read(store);
        (report["status"].clone(), report["why"].clone())
    };
    let told = ends(&|keeper, _| send(keeper, Signal::TERM));
    assert_eq!(told, (143.into(), "interrupted".into()));
    let taken = ends(&|_, token| {
        let taken = verb(store, "break", &["--token", token, &store.key]);
        output(taken).silent(0);
    });
    assert_eq!(taken, (80.into(), "taken-away".into()));
}

/// The keeper has nothing of that. In the environment it may be meant for the steps.
#[test]
fn what_its_caller_has_open_is_no_place_for_it() {
    let store = Store::files();
    for (option, place) in [
        ("--events", "/dev/stderr"),
        ("--report", "/dev/fd/3"),
        ("--metrics-file", "/proc/self/fd/k.prom"),
    ] {
        let refused = output(acquire(&store, &[option, place]));
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        let line = refused.one_line();
        assert!(line.contains(&format!("{option} {place}: ")), "{line}");
    }
    let mut acquire = acquire(&store, &[]);
    for name in ["GENLOCK_EVENTS", "GENLOCK_REPORT"] {
        acquire.env(name, "/dev/stderr");
    }
    let held = variables(&output(acquire).silent(0));
    output(under(&held, &["release"])).silent(0);
}

#[test]
fn a_lock_that_is_left_to_the_store_is_told_of_until_then() {
    let store = Store::etcd();
    assert!(is_able(&store, Capability::MinHold));
    let none = ["--pid", "none", "--metrics-file", "k.prom"];
    let refused = output(acquire(&store, &none));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(refused.one_line().contains("--pid none"), "{refused:?}");
    let report = store.path("report.json");
    let report = report.to_str().expect("a path");
    let none = acquire(&store, &["--pid", "none", "--report", report]);
    let held = variables(&output(none).silent(0));
    let told = read(&store);
    assert_eq!((&told["status"], &told["why"]), (&0.into(), &Value::Null));
    assert_eq!(told["token"].to_string(), held["GENLOCK_HELD_TOKEN"]);
    output(under(&held, &["release"])).silent(0);
}
