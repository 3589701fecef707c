//! run --events: lines of JSON, for which no run waits.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::fs::OFlags;
use rustix::process::Signal;
use serde_json::Value;

use crate::genlock::{Run, Store, bare, output, poll};
use crate::process::has;
use crate::support::etcd::Server;

over_every_store! {
    what_happens_is_told_and_before_the_next_holder;
    the_release_waits_until_the_end_is_told;
}

fn lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn in_file(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    lines(&text)
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect()
}

fn events(store: &Store) -> (PathBuf, String) {
    let path = store.path("events");
    let text = path.to_str().expect("a path").to_owned();
    (path, text)
}

fn fifo(store: &Store) -> (PathBuf, String) {
    let (path, text) = events(store);
    let mut make = bare("mkfifo");
    make.arg(&path);
    output(make).silent(0);
    (path, text)
}

/// An end of a pipe, which waits for nobody at the other.
fn end(path: &Path, options: &mut OpenOptions) -> File {
    let flags = OFlags::NONBLOCK.bits() as i32;
    options.custom_flags(flags).open(path).expect("a pipe")
}

/// The end from which a pipe is read, of which nothing is read yet.
fn reader(path: &Path) -> File {
    end(path, OpenOptions::new().read(true))
}

/// What is in the pipe by now.
fn read(reader: &mut File) -> String {
    let mut read = Vec::new();
    // The last of it is that nothing more is there.
    let _ = reader.read_to_end(&mut read);
    String::from_utf8(read).expect("text")
}

fn what_happens_is_told_and_before_the_next_holder(store: &Store) {
    let (path, file) = events(store);
    let holder = Run::start(store.sh(&["--events", &file], "echo ready $$; exec sleep 600"));
    holder.ready();
    let next = Run::start(store.run(&["--events", &file], &["true"]));
    poll("the wait", || names(&in_file(&path)).contains(&"waiting"));
    holder.signal(Signal::TERM);
    holder.finish();
    assert!(next.finish().status.success());
    let mut all = in_file(&path);
    // A loaded machine may come to that.
    all.retain(|line| line["event"] != "renewed");
    let told = names(&all);
    let at = |name: &str, nth: usize| {
        let found = told.iter().enumerate().filter(|(_, told)| **told == name);
        found
            .map(|(at, _)| at)
            .nth(nth)
            .unwrap_or_else(|| panic!("{name} in {told:?}"))
    };
    assert_eq!((at("granted", 0), at("waiting", 0)), (0, 1));
    assert!(at("ended", 0) < at("granted", 1), "{told:?}");
    assert_eq!(all[at("ended", 0)]["command"]["signal"], 15);
    assert!(at("granted", 1) < at("ended", 1) && at("ended", 1) < at("released", 1));
    let tokens = [0, 1].map(|nth| all[at("granted", nth)]["token"].as_u64().expect("a token"));
    assert!(tokens[0] < tokens[1], "{tokens:?}");
    assert!(all[at("waiting", 0)]["holder"]["pid"].is_u64(), "{all:?}");
    for line in &all {
        assert_eq!(
            (&line["v"], &line["key"]),
            (&1.into(), &(*store.key).into())
        );
        assert!(
            line["boottime_seconds"].is_f64() && line["at"].is_string(),
            "{line}"
        );
    }
}

/// Has what the process writes to this file take a tenth of a second more, until that is killed or the process
/// ends; `None` if that cannot be.
fn slowed(pid: i32, file: &str) -> Option<Child> {
    let mut strace = bare("strace");
    strace.args(["-f", "-o", "/dev/null", "-P", file, "-e", "trace=write"]);
    strace.args(["-e", "inject=write:delay_enter=100000"]);
    strace.args(["-p", &pid.to_string()]);
    let mut strace = strace.stderr(Stdio::piped()).spawn().expect("strace");
    let mut said = BufReader::new(strace.stderr.as_mut().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    line.contains("attached").then_some(strace)
}

/// Whoever holds the lock next finds the end of the run before it, also if it is written slowly. (On a
/// machine that stands still for longer than the release waits it may not be there: then once more.)
fn the_release_waits_until_the_end_is_told(store: &Store) {
    if !has("strace") {
        eprintln!("skipped: no strace");
        return;
    }
    let (path, file) = events(store);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut holder =
            Run::start_to_wait(store.sh(&["--events", &file], "echo ready $$; read x; :"));
        holder.ready();
        poll("the grant", || names(&in_file(&path)).contains(&"granted"));
        let Some(mut strace) = slowed(holder.pid(), &file) else {
            eprintln!("skipped: nothing can be traced here");
            return;
        };
        let next = Run::start(store.run(&[], &["cat", &file]));
        next.complains("waiting for ");
        holder.go_on();
        assert_eq!(holder.finish().status.code(), Some(0));
        strace.wait().expect("its end");
        let next = next.finish();
        seen = names(&lines(&format!("{}\n", next.text())))
            .into_iter()
            .map(str::to_owned)
            .collect();
        if seen.iter().any(|name| name == "ended") {
            return;
        }
        fs::remove_file(&path).expect("a file");
    }
    panic!("{seen:?}");
}

#[test]
fn a_skip_and_a_loss_are_told() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let (path, file) = events(&store);
    let options = ["--events", &file, "--once", "n"];
    output(store.run(&options, &["true"])).silent(0);
    output(store.run(&options, &["true"])).silent(0);
    let all = in_file(&path);
    assert_eq!(names(&all), ["granted", "ended", "released", "skipped"]);
    assert_eq!(all[3]["why"], "done");
    fs::remove_file(&path).expect("a file");
    let holder = Run::start(store.sh(&options[..2], "echo ready $$; exec sleep 600"));
    holder.ready();
    let busy = store.run(&["--events", &file, "--try", "-q"], &["true"]);
    assert_eq!(output(busy).status.code(), Some(75));
    for key in server
        .keys()
        .iter()
        .filter(|key| key.starts_with("/locks/k/"))
    {
        server.ctl(&["del", key]);
    }
    holder.finish();
    let all = in_file(&path);
    let told = names(&all);
    let skipped = all.iter().find(|line| line["event"] == "skipped");
    assert_eq!(skipped.expect("a skip")["why"], "busy");
    assert_eq!(told[told.len() - 3..], ["lost", "stopping", "ended"]);
    assert_eq!(all[told.len() - 2]["why"], "lost");
}

#[test]
fn a_pipe_that_nobody_reads_costs_nothing_and_what_is_dropped_is_counted() {
    let store = Store::files();
    let (path, file) = fifo(&store);
    let report = store.path("report.json");
    let options = [
        "--events",
        &file,
        "--report",
        report.to_str().expect("a path"),
    ];
    let dropped = || {
        let text = fs::read_to_string(&report).expect("a report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        report["events_dropped"].as_u64().expect("a number")
    };
    output(store.run(&options, &["true"])).silent(0);
    assert_eq!(dropped(), 3);
    // One that is open, and full.
    let mut pipe = reader(&path);
    let mut filled = end(&path, OpenOptions::new().write(true));
    while filled.write(&[b' '; 4096]).is_ok() {}
    output(store.run(&options, &["true"])).silent(0);
    assert_eq!(dropped(), 3);
    // One that is read while the run goes on has everything, and each line whole.
    let mut run = Run::start_to_wait(store.sh(&options, "echo ready $$; read x"));
    run.ready();
    assert_eq!(read(&mut pipe).trim(), "");
    run.go_on();
    run.finish();
    drop(filled);
    assert_eq!(
        names(&lines(read(&mut pipe).trim_start())),
        ["granted", "ended", "released"]
    );
    assert_eq!(dropped(), 0);
}

/// SIGPIPE is nobody's end, and who comes next begins with a whole line.
#[test]
fn a_reader_that_goes_away_ends_nothing() {
    let store = Store::files();
    let (path, file) = fifo(&store);
    let mut first = reader(&path);
    let options = ["--events", &file];
    let mut run = Run::start_to_wait(store.sh(&options, "echo ready $$; read x"));
    run.ready();
    let mut begun = String::new();
    poll("the first line", || {
        begun += &read(&mut first);
        begun.ends_with('\n')
    });
    assert_eq!(names(&lines(&begun)), ["granted"]);
    drop(first);
    let mut next = reader(&path);
    run.go_on();
    assert_eq!(run.finish().stderr, "");
    assert_eq!(names(&lines(&read(&mut next))), ["ended", "released"]);
}

#[test]
fn to_stderr_whatever_that_is() {
    let store = Store::files();
    let run = output(store.run(&["--events", "/dev/stderr"], &["true"]));
    assert_eq!(names(&lines(&run.stderr)), ["granted", "ended", "released"]);
    // A file is not written from its beginning, and a socket cannot be opened.
    let (path, _) = events(&store);
    fs::write(&path, "").expect("a file");
    let mut file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.write_all(b"{}\n").expect("a line");
    let run = Run::start_on(
        store.run(&["--events", "/dev/stderr"], &["true"]),
        file.into(),
    );
    assert!(run.finish().status.success());
    assert_eq!(in_file(&path).len(), 4);
    let (ours, theirs) = UnixDatagram::pair().expect("sockets");
    let theirs = std::os::fd::OwnedFd::from(theirs);
    let run = Run::start_on(
        store.run(&["--events", "/dev/stderr"], &["true"]),
        theirs.into(),
    );
    assert!(run.finish().status.success());
    // What was sent is there by now.
    ours.set_nonblocking(true).expect("a socket");
    let mut text = [0; 9000];
    let length = ours.recv(&mut text).expect("a line");
    let line = std::str::from_utf8(&text[..length]).expect("text");
    assert_eq!(names(&lines(line)), ["granted"]);
}

#[test]
fn what_cannot_be_opened_is_said_once_and_fails_no_run() {
    let store = Store::files();
    let run = output(store.run(&["--events", "/no/such/file"], &["sh", "-c", "exit 3"]));
    assert_eq!(run.status.code(), Some(3));
    let line = "genlock: warning: events are not written: /no/such/file: no such file or directory";
    assert_eq!(run.one_line(), line);
}
