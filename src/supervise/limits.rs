//! The limits that a command runs under: its limits in time, and what happens to processes that it
//! leaves behind.

use std::time::Duration;

use crate::clock::Instant;

/// The limits in time that a command starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    /// The command is not started after this: too little time would be left for it.
    pub(crate) start_by: Option<Instant>,
    /// The command must be dead by then; `None` where the lock cannot run out.
    pub(crate) deadline: Option<Instant>,
    /// The time from SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
    /// How long the command may run.
    pub(crate) max_runtime: Option<Duration>,
}

/// What happens to the processes that the command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftoverPolicy {
    /// They are stopped: the lock covers the command and what it started.
    Stop,
    /// They are left: the lock covers the command's process group while the command runs.
    Leave,
}
