//! Waiting for the lock: until it is held, or whoever waits does not want it any more.

use std::future::Future;
use std::time::Duration;

use super::Locking;
use crate::cli::nested;
use crate::clock;
use crate::locker::{Held, Record};
use crate::progress;

/// Why the lock is not held.
pub(in crate::cli) enum NotHeld {
    /// It is held by another, and is not waited for, or was for as long as may be.
    ByAnother,
    /// This signal is to end genlock.
    Signal(i32),
    Failed(crate::Error),
}

impl Locking<'_> {
    /// Waits until the lock is held, or `interruption` gives a signal. Where it is not held, the place in
    /// the queue is still being left: [`Locking::close`] waits until the store knows.
    pub(in crate::cli) async fn wait(
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
        let (key, limit) = (&self.options.key, self.options.limit);
        if limit == Some(Duration::ZERO) {
            return self.store.try_lock(key).await;
        }
        let limit = limit.map(|limit| self.start + limit);
        let runs_us = |owner_key: Option<&String>, holder: Option<&Record>| {
            nested::runs_us(key, owner_key, holder)
        };
        tokio::select! {
            // What the store refuses at once is said before anybody is told of a wait.
            biased;
            held = self.store.lock(key) => held.map(Some),
            () = clock::until(limit) => Ok(None),
            () = self.events.state().held_by(runs_us) => Err(nested::refused(key)),
            () = self.show() => Ok(None),
        }
    }

    /// Shows the wait to who may want to know; does not end.
    async fn show(&self) {
        let options = self.options;
        if !options.quiet {
            progress::show(
                &options.key,
                &self.seen,
                self.start,
                options.limit,
                &*self.store,
            )
            .await;
        }
        std::future::pending().await
    }
}
