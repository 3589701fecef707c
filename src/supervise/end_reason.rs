//! Why a command is gone.

/// Why the command is gone. Where several reasons are true, the one further down counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EndReason {
    /// It ended by itself.
    Ended,
    /// It had run for as long as it may.
    MaxRuntime,
    /// The watchdog does not take orders.
    WatchdogFrozen,
    /// The watchdog was gone.
    WatchdogGone,
    /// Main ordered it.
    Requested,
    /// The deadline came.
    Deadline,
    /// Main was gone.
    MainGone,
}

impl EndReason {
    pub(super) fn from_number(number: i32) -> Option<Self> {
        [
            Self::Ended,
            Self::MaxRuntime,
            Self::WatchdogFrozen,
            Self::WatchdogGone,
            Self::Requested,
            Self::Deadline,
            Self::MainGone,
        ]
        .into_iter()
        .find(|&reason| reason as i32 == number)
    }
}
