//! What is told of a run, in words.

use crate::events::StopReason;

/// Why the command is stopped, in words.
pub(in crate::cli) fn stopping(why: &StopReason) -> String {
    match why {
        StopReason::LockLost(why) => format!("the lock is lost: {why}"),
        StopReason::MaxRuntime => "--max-runtime is over".to_owned(),
        StopReason::WatchdogGone => "the watchdog was killed".to_owned(),
        StopReason::WatchdogFrozen => "the watchdog is stopped or frozen".to_owned(),
    }
}
