//! One call for a lock, over all the places in a queue that it takes: what comes of one that was not
//! taken, or not kept.

use std::time::Duration;

use tokio::time::sleep;

use super::{Fault, Keeper};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::locker::{Capabilities, Claims, Request};
use crate::loss::Loss;

/// Why a call has no lock, or none yet.
#[derive(Debug)]
pub enum NoLock {
    /// It had a place, or the lock, and lost it.
    Lost(Loss),
    /// It could not take a place, or not wait there.
    Failed(Error),
}

/// One call for a lock.
#[derive(Debug)]
pub struct Acquisition<'a> {
    keeper: &'a Keeper,
    store: &'static str,
    key: &'a str,
    ttl: Duration,
    waits: bool,
    queued: bool,
    waited: bool,
}

impl<'a> Acquisition<'a> {
    /// That of this request, of the client whose leases the keeper has, in a store that can do so much.
    pub fn new(keeper: &'a Keeper, able: &Capabilities, request: &'a Request) -> Self {
        Self {
            keeper,
            store: able.store,
            key: request.key(),
            ttl: request.ttl(&keeper.options),
            waits: request.waits(),
            queued: false,
            waited: false,
        }
    }

    /// It has a place in the queue: a store that does not answer is asked again from now on.
    pub fn has_place(&mut self) {
        self.queued = true;
    }

    /// Somebody is ahead of it.
    pub fn has_to_wait(&mut self) {
        self.waited = true;
    }

    /// What this fault of a request for it, or for what stands for it, means for it.
    pub fn no_lock(&self, fault: Fault) -> NoLock {
        match fault {
            Fault::LeaseNotFound => NoLock::Lost(Loss::LeaseGone),
            Fault::Refused(error) => NoLock::Failed(error.of_key(self.key)),
            fault => NoLock::Failed(fault.into()),
        }
    }

    /// Ends when a place is to be taken anew, after a pause.
    ///
    /// # Errors
    /// That of the call, if none is: it does not wait, or its client was closed; the store refuses it,
    /// was never reached, or answers too late for anything to be started under the lock.
    pub async fn again(&self, why: NoLock) -> Result<()> {
        let options = &self.keeper.options;
        let trouble = match why {
            NoLock::Lost(Loss::Closed) => return Err(Claims::closed(self.key)),
            // Nobody was waited for, and it would be taken in vain again.
            NoLock::Lost(Loss::Expired) if !self.waited => {
                return Err(too_late(self.store, self.ttl).of_key(self.key));
            }
            NoLock::Lost(loss) if self.waits => EventKind::PlaceLost(loss),
            NoLock::Lost(loss) => {
                let why = format!("taken and lost at once: {loss}");
                return Err(Error::new(ErrorKind::Unavailable, why).of_key(self.key));
            }
            NoLock::Failed(error)
                if self.waits && self.queued && error.kind() == ErrorKind::Unavailable =>
            {
                EventKind::Retrying(error.to_string())
            }
            NoLock::Failed(error) => return Err(error),
        };
        options.notify(Some(self.key), trouble);
        sleep(options.retry_interval).await;
        Ok(())
    }
}

/// Of a lock that was taken, and ran out before anything could be started under it.
fn too_late(store: &str, ttl: Duration) -> Error {
    let ttl = humantime::format_duration(ttl);
    let why = "the lock was taken, but could not be renewed before its TTL of";
    let reason = format!("{store} answers too late: {why} {ttl} was nearly over");
    Error::new(ErrorKind::Unavailable, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::locker::Options;

    const PAUSE: Duration = Duration::from_millis(100);

    /// The kind of the call's error, if it has one; else it paused.
    async fn ended(call: &Acquisition<'_>, why: NoLock) -> Option<ErrorKind> {
        let begun = Instant::now();
        let ended = call.again(why).await;
        let pause = Instant::now().since(begun);
        match ended {
            Ok(()) => assert!(pause >= PAUSE, "{pause:?}"),
            Err(_) => assert_eq!(pause, Duration::ZERO),
        }
        ended.err().map(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_taken_anew_only_by_who_waits_and_where_it_may_help() {
        let options = Options::default().with_retry_interval(PAUSE);
        let (keeper, able) = (
            Keeper::new(options, PAUSE),
            Capabilities::new("x", "nothing"),
        );
        let away = || NoLock::Failed(Error::new(ErrorKind::Unavailable, "away"));
        let denied = || NoLock::Failed(Error::new(ErrorKind::Denied, "no"));
        let (gone, late) = (Loss::LeaseGone, Loss::Expired);
        let unavailable = Some(ErrorKind::Unavailable);
        let request = Request::new("k");
        let mut waits = Acquisition::new(&keeper, &able, &request);
        assert_eq!(ended(&waits, away()).await, unavailable, "never reached");
        assert_eq!(ended(&waits, NoLock::Lost(gone)).await, None);
        assert_eq!(ended(&waits, NoLock::Lost(late)).await, unavailable);
        waits.has_place();
        assert_eq!(ended(&waits, away()).await, None);
        assert_eq!(ended(&waits, NoLock::Lost(late)).await, unavailable);
        waits.has_to_wait();
        assert_eq!(ended(&waits, NoLock::Lost(late)).await, None);
        let closed = ended(&waits, NoLock::Lost(Loss::Closed)).await;
        assert_eq!(closed, Some(ErrorKind::Closed));
        assert_eq!(ended(&waits, denied()).await, Some(ErrorKind::Denied));
        let request = Request::new("k").without_waiting();
        let mut tries = Acquisition::new(&keeper, &able, &request);
        tries.has_place();
        for why in [away(), NoLock::Lost(gone), NoLock::Lost(late)] {
            assert_eq!(ended(&tries, why).await, unavailable);
        }
    }
}
