//! The wall clock of genlock is wrong, or jumps: only CLOCK_BOOTTIME counts.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::genlock::{Run, Store, bare, output};
use crate::sections::{Sections, now};
use crate::support::faketime;
use crate::{next, together};

/// Fakes the wall clock of a command, as the file says at the moment, and no other clock.
fn fake(command: &mut Command, library: &Path, file: &Path) {
    command.env("LD_PRELOAD", library);
    command.env("FAKETIME_TIMESTAMP_FILE", file);
    command.env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("FAKETIME_DONT_RESET", "1");
}

/// What the faked wall clock says; that of the boot is the real one.
fn faked(library: &Path, file: &Path) -> Duration {
    let mut clocks = bare("perl");
    clocks.args(["-MTime::HiRes=clock_gettime", "-e"]);
    clocks.arg("printf '%.3f %.3f', clock_gettime(0), clock_gettime(7)");
    fake(&mut clocks, library, file);
    let clocks = output(clocks).silent(0);
    let (wall, boot) = clocks.text().split_once(' ').expect("two clocks");
    let boot = Duration::from_secs_f64(boot.parse().expect("a number"));
    assert!(now().abs_diff(boot) < Duration::from_secs(60), "{boot:?}");
    Duration::from_secs_f64(wall.parse().expect("a number"))
}

#[test]
fn a_wrong_or_jumping_wall_clock_is_not_noticed() {
    let Some(library) = faketime::library() else {
        return;
    };
    // By what the clock is off, one after the other, each for a while.
    let clocks: [&[&str]; 3] = [
        &["+3600"],
        &["-3600"],
        &["+0", "+3600", "-3600", "+86400", "-86400"],
    ];
    together(clocks, |offsets| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let clock = store.path("clock");
        std::fs::write(&clock, offsets[0]).expect("a file");

        let off = faked(&library, &clock).abs_diff(wall_clock());
        assert_eq!(off > Duration::from_secs(3000), offsets[0] != "+0");

        // The command has the real clock.
        let beats = log.beats_for("first", Duration::from_secs(4));
        let script = format!("unset LD_PRELOAD; {beats}; exit 7");
        let mut holder = store.sh(&["--ttl", "2", "--wait", "3"], &script);
        fake(&mut holder, &library, &clock);
        let holder = Run::start(holder);
        holder.ready();
        let record = &store
            .server()
            .expect("etcd")
            .ctl(&["get", &store.entries()[0]]);
        let since = record.split("\"since\":\"").nth(1).expect("a time");
        let since = humantime::parse_rfc3339(&since[..20]).expect("a time");
        let since = since.duration_since(std::time::UNIX_EPOCH).expect("a time");
        let off = since.abs_diff(wall_clock());
        assert_eq!(
            off > Duration::from_secs(3000),
            offsets[0] != "+0",
            "{off:?}"
        );
        let next = next(&store, &log, "next");
        for offset in offsets.iter().cycle().take(12) {
            // Whole, or not at all.
            let new = store.path("new");
            std::fs::write(&new, offset).expect("a file");
            std::fs::rename(&new, &clock).expect("a file");
            std::thread::sleep(Duration::from_millis(300));
        }
        holder.finish().silent(7);
        next.finish();
        assert_eq!(log.check(2)[0].told, None, "{offsets:?}");
    });
}

fn wall_clock() -> Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).expect("a time")
}
