//! The fields of JSON and the statuses that `docs/scripting.md` tells are those that there are.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::read;
use crate::acquire::{acquire, keeper, verb};
use crate::genlock::{Run, Store, genlock, output, send};
use crate::support::etcd::{Server, Setup};

/// The part of the page between this and the next line that begins so.
fn part(begin: &str, end: &str) -> String {
    let page = read(Path::new("docs/scripting.md"));
    let (_, rest) = page.split_once(begin).expect("a part of the page");
    rest.split(end).next().unwrap_or(rest).to_owned()
}

/// The first cell of each row of its tables, and with `all` the other cells as well.
fn named(part: &str, all: bool) -> BTreeSet<String> {
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.flat_map(|row| {
        let cells = row.split('|').skip(1).take(if all { 9 } else { 1 });
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2))
    });
    cells.map(str::to_owned).collect()
}

/// The names of all fields within.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                found.insert(name.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

fn told(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    for value in values {
        keys(&value.expect("JSON"), &mut found);
    }
    found
}

fn contender() -> BTreeSet<String> {
    named(&part("called *contender*", "**`status`**"), true)
}

fn of_verb(verb: &str) -> String {
    let part = part(&format!("\n**`{verb}`**"), "\n**`");
    part.split("\n## ").next().unwrap_or(&part).to_owned()
}

#[test]
fn of_a_lock_that_is_held() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    output(store.run(&["--once", "n"], &["true"])).silent(0);
    let holder = store.hold();
    let ask = |words: &[&str]| {
        let mut command = genlock();
        command
            .args(words)
            .args(["--json", "--endpoints", &server.endpoint()]);
        command
    };
    let all = |verb: &str| {
        let mut all = named(&of_verb(verb), true);
        all.extend(contender());
        all
    };
    let same = |verb: &str, found: BTreeSet<String>| {
        let told = all(verb);
        let untold: Vec<_> = found.difference(&told).collect();
        assert!(
            untold.is_empty(),
            "{verb}: {untold:?} are not in docs/scripting.md"
        );
        for name in named(&of_verb(verb), false) {
            assert!(found.contains(&name), "{verb} has no {name}: {found:?}");
        }
    };
    same(
        "status",
        told(output(ask(&["status", "/locks/k"])).silent(0).text()),
    );
    same("ls", told(output(ask(&["ls"])).silent(0).text()));
    let watch = Run::start(ask(&["watch", "/locks/"]));
    watch.says("{");
    watch.signal(Signal::INT);
    same("watch", told(watch.finish().text()));
    holder.end();
    let check = format!("{} check --json", env!("CARGO_BIN_EXE_genlock"));
    same(
        "check",
        told(output(store.sh(&[], &check)).silent(0).text()),
    );
}

/// Takes the lock from its holder, as is proposed.
fn take_away(store: &Store) {
    let proposed = output(verb(store, "break", &[&store.key]));
    let token = proposed.text().rsplit(' ').next().expect("a token");
    output(verb(store, "break", &["--token", token, &store.key])).silent(0);
}

#[test]
fn of_past_runs() {
    let store = Store::files();
    let options = ["--history", "9", "--label", "team=storage"];
    let holder = Run::start(store.sh(&options, "echo ready $$; exec sleep 600"));
    holder.ready();
    let waiting = Run::start(store.run(&options, &["true"]));
    waiting.complains("waiting for ");
    take_away(&store);
    holder.finish();
    waiting.finish();
    let history = verb(&store, "history", &["--json", &store.key]);
    let mut found = told(output(history).silent(0).text());
    assert!(found.remove("team"));
    let page = of_verb("history");
    let untold: Vec<_> = found.difference(&named(&page, true)).cloned().collect();
    assert!(untold.is_empty(), "{untold:?} are not in docs/scripting.md");
    for name in named(&page, false) {
        assert!(found.contains(&name), "history has no {name}: {found:?}");
    }
}

/// Its fields are those of a past run, and every reason why it did not run is there.
#[test]
fn of_a_report() {
    let store = Store::files();
    let holder = store.hold();
    let file = store.path("report.json");
    let report = file.to_str().expect("a path");
    let busy = output(store.run(&["--report", report, "--try", "-q"], &["true"]));
    assert_eq!(busy.status.code(), Some(75));
    holder.end();
    let found = told(&std::fs::read_to_string(&file).expect("a report"));
    let mut page = named(&of_verb("history"), true);
    page.insert("events_dropped".to_owned());
    let untold: Vec<_> = found.difference(&page).collect();
    assert!(untold.is_empty(), "{untold:?} are not in docs/scripting.md");
    let history = of_verb("history");
    let (fields, _) = history.split_once("| `host`, `user`").expect("the rest");
    for name in named(fields, false) {
        assert!(found.contains(&name), "a report has no {name}: {found:?}");
    }
    let reasons = named(&of_verb("run --report"), false);
    for reason in [
        "busy",
        "config",
        "denied",
        "done",
        "internal",
        "interrupted",
        "lost",
        "max-runtime",
        "not-executed",
        "superseded",
        "taken-away",
        "unavailable",
        "usage",
    ] {
        assert!(reasons.iter().any(|one| one == reason), "{reason}");
    }
}

/// Of events as they come; those of trouble are in the unit test of a line.
#[test]
fn of_events() {
    let store = Store::files();
    let file = store.path("events");
    let options = ["--events", file.to_str().expect("a path")];
    let holder = Run::start(store.sh(&options, "echo ready $$; exec sleep 600"));
    holder.ready();
    let busy = output(store.run(&[options[0], options[1], "--try", "-q"], &["true"]));
    assert_eq!(busy.status.code(), Some(75));
    holder.end();
    let found = told(&std::fs::read_to_string(&file).expect("events"));
    let mut page = named(&of_verb("run --events"), true);
    page.extend(named(&of_verb("history"), true));
    let untold: Vec<_> = found.difference(&page).collect();
    assert!(untold.is_empty(), "{untold:?} are not in docs/scripting.md");
}

#[test]
fn of_what_is_acquired() {
    let store = Store::files();
    let acquired = output(acquire(&store, &["--json"])).silent(0);
    send(keeper(&store), Signal::TERM);
    let found = told(acquired.text());
    let part = of_verb("acquire");
    let spans = part.split('`').skip(1).step_by(2);
    let fields = spans.filter(|span| !span.starts_with('-'));
    let fields: BTreeSet<_> = fields.map(str::to_owned).collect();
    let page = read(Path::new("docs/scripting.md"));
    let variables = named(&page, false);
    let untold: Vec<_> = found
        .iter()
        .filter(|name| !fields.contains(*name) && !variables.contains(*name))
        .collect();
    assert!(untold.is_empty(), "{untold:?} are not in docs/scripting.md");
    for name in &fields {
        assert!(found.contains(name), "acquire has no {name}: {found:?}");
    }
}

/// Of a key that ran, was skipped, and lost its lock.
#[test]
fn of_metrics() {
    let store = Store::files();
    let file = store.path("k.prom");
    let options = ["--metrics-file", file.to_str().expect("a path"), "-q"];
    output(store.run(&options, &["true"])).silent(0);
    let holder = Run::start(store.sh(&options, "echo ready $$; exec sleep 600"));
    holder.ready();
    output(store.run(&[&options[..], &["--try"]].concat(), &["true"]));
    take_away(&store);
    holder.finish();
    let text = std::fs::read_to_string(&file).expect("metrics");
    let samples = text.lines().filter_map(|line| line.split_once('{'));
    let found: BTreeSet<_> = samples.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(found, named(&part("## Metrics", "\n## "), false));
}

fn doctor(endpoints: &str, more: &[&str]) -> BTreeSet<String> {
    let mut command: Command = genlock();
    command
        .args(["doctor", "--json", "--endpoints", endpoints])
        .args(more);
    told(output(command).silent(0).text())
}

#[test]
fn of_the_doctor() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let path = |name: &str| server.file(name).to_str().expect("a path").to_owned();
    let (ca, cert, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let mut found = doctor(
        &server.endpoint(),
        &["--cacert", &ca, "--cert", &cert, "--key", &key],
    );
    let directory = tempfile::tempdir().expect("a directory");
    found.extend(doctor(&format!("file:{}", directory.path().display()), &[]));
    let page = of_verb("doctor");
    let untold: Vec<_> = found.difference(&named(&page, true)).cloned().collect();
    assert!(untold.is_empty(), "{untold:?} are not in docs/scripting.md");
    for name in named(&page, false) {
        assert!(found.contains(&name), "doctor has no {name}: {found:?}");
    }
}

/// The figures of docs/promise.md are the doctor's.
#[test]
fn of_the_deadline() {
    let server = Server::start();
    let page = read(Path::new("docs/promise.md"));
    let (_, table) = page.split_once("| `--ttl` | renewed").expect("a table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let mut doctor = genlock();
        doctor.args(["doctor", "--json", "--endpoints", &server.endpoint()]);
        doctor.args(["--ttl", cells[0]]);
        let run = output(doctor).silent(0);
        let found: Value = serde_json::from_str(run.text()).expect("JSON");
        let names = ["renewed_every", "told", "killed", "unnoticed"];
        let seconds = |name: &str| found["times"][name].as_f64().expect("seconds");
        let times = names.map(|name| format!("{:.2} s", seconds(name)));
        assert_eq!(cells[1..], times, "{row}");
        count += 1;
    }
    assert_eq!(count, 4);
}

/// Help's table and the page's have the same statuses.
#[test]
fn of_statuses() {
    let numbers = |text: &str, begin: &str| -> Vec<u8> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(begin));
        let words = lines.filter_map(|line| line.split_whitespace().next()?.parse().ok());
        words.collect()
    };
    let mut help = genlock();
    help.arg("--help");
    let help = output(help).silent(0);
    let (_, table) = help.text().split_once("Exit status:\n").expect("a table");
    let page = part("Of `genlock run`:", "The other verbs");
    assert_eq!(numbers(table, "  "), numbers(&page, "| "));
}
