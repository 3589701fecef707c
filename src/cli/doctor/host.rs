//! The findings about this host, which are the same for every store.

use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{ClockId, Timespec};

use super::findings::Findings;
use crate::ErrorKind;
use crate::clock::Instant;
use crate::describe;
use crate::supervise::{self, Missing};

/// If the clock is coarser than this, the margin between the deadline and the TTL's end is too small.
const COARSE: Duration = Duration::from_millis(10);

/// A host that was suspended for longer than this since it booted counts as one that is suspended at
/// times: the two clocks are never read at quite the same moment.
const SUSPENDED: Duration = Duration::from_secs(1);

pub(super) fn look(report: &mut Findings) {
    let step = duration(rustix::time::clock_getres(ClockId::Boottime));
    let awake = duration(rustix::time::clock_gettime(ClockId::Monotonic));
    // CLOCK_BOOTTIME counts the time in which the host was suspended, CLOCK_MONOTONIC does not
    // (clock_gettime(2)).
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
    supervision(report);
}

/// What supervision of the command lacks here, because the kernel, a sandbox or an emulator does not have
/// it.
fn supervision(report: &mut Findings) {
    let missing = supervise::missing();
    if !missing.contains(&Missing::Proc) {
        report.ok("proc", "/proc is there, and of this PID namespace");
    }
    for missing in missing {
        match missing {
            Missing::Proc => report.warn(
                "proc",
                "there is no /proc of this PID namespace: processes that left the command's group \
                 take longer to find",
                "mount -t proc proc /proc",
            ),
            Missing::Subreaper(error) => report.wrong(
                "host",
                ErrorKind::NotHeld,
                refused(
                    "child subreapers: not all that a command starts is found",
                    error,
                ),
                Some("run --leave-descendants, which covers its process group alone".to_owned()),
            ),
            Missing::DeathSignal(error) => report.warn(
                "host",
                refused(
                    "death signals: a command outlives genlock and its watchdog if both are killed",
                    error,
                ),
                "let the sandbox pass prctl(2)",
            ),
            Missing::Timer(error) | Missing::ChildEvents(error) => report.warn(
                "host",
                refused(
                    "timerfd or signalfd: a holder looks 50 times a second",
                    error,
                ),
                "let the sandbox pass timerfd_create(2) and signalfd(2)",
            ),
            Missing::Descriptors(error) => report.warn(
                "host",
                refused(
                    "process descriptors: processes are signalled by number",
                    error,
                ),
                "Linux 5.3, or let the sandbox pass pidfd_open(2)",
            ),
        }
    }
}

fn refused(what: &str, error: Errno) -> String {
    format!(
        "this host has no {what} ({})",
        describe::io_error(&error.into())
    )
}

fn duration(time: Timespec) -> Duration {
    // Neither clock is ever negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
