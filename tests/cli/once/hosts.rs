//! Many hosts in one slot, whose clocks differ, and days that have no 24 hours.

use super::runs;
use crate::genlock::{Run, Store, output};
use crate::support::faketime;

over_every_store! {
    fifty_hosts_come_to_one_run;
}

fn fifty_hosts_come_to_one_run(store: &Store) {
    let Some(library) = faketime::library() else {
        return;
    };
    let hosts: Vec<_> = (0..50)
        .map(|host| {
            let options = ["-q", "--once-per", "day"];
            let mut run = store.sh(&options, "echo run >>runs");
            // Far from the end of a day, whenever the test runs.
            let clock = format!("@2026-11-27 12:00:{:02}", host % 31);
            faketime::fake(&mut run, &library, &clock);
            Run::start(run)
        })
        .collect();
    for host in hosts {
        host.finish().silent(0);
    }
    assert_eq!(runs(store), 1);
}

/// Runs from these moments on, in UTC, and gives how many of them ran. Until a run has looked at its clock
/// that goes on: on a loaded machine by seconds.
fn ran(period: &str, times: &[&str]) -> Option<usize> {
    let library = faketime::library()?;
    let store = Store::files();
    for time in times {
        let mut run = store.sh(&["--once-per", period], "echo run >>runs");
        faketime::fake(&mut run, &library, &format!("@{time}"));
        run.env("TZ", "UTC");
        output(run).silent(0);
    }
    Some(runs(&store))
}

#[test]
fn a_date_with_25_hours_is_one_slot_and_its_hours_are_25() {
    let day = "day@Europe/Berlin";
    let (first, last) = ("2026-10-24 22:00:00", "2026-10-25 22:59:00");
    let next = "2026-10-25 23:00:00";
    // Which is not that of UTC.
    if let Some(count) = ran(day, &[first, last]) {
        assert_eq!(count, 1);
        assert_eq!(ran(day, &[last, next]), Some(2));
        // 02:30 comes twice.
        let twice = ["2026-10-25 00:30:00", "2026-10-25 01:30:00"];
        assert_eq!(
            ran("1h", &[twice[0], "2026-10-25 00:31:00", twice[1]]),
            Some(2)
        );
    }
}

#[test]
fn a_date_with_23_hours_is_one_slot_too() {
    let day = "day@Europe/Berlin";
    let (first, last) = ("2026-03-28 23:00:00", "2026-03-29 21:59:00");
    let next = "2026-03-29 22:00:00";
    if let Some(count) = ran(day, &[first, last]) {
        assert_eq!(count, 1);
        assert_eq!(ran(day, &[last, next]), Some(2));
        // 01:59 is followed by 03:00.
        let around = ["2026-03-29 00:59:00", "2026-03-29 01:00:00"];
        assert_eq!(ran("1h", &around), Some(2));
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_make_it_undone() {
    let times = [
        "2026-11-27 12:00:00",
        "2026-11-27 11:59:00",
        "2026-11-27 12:00:01",
    ];
    if let Some(count) = ran("1h", &times) {
        assert_eq!(count, 2);
    }
}
