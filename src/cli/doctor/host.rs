//! What is to be known of this host, whatever the store.

use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, Timespec};

use super::report::Report;
use crate::clock::Instant;
use crate::describe;

/// A coarser clock than this eats into the margin of the deadline.
const COARSE: Duration = Duration::from_millis(10);

/// From this on a host counts as one that is suspended at times.
const SUSPENDED: Duration = Duration::from_secs(1);

pub(super) fn look(report: &mut Report) {
    let step = duration(rustix::time::clock_getres(ClockId::Boottime));
    let awake = duration(rustix::time::clock_gettime(ClockId::Monotonic));
    // What CLOCK_MONOTONIC leaves out (clock_gettime(2)).
    let suspended = Instant::now().since_boot().saturating_sub(awake);
    if step > COARSE {
        let text = format!("deadlines can be late by {}", describe::duration(step));
        report.warn("clock", text, "a kernel with high-resolution timers");
    }
    if suspended > SUSPENDED {
        report.warn(
            "clock",
            format!(
                "this host was suspended for {} since it booted: two can overlap until it has run \
                 again for a moment",
                describe::duration(suspended)
            ),
            "let what the lock protects check the token, $GENLOCK_HELD_TOKEN",
        );
    } else {
        report.ok(
            "clock",
            "deadlines go by CLOCK_BOOTTIME, and nothing by the time of day",
        );
    }
    if Path::new("/proc/self/stat").exists() {
        report.ok("proc", "/proc is there");
    } else {
        report.warn(
            "proc",
            "there is no /proc: processes that left the command's group take longer to find",
            "mount -t proc proc /proc",
        );
    }
}

fn duration(time: Timespec) -> Duration {
    // Neither clock is ever negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
