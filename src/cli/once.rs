//! `--once` and `--once-per`: what has been done in its slot is not done again, on no host.

mod done;
mod slot;

use std::time::{Duration, SystemTime};

use clap::Args;

use crate::locker::marks;
pub(super) use done::done;
use slot::Period;

/// How long the mark of a name is kept.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// What is to be done once only.
#[derive(Args)]
pub(super) struct OnceArgs {
    /// Skip, with 0, if a run has done NAME
    ///
    /// Only a run that ends with 0 marks NAME as done: one that fails, is stopped or loses the lock leaves
    /// it to the next, or to who waits. The mark is in the store for 7 days; genlock forget deletes it.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "NAME",
        value_parser = name,
        group = "slot"
    )]
    once: Option<String>,

    /// Skip, with 0, if done for this 15m, 1h, day, …
    ///
    /// As --once, for the slot in which genlock was started, by this host's clock. Below a day the period has
    /// to divide a day, and slots are of UTC. day and week (from Monday) are of UTC too, or of the zone
    /// behind an @, as in day@Europe/Berlin, or of this host's in day@local. The mark is kept for two
    /// periods, an hour at least.
    #[arg(long, value_name = "PERIOD", value_parser = Period::parse, group = "slot")]
    once_per: Option<Period>,

    /// Mark it when the command starts, however that ends
    #[arg(hide_short_help = true, long, requires = "slot")]
    at_most_once: bool,

    /// Run although it is done
    #[arg(hide_short_help = true, long, requires = "slot")]
    again: bool,
}

/// The slot of a run.
pub(super) struct Once {
    /// Its name, which is that of the mark.
    pub(super) slot: String,
    /// How long its mark is kept.
    pub(super) keep: Duration,
    /// Whether it is marked before the command starts.
    pub(super) at_most: bool,
    /// Whether the command runs though it is marked.
    pub(super) again: bool,
}

impl Once {
    /// The slot of a run that is started now; none if these ask for none.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a time zone that this host does not have.
    pub(super) fn of(typed: OnceArgs) -> crate::Result<Option<Self>> {
        let OnceArgs {
            once,
            once_per,
            at_most_once,
            again,
        } = typed;
        let (slot, keep) = match (once, once_per) {
            (Some(name), _) => (name, KEPT),
            (None, Some(period)) => (period.slot(SystemTime::now())?, period.kept()),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self {
            slot,
            keep,
            at_most: at_most_once,
            again,
        }))
    }
}

/// Reads the name of a mark.
pub(super) fn name(text: &str) -> Result<String, String> {
    match marks::check_name(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The slot of this period in which a moment is.
#[cfg(any(test, fuzzing))]
pub(super) fn slot_of(period: &str, at: SystemTime) -> Option<String> {
    Period::parse(period).ok()?.slot(at).ok()
}
