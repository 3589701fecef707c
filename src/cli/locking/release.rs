//! Releasing the lock, or leaving its queue: bounded in time, and not skipped for a signal.

use std::time::Duration;

use tokio::time::sleep;

use super::Locking;
use crate::clock::{Instant, until};
use crate::locker::Held;
use crate::stderr;
use crate::supervise::signals::Signals;

/// How long to try to release a lock that is lost: most likely the store cannot be reached.
const LOST: Duration = Duration::from_secs(1);

/// How long it may still take once a signal has come that is to end us: long enough for the request
/// to leave, as else the others would wait for the TTL to run out.
const SIGNALLED: Duration = Duration::from_millis(500);

impl Locking<'_> {
    /// Releases, for as long as the store's own limit allows, but only briefly if the lock is `lost`.
    /// Gives the signal that came meanwhile and is to end us.
    pub(in crate::cli) async fn release(
        &self,
        held: Held,
        lost: bool,
        signals: &mut Signals,
    ) -> Option<i32> {
        let mut told = None;
        let give_up = lost.then(|| Instant::now() + LOST);
        tokio::select! {
            unlocked = self.store.unlock(held) => match unlocked {
                Err(error) if !lost => {
                    stderr::complain(format_args!("warning: not released: {error}"));
                }
                _ => {}
            },
            () = until(give_up) => {}
            () = impatience(signals, &mut told) => {}
        }
        told
    }

    /// Leaves the queue, and waits until the store knows; only briefly once another signal has come.
    pub(in crate::cli) async fn close(&self, signals: &mut Signals) {
        let mut told = None;
        tokio::select! {
            // If it fails the place is gone at the TTL's end, and there is a better error to show.
            _ = self.store.close() => {}
            () = impatience(signals, &mut told) => {}
        }
    }
}

/// Ends a while after the next signal that is to end us, which it tells.
pub(super) async fn impatience(signals: &mut Signals, told: &mut Option<i32>) {
    *told = Some(signals.next_that_ends().await);
    sleep(SIGNALLED).await;
}
