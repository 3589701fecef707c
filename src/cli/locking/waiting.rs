//! Waiting for the lock: until it is held, or whoever waits does not want it any more.

use std::future::Future;
use std::time::Duration;

use super::Locking;
use super::state::FirstAhead;
use crate::ErrorKind;
use crate::cli::nested;
use crate::clock::{self, Instant};
use crate::describe;
use crate::locker::{Held, Locker, Mark};
use crate::progress;
use crate::stderr;

/// Why the lock is not held.
pub(in crate::cli) enum NotHeld {
    /// Another holds it, and the time that it may be waited for is over, which it is at once with `--try`.
    ByAnother,
    /// This signal came, and is to end genlock.
    Signal(i32),
    /// A newer one took its place in the queue.
    Superseded(crate::Error),
    Failed(crate::Error),
    /// It is not needed: what was to be done once is done.
    Done(Box<Mark>),
}

impl From<crate::Error> for NotHeld {
    fn from(error: crate::Error) -> Self {
        match error.kind() {
            ErrorKind::Superseded => Self::Superseded(error),
            _ => Self::Failed(error),
        }
    }
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
            acquired = self.acquire_to_do() => acquired,
        }
    }

    /// Acquires the lock, unless what is to be done under it once is done. That is looked up before, which
    /// takes no place in the queue, and again under the lock, since another may have done it meanwhile.
    async fn acquire_to_do(&self) -> Result<Held, NotHeld> {
        self.delay().await;
        self.check_done().await?;
        let held = self.acquire().await?.ok_or(NotHeld::ByAnother)?;
        self.check_done().await?;
        Ok(held)
    }

    /// Waits until the store is to be asked.
    async fn delay(&self) {
        if self.options.verbose > 0 && self.start > Instant::now() {
            let key = describe::escape(&self.options.key);
            let left = describe::duration(self.start.left());
            stderr::complain(format_args!("{key}: asking for it in {left} (--jitter)"));
        }
        clock::sleep_until(self.start).await;
    }

    /// Acquires the lock; `None` if another still holds it when the limit is over.
    async fn acquire(&self) -> crate::Result<Option<Held>> {
        if let Some(around) = &self.options.around {
            return self.adopt(around).await.map(Some);
        }
        let (request, limit) = (self.options.request(), self.options.limit);
        if limit == Some(Duration::ZERO) {
            return self.store.acquire(request.without_waiting()).await;
        }
        let limit = limit.map(|limit| self.start + limit);
        let waits_for_us =
            async |seen: FirstAhead| nested::waits_for_us(&request, &seen, &*self.store).await;
        tokio::select! {
            // In this order, so that an error that comes at once is not preceded by a line of waiting.
            biased;
            held = self.store.acquire(request.clone()) => held,
            () = clock::until(limit) => Ok(None),
            () = self.events.state().until(waits_for_us) => Err(nested::refused(&self.options.key)),
            () = self.show() => Ok(None),
        }
    }

    /// Shows the wait, unless --quiet; never ends.
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
