//! What a command is run on: its bounds in time, and what becomes of what it leaves behind.

use std::time::Duration;

use crate::clock::Instant;

/// The bounds in time that a command starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    /// The command is not started after this: it would be stopped before it has done anything.
    pub(crate) start_by: Option<Instant>,
    /// The command must be dead by then; `None` where the lock cannot run out.
    pub(crate) deadline: Option<Instant>,
    /// From SIGTERM to SIGKILL.
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
