//! Releasing the lock, or leaving its queue: bounded in time, and not skipped for a signal.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Locking, say_unwritten};
use crate::ErrorKind;
use crate::clock::{Instant, until};
use crate::describe;
use crate::locker::Held;
use crate::stderr;
use crate::supervise::signals::Signals;

/// How long to try to release a lock that is lost: most likely the store cannot be reached.
const LOST: Duration = Duration::from_secs(1);

/// How long it may still take once a signal has come that is to end us: long enough for the request
/// to leave, as else the others would wait for the TTL to run out.
const SIGNALLED: Duration = Duration::from_millis(500);

/// How much longer what is written along with the release may take than that.
const ALONG: Duration = Duration::from_secs(1);

/// How a lock is let go of.
#[derive(Clone, Copy)]
pub(in crate::cli) enum LettingGo {
    /// It is lost.
    Lost,
    /// It stays held in the store for so long: not at all where that is zero.
    After(Duration),
}

impl Locking<'_> {
    /// Releases, for as long as the store's own limit allows, but only briefly if the lock is lost. The
    /// history is written `along` with that, and given up where the store does not answer. Gives the signal
    /// that came meanwhile and is to end us.
    pub(in crate::cli) async fn release(
        &self,
        held: Held,
        letting: LettingGo,
        along: Option<impl Future<Output = crate::Result<()>>>,
        signals: &mut Signals,
    ) -> Option<i32> {
        let mut told = None;
        let (lost, rest) = match letting {
            LettingGo::Lost => (true, Duration::ZERO),
            LettingGo::After(rest) => (false, rest),
        };
        let give_up = lost.then(|| Instant::now() + LOST);
        tokio::select! {
            (unlocked, written) = both(held.unlock_after(rest), along) => {
                let failed = !lost && unlocked.is_err();
                self.say_of_release(unlocked, letting);
                if let Some(Err(error)) = written.filter(|_| !failed) {
                    say_unwritten(&error);
                }
            }
            () = until(give_up) => {}
            () = impatience(signals, &mut told) => {}
        }
        told
    }

    fn say_of_release(&self, unlocked: crate::Result<()>, letting: LettingGo) {
        let rest = match letting {
            LettingGo::Lost => return,
            LettingGo::After(rest) => rest,
        };
        let key = describe::escape(&self.options.key);
        let left = describe::duration(rest);
        match unlocked {
            Err(error) if rest.is_zero() => {
                stderr::complain(format_args!("warning: not released: {error}"));
            }
            Err(error) => {
                stderr::complain(format_args!(
                    "warning: not held for the rest of --min-hold, another {left}: {error}"
                ));
            }
            Ok(()) if !rest.is_zero() && self.options.verbose > 0 => {
                stderr::complain(format_args!("{key}: stays held for {left} (--min-hold)"));
            }
            Ok(()) => {}
        }
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

/// Waits for the release, and for what is written along with it; but for that only as long, and a moment
/// more if the store has answered. What became of it, if that is known.
async fn both(
    release: impl Future<Output = crate::Result<()>>,
    along: Option<impl Future<Output = crate::Result<()>>>,
) -> (crate::Result<()>, Option<crate::Result<()>>) {
    let Some(along) = along else {
        return (release.await, None);
    };
    let (mut release, mut along) = (pin!(release), pin!(along));
    let mut written = None;
    let released = loop {
        tokio::select! {
            // In this order: a file that is free is the next holder's.
            biased;
            ended = &mut along, if written.is_none() => written = Some(ended),
            released = &mut release => break released,
        }
    };
    let silent = [ErrorKind::Unavailable, ErrorKind::TimedOut];
    let answers = !matches!(&released, Err(error) if silent.contains(&error.kind()));
    if written.is_none() && answers {
        written = timeout(ALONG, along).await.ok();
    }
    (released, written)
}

/// Ends a while after the next signal that is to end us, which it tells.
pub(super) async fn impatience(signals: &mut Signals, told: &mut Option<i32>) {
    *told = Some(signals.next_that_ends().await);
    sleep(SIGNALLED).await;
}
