//! Waiting for a lock, whatever is done under it: until it is held, or whoever waits does not want it any
//! more.

use std::future::Future;
use std::time::Duration;

use super::state::RunState;
use crate::cli::nested;
use crate::clock::{self, Instant};
use crate::locker::kind::StoreClient;
use crate::locker::{Held, Record};
use crate::progress::{self, Seen};

/// What is waited for, by whom.
pub(super) struct LockWait<'a> {
    pub(super) key: &'a str,
    /// How long at most; zero: it is held now, or not at all.
    pub(super) limit: Option<Duration>,
    /// Whether nobody is told of the wait.
    pub(super) quiet: bool,
    pub(super) start: Instant,
    pub(super) store: &'a dyn StoreClient,
    pub(super) state: &'a RunState,
    pub(super) seen: &'a Seen,
}

/// Why the lock is not held.
pub(super) enum NotHeld {
    /// It is held by another, and is not waited for, or was for as long as may be.
    ByAnother,
    /// This signal is to end genlock.
    Signal(i32),
    Failed(crate::Error),
}

impl LockWait<'_> {
    /// Waits until the lock is held, or `interruption` gives a signal. Where it is not held the place in
    /// the queue is being left, which the store's closing waits for.
    pub(super) async fn until_held(
        &self,
        interruption: impl Future<Output = i32>,
    ) -> Result<Held, NotHeld> {
        tokio::select! {
            biased;
            signal = interruption => Err(NotHeld::Signal(signal)),
            acquired = self.acquire() => match acquired {
                Ok(Some(held)) => Ok(held),
                Ok(None) => Err(NotHeld::ByAnother),
                Err(error) => Err(NotHeld::Failed(error)),
            }
        }
    }

    /// Takes the lock; `None` if another holds it for too long.
    async fn acquire(&self) -> crate::Result<Option<Held>> {
        if self.limit == Some(Duration::ZERO) {
            return self.store.try_lock(self.key).await;
        }
        let limit = self.limit.map(|limit| self.start + limit);
        let runs_us = |owner_key: Option<&String>, holder: Option<&Record>| {
            nested::runs_us(self.key, owner_key, holder)
        };
        tokio::select! {
            // A refusal comes before a word of waiting.
            biased;
            held = self.store.lock(self.key) => held.map(Some),
            () = clock::until(limit) => Ok(None),
            () = self.state.held_by(runs_us) => Err(nested::refused(self.key)),
            () = self.show() => Ok(None),
        }
    }

    /// Shows the wait to who may want to know; does not end.
    async fn show(&self) {
        if !self.quiet {
            progress::show(self.key, self.seen, self.start, self.limit, self.store).await;
        }
        std::future::pending().await
    }
}
