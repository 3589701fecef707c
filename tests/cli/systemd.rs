//! The example units, and genlock under systemd where it runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::genlock::{Store, bare, output, poll};
use crate::process::has;

const SERVICE: &str = include_str!("../../examples/genlock-backup.service");
const TIMER: &str = include_str!("../../examples/genlock-backup.timer");

/// A setting of a unit.
fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
    unit.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .expect("a setting")
}

/// What an option of genlock has in the example.
fn option(name: &str) -> u64 {
    let words: Vec<_> = setting(SERVICE, "ExecStart").split(' ').collect();
    let at = words.iter().position(|&word| word == name);
    seconds(words[at.expect("the option") + 1])
}

fn seconds(text: &str) -> u64 {
    text.trim_end_matches('s').parse().expect("seconds")
}

#[test]
fn the_examples_are_units() {
    if !has("systemd-analyze") {
        return;
    }
    let store = Store::files();
    symlink(env!("CARGO_BIN_EXE_genlock"), store.path("genlock")).expect("a link");
    let here = store.directory().display();
    // The one thing that it would find missing is the program.
    let service = SERVICE.replace("/usr/local/bin/genlock", &format!("{here}/genlock"));
    assert!(service != SERVICE);
    let mut verify = bare("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for (name, text) in [("service", service.as_str()), ("timer", TIMER)] {
        let path = store.path(&format!("genlock-backup.{name}"));
        fs::write(&path, text).expect("a unit");
        verify.arg(path);
    }
    let run = output(verify).silent(0);
    assert_eq!(run.text(), "");
}

#[test]
fn the_examples_times_and_command_line_fit() {
    let release = 5;
    let stop = seconds(setting(SERVICE, "TimeoutStopSec"));
    assert!(stop > option("--kill-after") + release);
    // As it stands there, but for where it is and what it runs.
    let store = Store::files();
    let line = setting(SERVICE, "ExecStart");
    let words: Vec<_> = line.split(' ').map(|word| word.to_owned()).collect();
    let (program, arguments) = words
        .split_last()
        .map(|(_, rest)| rest)
        .and_then(|rest| rest.split_first())
        .expect("words");
    assert!(Path::new(program).ends_with("genlock"));
    let mut run = crate::genlock::genlock();
    run.args(arguments).args(["sh", "-c", "exit 3"]);
    run.env("GENLOCK_ENDPOINTS", &store.endpoints);
    output(run).silent(3);
}

#[test]
fn a_unit_that_is_stopped() {
    // sd_booted(3).
    if !Path::new("/run/systemd/system").exists() {
        eprintln!("skipped: systemd does not run here");
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can start units");
        return;
    }
    let store = Store::files();
    let unit = format!("genlock-test-{}.service", std::process::id());
    let told = store.path("told");
    let script = format!(
        "trap 'echo told >>{0}; exit 0' TERM; echo started >{0}; while :; do sleep 0.02; done",
        told.display()
    );
    let mut start = bare("systemd-run");
    start.args(["--quiet", "--collect", "--unit", &unit]);
    start.args(["--property=KillMode=mixed", "--property=TimeoutStopSec=60s"]);
    start.arg(env!("CARGO_BIN_EXE_genlock"));
    start.args(["run", "--endpoints", &store.endpoints, &store.key]);
    start.args(["sh", "-c", &script]);
    output(start).silent(0);
    let read = || fs::read_to_string(&told).unwrap_or_default();
    poll("the command's start", || read() == "started\n");
    assert!(!store.is_free());
    let mut stop = bare("systemctl");
    stop.args(["stop", &unit]);
    output(stop).silent(0);
    assert_eq!(read(), "started\ntold\n", "once");
    assert!(store.is_free());
}
