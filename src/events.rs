//! What happens to a lock, from the wait for it to its release: one stream of events, of the library
//! and of the tool's run of its command. Whatever shows, records or counts them reads this stream.

mod observer;
#[cfg(feature = "tracing")]
mod traced;

use std::time::{Duration, SystemTime};

use crate::clock::Instant;
use crate::loss::Loss;
use crate::record::{Record, TakenAway};

pub use observer::Observer;
#[cfg(feature = "tracing")]
pub use traced::trace;

/// Something that happened, with the time by both clocks. Events of one client come in order: what
/// comes later has no earlier [`Event::boot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// By the wall clock, which can be set.
    pub at: SystemTime,
    /// By the clock that goes on while the host is suspended, and nobody can set.
    pub boot: Instant,
    /// The key as it was asked for; `None` where it is the connection's, which all locks share.
    pub key: Option<String>,
    /// What happened.
    pub what: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "observers get a reference, and few events are kept"
)]
pub enum EventKind {
    /// The lock is held by another; sent after 0.1 s in the queue at the latest, and whenever the one
    /// just ahead changes, or the holder where the store tells of no other (with
    /// [`Options::follow_queue`] anything ahead); and once by a [`Locker::try_lock`] that gives `None`.
    ///
    /// [`Options::follow_queue`]: crate::Options::follow_queue
    /// [`Locker::try_lock`]: crate::Locker::try_lock
    Waiting {
        /// Who holds it, as far as that is known. Other tools write no record. The content is
        /// another's: escape it before it is shown.
        holder: Option<Record>,
        /// The holder's [`Held::owner_key`](crate::Held::owner_key).
        owner_key: Option<String>,
        /// How many are ahead, the holder among them, where the store has a queue.
        ahead: Option<u64>,
        /// Our own place in the queue, by the token that we will have, where the store has one.
        token: Option<u64>,
    },
    /// The place in the queue was lost, for this reason. A new one is taken, at the queue's end.
    PlaceLost(Loss),
    /// The store keeps what stands for us for another time than it was asked for, by its own limits; sent
    /// before [`EventKind::Granted`], and before the wait for it.
    OtherTtl {
        /// The TTL that was asked for.
        asked: Duration,
        /// The one that was granted.
        granted: Duration,
    },
    /// The lock is held from now on.
    Granted {
        /// The fencing token.
        token: u64,
        /// Which of N holders, counted from 0, where the lock has several.
        index: Option<u32>,
        /// Until when, if it is not renewed; `None` where it ends only with its holder.
        deadline: Option<Instant>,
    },
    /// The held lock was renewed: the deadline has moved on to this.
    Renewed(Instant),
    /// The store did not answer and is asked again; the reason, on one line.
    Retrying(String),
    /// Why a connection broke, in a dependency's own words, where the reason in the next event says no
    /// more than that it broke. It may have anything in it: escape it before it is shown.
    Beneath(String),
    /// The store does not do all for this client that it could; what, and what follows, on one line. It
    /// may have anything in it: escape it before it is shown.
    Limited(String),
    /// An operator took the held lock away; the loss of it comes next.
    TakenAway(TakenAway),
    /// The held lock is lost. The library tells nothing more of it.
    Lost(Loss),
    /// The tool does not run its command, and nothing failed.
    Skipped(SkipReason),
    /// The tool stops its command, and not because it was sent a signal itself.
    Stopping(StopReason),
    /// The tool's command has ended, and nothing that it started lives, but for what is left on
    /// purpose; its wait status (wait(2)), if that is known. Only for a command that was started.
    Ended(Option<i32>),
    /// The lock was released, which the store has acknowledged; or it was dropped, and is released in
    /// the background. There is no such event if the release failed, or its future was dropped.
    Released,
}

/// Why the tool does not run its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// Another holds the lock, and it waits no longer.
    Busy,
    /// It is done already.
    Done,
    /// A newer one took its place in the queue.
    Superseded,
}

/// Why the tool stops its command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The lock is lost; why, on one line.
    LockLost(String),
    /// It has run for as long as it may.
    MaxRuntime,
    /// The watchdog was killed.
    WatchdogGone,
    /// The watchdog is stopped, or does not get to run.
    WatchdogFrozen,
}

impl Event {
    /// An event of this moment.
    fn now(key: Option<&str>, what: EventKind) -> Self {
        Self {
            at: SystemTime::now(),
            boot: Instant::now(),
            key: key.map(str::to_owned),
            what,
        }
    }
}

impl EventKind {
    /// Its name, for those who write events down: `waiting`, `granted`, `renewed`, `trouble`,
    /// `lost`, `skipped`, `stopping`, `ended`, `released`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Granted { .. } => "granted",
            Self::Renewed(_) => "renewed",
            Self::OtherTtl { .. }
            | Self::PlaceLost(_)
            | Self::Retrying(_)
            | Self::Beneath(_)
            | Self::Limited(_)
            | Self::TakenAway(_) => "trouble",
            Self::Lost(_) => "lost",
            Self::Skipped(_) => "skipped",
            Self::Stopping(_) => "stopping",
            Self::Ended(_) => "ended",
            Self::Released => "released",
        }
    }
}
