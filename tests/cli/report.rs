//! run --report: one JSON object for every end.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::genlock::{Finished, Run, Store, bare, output, poll};
use crate::support::etcd::Server;

over_every_store! {
    of_the_commands_own_ends;
    of_a_lock_that_another_holds;
}

/// Where the report of a test is to be.
fn file(store: &Store) -> PathBuf {
    store.path("report.json")
}

fn with_report(store: &Store, options: &[&str], command: &[&str]) -> Command {
    let mut run = store.run(options, command);
    run.env("GENLOCK_REPORT", file(store));
    run
}

/// The report of what has ended.
#[track_caller]
fn read(store: &Store) -> Value {
    let text = fs::read_to_string(file(store)).expect("a report");
    assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The report of this run, which is to end with this status.
#[track_caller]
fn report(store: &Store, options: &[&str], command: &[&str], status: i32) -> Value {
    let _ = fs::remove_file(file(store));
    let ended = output(with_report(store, options, command));
    let report = read(store);
    assert_eq!(ended.status.code(), Some(status), "{ended:?}");
    assert_eq!(report["status"], status, "{report}");
    report
}

/// What is written first and renamed then has a name with a dot at its beginning.
#[track_caller]
pub(super) fn nothing_is_left_beside(file: &Path) {
    let names = fs::read_dir(file.parent().expect("a directory")).expect("its files");
    let mut names = names.map(|entry| entry.expect("an entry").file_name());
    assert!(!names.any(|name| name.as_encoded_bytes().starts_with(b".")));
}

#[track_caller]
fn is(report: &Value, ran: bool, why: impl Into<Value>) {
    assert_eq!(
        (&report["ran"], &report["why"]),
        (&ran.into(), &why.into()),
        "{report}"
    );
    assert_eq!(report["v"], 1);
}

fn of_the_commands_own_ends(store: &Store) {
    let report_of =
        |options: &[&str], command: &[&str], status| report(store, options, command, status);
    let done = report_of(&[], &["true"], 0);
    is(&done, true, Value::Null);
    assert_eq!(done["key"], *store.key);
    assert!(
        done["token"].is_u64() && done["held_seconds"].is_f64(),
        "{done}"
    );
    assert!(
        done["waited_seconds"].is_f64() && done["ended_at"].is_string(),
        "{done}"
    );
    let failed = report_of(&[], &["sh", "-c", "exit 75"], 75);
    is(&failed, true, Value::Null);
    assert_eq!(failed["command"]["status"], 75);
    let limit = report_of(&["--max-runtime", "100ms"], &["sleep", "600"], 124);
    is(&limit, true, "max-runtime");
    is(&report_of(&[], &["/no/such"], 127), false, "not-executed");
    is(&report_of(&[], &["/"], 126), false, "not-executed");
    output(with_report(store, &[], &["sh", "-c", "kill -9 $$"]));
    let killed = read(store);
    is(&killed, true, Value::Null);
    assert_eq!(
        (&killed["status"], &killed["command"]["signal"]),
        (&137.into(), &9.into())
    );
    assert_eq!(killed["command"]["status"], Value::Null);
}

fn of_a_lock_that_another_holds(store: &Store) {
    let holder = store.hold();
    let busy = report(store, &["--try", "-E", "9"], &["true"], 9);
    is(&busy, false, "busy");
    assert!(
        busy["holder"]["pid"].is_u64() && busy["token"].is_null(),
        "{busy}"
    );
    is(
        &report(store, &["--wait", "50ms"], &["true"], 75),
        false,
        "busy",
    );
    let waiting = Run::start(with_report(store, &[], &["true"]));
    waiting.complains("waiting for ");
    waiting.signal(Signal::TERM);
    waiting.finish();
    let interrupted = read(store);
    is(&interrupted, false, "interrupted");
    assert_eq!(interrupted["status"], 128 + Signal::TERM.as_raw());
    assert!(interrupted["waited_seconds"].is_f64(), "{interrupted}");
    holder.end();
}

#[test]
fn of_what_cannot_be_done() {
    let store = Store::files();
    is(
        &report(&store, &["--once", "n"], &["true"], 0),
        true,
        Value::Null,
    );
    let done = report(&store, &["--once", "n"], &["true"], 0);
    is(&done, false, "done");
    assert_eq!(done["slot"], "n");
    let usage = report(&store, &["--min-hold", "1m"], &["true"], 64);
    is(&usage, false, "usage");
    assert!(usage["detail"].is_string(), "{usage}");
    let config = store.path("config.toml");
    fs::write(&config, "nonsense = 1\n").expect("a file");
    let config = config.to_str().expect("a path");
    is(
        &report(&store, &["--config", config], &["true"], 78),
        false,
        "config",
    );
    let silent = Store::at("http://127.0.0.1:1");
    let away = report(
        &silent,
        &["--dial-timeout", "100ms", "--try"],
        &["true"],
        69,
    );
    is(&away, false, "unavailable");
    // No words that could be read: no report.
    let _ = fs::remove_file(file(&store));
    let wrong = output(with_report(&store, &["--wait", "soon"], &["true"]));
    assert_eq!(wrong.status.code(), Some(64));
    assert!(!file(&store).exists());
}

#[test]
fn of_a_lock_that_is_lost() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let command = ["sh", "-c", "echo ready $$; exec sleep 600"];
    let run = Run::start(with_report(&store, &["--lost-exit-code", "81"], &command));
    run.ready();
    for key in server.keys() {
        server.ctl(&["del", &key]);
    }
    run.finish();
    let lost = read(&store);
    is(&lost, true, "lost");
    assert_eq!(
        (&lost["status"], &lost["command"]["signal"]),
        (&81.into(), &15.into())
    );
    assert!(
        lost["detail"]
            .as_str()
            .is_some_and(|why| why.contains("deleted")),
        "{lost}"
    );
}

#[test]
fn of_a_user_whom_the_store_refuses() {
    let mut server = Server::start();
    server.enable_auth();
    let store = Store::at(server.endpoint());
    let denied = report(&store, &["--try"], &["true"], 77);
    is(&denied, false, "denied");
}

/// The directory never has a half of a file, and a report that is no file is written to what is there.
#[test]
fn it_takes_the_place_of_a_file_and_of_nothing_else() {
    let store = Store::files();
    fs::write(file(&store), "old").expect("a file");
    let link = store.path("link.json");
    std::os::unix::fs::symlink(file(&store), &link).expect("a link");
    let before = fs::metadata(file(&store)).expect("a file").ino();
    let linked = link.to_str().expect("a path");
    output(store.run(&["--report", linked], &["true"])).silent(0);
    is(&read(&store), true, Value::Null);
    assert!(link.is_symlink());
    assert_ne!(fs::metadata(file(&store)).expect("a file").ino(), before);
    nothing_is_left_beside(&file(&store));
    let mut shell = bare("sh");
    let script = r#""$0" run --endpoints "$1" --report /dev/null k true && "$0" run --endpoints "$1" --report /dev/fd/3 k true 3>&1 | cat"#;
    shell.args([
        "-c",
        script,
        env!("CARGO_BIN_EXE_genlock"),
        &store.endpoints,
    ]);
    let piped = output(shell).silent(0);
    let piped: Value = serde_json::from_str(piped.text()).expect("JSON");
    is(&piped, true, Value::Null);
    assert!(
        fs::metadata("/dev/null")
            .expect("a device")
            .file_type()
            .is_char_device()
    );
}

/// Where it cannot be written, that is said in a line, and changes no status.
#[test]
fn one_that_cannot_be_written_fails_no_run() {
    let store = Store::files();
    let complains = |path: &str, why: &str| {
        let run: Finished = output(store.run(&["--report", path], &["sh", "-c", "exit 3"]));
        assert_eq!(run.status.code(), Some(3));
        let line = format!("genlock: warning: the report was not written: {path}: {why}");
        assert_eq!(run.one_line(), line);
    };
    complains("/no/such/directory/r", "no such file or directory");
    complains("/", "is a directory");
    let pipe = store.path("pipe");
    let mut make = bare("mkfifo");
    make.arg(&pipe);
    output(make).silent(0);
    complains(pipe.to_str().expect("a path"), "no such device or address");
    poll("no trace of a run", || store.processes().is_empty());
}
