//! A lease: a session, and the node that stands for us in each queue as long as that lives.
//!
//! A ping's answer is no renewal, and neither is a read: a server that is cut off from the others gives
//! both, while they let the session end and the next one hold. Only a write that was acknowledged shows
//! that a majority stood behind it; and less a third of the timeout, since the leader last heard of us
//! up to half a tick and a ping's interval before it (LearnerHandler.java, LearnerSessionTracker.java).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::calls::{ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::enter::{PlaceEntry, ZkPlace};
use super::session::{ZkAnswer, ZkSession};
use super::value;
use super::written::Written;
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::deadline::Deadline;
use crate::locker::fault::Fault;
use crate::locker::keeper::{self, Attempt, LeaseCalls, Requests};
use crate::locker::{BoxFuture, Record};

/// A lease that is being granted, or lives. Dropping it closes the session in the background.
pub(super) type SessionLease = keeper::Lease<ZkLease>;

/// What is asked of ZooKeeper for one lease.
pub(super) struct ZkLease {
    ensemble: Arc<Ensemble>,
    pub(super) session: Arc<ZkSession>,
    entry: PlaceEntry,
    record: Record,
    /// What came of entering the queues.
    entered: OnceLock<Option<Vec<ZkPlace>>>,
    written: Mutex<Written>,
}

/// What [`of_session`] leaves of a session for the lock: 37 of 57 parts.
const OF_A_LOCK: u32 = 37;
const OF_A_SESSION: u32 = 57;

/// The timeout to ask for, so that a lock lasts for `ttl` if it is not renewed: the TTL that a user gives
/// is what the lock has, whatever the servers need beside it.
pub(super) fn timeout_for(ttl: Duration) -> Duration {
    let timeout = ttl.saturating_mul(OF_A_SESSION) / OF_A_LOCK;
    // ZooKeeper counts in milliseconds.
    Duration::from_millis(
        u64::try_from(timeout.as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1),
    )
}

/// The deadline of a lock whose session has this timeout, a third of which may be the servers'
/// bookkeeping, by what was sent at this moment.
fn of_session(sent: Instant, timeout: Duration) -> Deadline {
    Deadline::granted(sent, timeout).less(timeout / 3)
}

/// How long a lock lasts from the sending of a write on, if the session has this timeout.
pub(super) fn ttl_of(timeout: Duration) -> Duration {
    of_session(Instant::now(), timeout).validity()
}

/// How long after a renewal was asked for the session is kept by pings. The next renewal comes before
/// that; if none does, as when renewal is off, the session ends as it should.
fn kept(ttl: Duration) -> Duration {
    ttl / 2
}

impl ZkLease {
    pub(super) fn new(
        ensemble: &Arc<Ensemble>,
        entry: PlaceEntry,
        record: &Record,
        ttl: Duration,
    ) -> Self {
        let kept_until = Instant::now() + kept(ttl);
        let session = ZkSession::new(ensemble, timeout_for(ttl), Some(kept_until));
        Self {
            ensemble: ensemble.clone(),
            session: Arc::new(session),
            entry,
            record: record.clone(),
            entered: OnceLock::new(),
            written: Mutex::new(Written::new(ttl)),
        }
    }

    /// The places in the queues, once the lease is granted, in the order of the keys; `None` if another was
    /// there who is not to be waited for.
    pub(super) fn places(&self) -> Option<&[ZkPlace]> {
        self.entered.get()?.as_deref()
    }

    /// Our node, as it is now; with news of the next change.
    pub(super) async fn read(&self, path: &str) -> Result<(Vec<u8>, ZkAnswer), ZkFailure> {
        let answer = self.session.call(ZkCall::watch_data(path)).await?;
        let (data, _) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
        Ok((data, answer))
    }

    /// Whether this is what we write.
    pub(super) fn has_written(&self, record: &Record) -> bool {
        record.is_of(&self.record)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn have_granted(&self, requests: &Requests) -> Result<Deadline, Fault> {
        requests.leave();
        let data = value::written(&self.record, self.written().ttl);
        let (sent, places) = self
            .entry
            .enter(&self.ensemble, &self.session, &data)
            .await?;
        let timeout = self.session.opened().await?;
        let asked = self.written().ttl;
        let deadline = of_session(sent, timeout);
        let ttl = deadline.validity();
        self.session.keep_until(Instant::now() + kept(ttl));
        self.written().made(places.iter().flatten(), &data, ttl);
        let are_there = places.is_some();
        let _ = self.entered.set(places);
        if are_there && asked != ttl {
            self.stamp().await;
        }
        Ok(deadline)
    }

    /// Writes into our nodes what is true now: since when we hold, and with which TTL. Others look at it:
    /// no harm if it fails.
    pub(super) async fn stamp(&self) {
        let data = value::written(&self.record, self.written().ttl);
        let _ = self.write(Some(data)).await;
    }

    /// Writes what is in our nodes, or these data: when that left, once all of it is acknowledged.
    async fn write(&self, data: Option<Vec<u8>>) -> Result<Instant, Fault> {
        let unknown = self.written().unknown();
        for path in unknown {
            self.read_again(&path).await?;
        }
        let (sent, asked) = {
            let mut written = self.written();
            if let Some(data) = data {
                written.replace(&data, &self.record)?;
            }
            let calls = written.next()?;
            let sent = Instant::now();
            let asked = calls.into_iter();
            // Sent while `written` is locked: writes leave in the order of their versions.
            let asked = asked.map(|(path, call)| (path, self.session.submit(call)));
            (sent, asked.collect::<Vec<_>>())
        };
        let mut failed = None;
        for (path, asked) in asked {
            match asked.answer().await {
                Ok(_) => {}
                Err(ZkFailure::NoNode) => return Err(Fault::LeaseNotFound),
                Err(failure) => {
                    self.written().doubt(&path);
                    failed = Some(failure.into());
                }
            }
        }
        failed.map_or(Ok(sent), Err)
    }

    /// Takes in what is in a node of ours, so that the next write leaves it as it is: an operator may have
    /// written there.
    async fn read_again(&self, path: &str) -> Result<(), Fault> {
        let answer = self.session.call(ZkCall::get_data(path)).await;
        let answer = match answer {
            Err(ZkFailure::NoNode) => return Err(Fault::LeaseNotFound),
            answer => answer?,
        };
        let read = value::data(&answer.body);
        let (data, stat) = read.ok_or_else(ZkFailure::strange)?;
        self.written().read(path, data, stat.version);
        Ok(())
    }
}

impl LeaseCalls for ZkLease {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        Box::pin(self.have_granted(requests))
    }

    fn renew(&self, _: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        self.session
            .keep_until(Instant::now() + kept(self.written().ttl));
        Box::pin(async move {
            match self.write(None).await {
                // Once more: the session goes over to the next connection by itself.
                Err(Fault::Broken(_)) => self.write(None).await,
                written => written,
            }
        })
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.session.close())
    }

    fn was_heard(&self) -> bool {
        self.ensemble.was_heard()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::margin;

    #[test]
    fn a_lock_ends_before_its_session_can() {
        for seconds in [1, 2, 5, 10, 60, 3600] {
            let ttl = Duration::from_secs(seconds);
            let timeout = timeout_for(ttl);
            assert_eq!(ttl_of(timeout), ttl);
            // The leader heard of us a third before the write, and its clock is a twentieth too fast.
            let earliest = timeout * 19 / 20 - timeout / 3;
            let deadline = ttl.saturating_sub(margin(ttl));
            assert!(
                deadline <= earliest,
                "{ttl:?}: {deadline:?} of {earliest:?}"
            );
        }
    }
}
