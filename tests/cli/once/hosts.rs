//! Many hosts in one slot, whose clocks differ, and days that have no 24 hours.

use std::path::PathBuf;
use std::process::Command;

use super::{is_able, runs};
use crate::genlock::{Run, Store, output};

over_every_store! {
    fifty_hosts_come_to_one_run;
}

/// Debian's package faketime has it.
fn library() -> Option<PathBuf> {
    let directories = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = directories.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|library| library.exists());
    if found.is_none() {
        eprintln!("skipped: no libfaketime here (Debian: faketime)");
    }
    found
}

/// The same command, on a host whose wall clock shows this. Clocks that are never set stay right.
fn at(mut command: Command, library: &PathBuf, time: &str) -> Command {
    command.env("LD_PRELOAD", library);
    command.env("FAKETIME", time);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

fn fifty_hosts_come_to_one_run(store: &Store) {
    if !is_able(store) {
        return;
    }
    let Some(library) = library() else { return };
    // Far from the end of a day, whenever the test runs.
    let noon = "2026-11-27 12:00:00";
    let hosts: Vec<_> = (0..50)
        .map(|host| {
            let options = ["-q", "--once-per", "day"];
            let run = store.sh(&options, "echo run >>runs");
            let clock = format!("@2026-11-27 12:00:{:02}", host % 31);
            assert!(clock[1..] >= *noon);
            Run::start(at(run, &library, &clock))
        })
        .collect();
    for host in hosts {
        host.finish().silent(0);
    }
    assert_eq!(runs(store), 1);
}

/// Runs at these moments, in UTC, and gives how many of them ran.
fn ran(period: &str, times: &[&str]) -> Option<usize> {
    let library = library()?;
    let store = Store::files();
    for time in times {
        let run = store.sh(&["--once-per", period], "echo run >>runs");
        let mut run = at(run, &library, &format!("@{time}"));
        run.env("TZ", "UTC");
        output(run).silent(0);
    }
    Some(runs(&store))
}

#[test]
fn a_date_with_25_hours_is_one_slot_and_its_hours_are_25() {
    let day = "day@Europe/Berlin";
    let (first, last) = ("2026-10-24 22:00:01", "2026-10-25 22:59:58");
    let next = "2026-10-25 23:00:01";
    if let Some(count) = ran(day, &[first, last, next]) {
        assert_eq!(count, 2);
        // 02:30 comes twice.
        let twice = ["2026-10-25 00:30:00", "2026-10-25 01:30:00"];
        assert_eq!(ran("1h", &[twice[0], twice[0], twice[1]]), Some(2));
    }
}

#[test]
fn a_date_with_23_hours_is_one_slot_too() {
    let day = "day@Europe/Berlin";
    let (first, last) = ("2026-03-28 23:00:01", "2026-03-29 21:59:58");
    let next = "2026-03-29 22:00:01";
    if let Some(count) = ran(day, &[first, last, next]) {
        assert_eq!(count, 2);
        // 01:59 is followed by 03:00.
        let around = ["2026-03-29 00:59:00", "2026-03-29 01:00:00"];
        assert_eq!(ran("1h", &around), Some(2));
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_make_it_undone() {
    let times = [
        "2026-11-27 12:00:00",
        "2026-11-27 11:59:59",
        "2026-11-27 12:00:00",
    ];
    if let Some(count) = ran("1h", &times) {
        assert_eq!(count, 2);
    }
}
