//! run --metrics-file: gauges for Prometheus, a file that is replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::genlock::{Run, Store, bare, output, poll};
use crate::process::has;
use crate::report::nothing_is_left_beside;
use crate::support::etcd::Server;

/// What the file says of a key. Demands the text format, version 0.0.4, and of that only what all that
/// read it agree on.
fn metrics(path: &Path, key: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(path).expect("a file");
    let mut found = BTreeMap::new();
    let mut known: Vec<&str> = Vec::new();
    let mut lines = text.lines();
    assert!(text.ends_with('\n'), "{text}");
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("help");
            assert!(!words.is_empty() && !known.contains(&name), "{text}");
            assert!(
                name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'),
                "{text}"
            );
            assert_eq!(
                lines.next(),
                Some(&*format!("# TYPE {name} gauge")),
                "{text}"
            );
            known.push(name);
            continue;
        }
        let name = known.last().expect("a type before a sample");
        let rest = line
            .strip_prefix(&format!("{name}{{key=\""))
            .expect("its sample");
        let (label, value) = rest.rsplit_once("\"} ").expect("a value");
        let value: f64 = value.parse().expect("a number");
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let plain = label
            .replace("\\\\", "")
            .replace("\\\"", "")
            .replace("\\n", "");
        assert!(!plain.contains(['\\', '"']), "{line}");
        if label == key {
            assert!(found.insert((*name).to_owned(), value).is_none(), "{line}");
        }
    }
    found
}

/// Prometheus' own check, where it can be had.
fn promtool(path: &Path) {
    if !has("promtool") {
        return;
    }
    let mut check: Command = bare("promtool");
    check.args(["check", "metrics"]);
    let file = fs::File::open(path).expect("a file");
    let checked = Run::start_with(check, Stdio::from(file)).finish();
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "{checked:?}"
    );
}

#[test]
fn a_run_and_a_skip_change_what_is_theirs() {
    let store = Store::files();
    let path = store.path("k.prom");
    let file = path.to_str().expect("a path");
    let options = ["--metrics-file", file];
    let read = || metrics(&path, "k");
    let has = |name: &str| read().get(&format!("genlock_{name}")).copied();
    output(store.run(&options, &["true"])).silent(0);
    promtool(&path);
    let first = read();
    assert_eq!(first.len(), 5, "{first:?}");
    assert_eq!(has("running"), Some(0.0));
    let ran = has("last_run_timestamp_seconds").expect("a time");
    assert!(has("last_success_timestamp_seconds").expect("a time") >= ran);
    assert!(has("waited_seconds").is_some() && has("held_seconds").is_some());
    // One that goes on, and one that does not get its turn meanwhile.
    let mut holder = Run::start_to_wait(store.sh(&options, "echo ready $$; read x; exit 3"));
    holder.ready();
    poll("a run", || has("running") == Some(1.0));
    let running = read();
    let skip = output(store.run(&[options[0], file, "-nq"], &["true"]));
    assert_eq!(skip.status.code(), Some(75));
    let mut skipped = read();
    let name = "genlock_last_skip_timestamp_seconds";
    assert!(skipped.remove(name).expect("a time") >= ran);
    assert_eq!(skipped, running);
    holder.go_on();
    holder.finish();
    let failed = read();
    assert_eq!(has("running"), Some(0.0));
    let success = "genlock_last_success_timestamp_seconds";
    assert_eq!(failed[success], first[success]);
    assert!(failed["genlock_last_run_timestamp_seconds"] > ran);
    promtool(&path);
    nothing_is_left_beside(&path);
}

#[test]
fn a_loss_is_told_and_other_keys_stay() {
    let server = Server::start();
    let mut store = Store::at(server.endpoint());
    let path = store.path("all.prom");
    let file = path.to_str().expect("a path").to_owned();
    let options = ["--metrics-file", &*file];
    let odd = "/locks/a \"b\\c\n{key=\"";
    let key = std::mem::replace(&mut store.key, odd.to_owned());
    output(store.run(&options, &["true"])).silent(0);
    store.key = key;
    let holder = Run::start(store.sh(&options, "echo ready $$; exec sleep 600"));
    holder.ready();
    for held in server.keys() {
        server.ctl(&["del", &held]);
    }
    assert_eq!(holder.finish().status.code(), Some(80));
    promtool(&path);
    let lost = metrics(&path, &store.key);
    assert!(
        lost.contains_key("genlock_last_loss_timestamp_seconds"),
        "{lost:?}"
    );
    assert!(
        !lost.contains_key("genlock_last_success_timestamp_seconds"),
        "{lost:?}"
    );
    let other = metrics(&path, "/locks/a \\\"b\\\\c\\n{key=\\\"");
    assert_eq!(other["genlock_running"], 0.0);
    assert_eq!(other.len(), 5, "{other:?}");
}

#[test]
fn many_at_once_leave_a_whole_file_with_all_of_it() {
    let mut store = Store::files();
    let path = store.path("all.prom");
    let file = path.to_str().expect("a path").to_owned();
    let runs = (0..8).map(|at| {
        store.key = format!("k{at}");
        Run::start(store.run(&["--metrics-file", &file], &["true"]))
    });
    let runs: Vec<_> = runs.collect();
    for run in runs {
        run.finish().silent(0);
    }
    for at in 0..8 {
        assert_eq!(metrics(&path, &format!("k{at}")).len(), 5);
    }
}

/// A run that came to nothing changes nothing, and a file that cannot be written fails no run.
#[test]
fn nothing_is_changed_by_what_did_not_come_to_the_lock() {
    let store = Store::files();
    let away = Store::at("http://127.0.0.1:1");
    let path = store.path("k.prom");
    let file = path.to_str().expect("a path");
    let run = away.run(
        &["--metrics-file", file, "--dial-timeout", "100ms", "-n"],
        &["true"],
    );
    assert_eq!(output(run).status.code(), Some(69));
    assert!(!path.exists());
    let waiting = store.hold();
    let run = Run::start(store.run(&["--metrics-file", file], &["true"]));
    run.complains("waiting for ");
    run.signal(Signal::TERM);
    run.finish();
    waiting.end();
    assert!(!path.exists());
    let run = output(store.run(&["--metrics-file", "/no/such/k.prom"], &["true"]));
    assert_eq!(run.status.code(), Some(0));
    let line =
        "genlock: warning: the metrics are not written: /no/such/k.prom: no such file or directory";
    assert_eq!(run.one_line(), line);
    // The collector would never read it.
    for name in ["k.txt", "metrics", ".prom"] {
        let wrong = output(store.run(&["--metrics-file", name], &["true"]));
        assert_eq!(wrong.status.code(), Some(64), "{wrong:?}");
        assert!(wrong.one_line().contains("ends in .prom"), "{wrong:?}");
    }
}
