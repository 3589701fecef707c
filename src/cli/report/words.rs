//! What is told of a run, in the words of its report.

use crate::events::{SkipReason, StopReason};
use crate::locker::Record;
use crate::report::{CommandEnd, Why};

/// Why the command was not run.
pub(super) fn why_skipped(why: SkipReason) -> Why {
    match why {
        SkipReason::Busy => Why::Busy,
        SkipReason::Done => Why::Done,
        SkipReason::Superseded => Why::Superseded,
    }
}

/// Why the command was stopped.
pub(super) fn why_stopped(why: &StopReason) -> Why {
    match why {
        StopReason::LockLost(_) => Why::Lost,
        StopReason::MaxRuntime => Why::MaxRuntime,
        StopReason::WatchdogGone | StopReason::WatchdogFrozen => Why::Internal,
    }
}

/// How the command ended, by its wait status.
pub(super) fn command_end(status: i32) -> CommandEnd {
    if libc::WIFSIGNALED(status) {
        CommandEnd::killed(libc::WTERMSIG(status))
    } else {
        CommandEnd::exited(libc::WEXITSTATUS(status) as u8)
    }
}

/// Why the command is stopped, in words.
pub(in crate::cli) fn stopping(why: &StopReason) -> String {
    match why {
        StopReason::LockLost(why) => format!("the lock is lost: {why}"),
        StopReason::MaxRuntime => "--max-runtime is over".to_owned(),
        StopReason::WatchdogGone => "the watchdog was killed".to_owned(),
        StopReason::WatchdogFrozen => "the watchdog is stopped or frozen".to_owned(),
    }
}

/// Who holds the lock. What it runs is its own affair.
pub(in crate::cli) fn without_command(holder: &Record) -> Record {
    Record {
        command: String::new(),
        ..holder.clone()
    }
}
