//! The leases of one client that the store may have. A lease's task revokes it; if the task has ended
//! with its runtime, the release or the client's closing finds the lease here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::{Keeper, LeaseCalls};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::ownership::Owner;
use crate::loss::Loss;

/// The leases, each with a number.
#[derive(Default)]
pub(super) struct Leases(Mutex<Numbered>);

#[derive(Default)]
struct Numbered {
    next: u64,
    /// Whether the client is closed: a lease that is granted from now on is lost at once.
    closed: bool,
    all: HashMap<u64, LeaseEntry>,
}

#[derive(Clone)]
struct LeaseEntry {
    calls: Arc<dyn LeaseCalls>,
    ttl: Duration,
    /// Where its loss is to be noted; `None` until it is granted.
    owner: Option<Owner>,
    /// When it ends by itself, if it could not be revoked: it is not renewed any more.
    end: Option<Instant>,
    /// Whether the store most likely never had it: the client's closing does not wait for it.
    aside: bool,
}

impl Leases {
    /// Notes a lease that is about to be requested. Gives its number.
    pub(super) fn begin(&self, calls: Arc<dyn LeaseCalls>, ttl: Duration) -> u64 {
        let entry = LeaseEntry {
            calls,
            ttl,
            owner: None,
            end: None,
            aside: false,
        };
        let mut leases = self.numbered();
        leases.next += 1;
        let number = leases.next;
        leases.all.insert(number, entry);
        number
    }

    /// Notes that this lease was granted.
    pub(super) fn granted(&self, number: u64, ttl: Duration, owner: &Owner) {
        let closed = {
            let mut leases = self.numbered();
            if let Some(entry) = leases.all.get_mut(&number) {
                entry.ttl = ttl;
                entry.owner = Some(owner.clone());
            }
            leases.closed
        };
        if closed {
            owner.lose(Loss::Closed);
        }
    }

    /// The client is closed: all are lost, also those that are granted later.
    pub(super) fn lose_all(&self) {
        let owners: Vec<_> = {
            let mut leases = self.numbered();
            leases.closed = true;
            let entries = leases.all.values();
            entries.filter_map(|entry| entry.owner.clone()).collect()
        };
        // Not while the leases are locked: an observer of the loss may call for them.
        for owner in owners {
            owner.lose(Loss::Closed);
        }
    }

    /// Notes that the client's closing need not wait for this lease.
    pub(super) fn set_aside(&self, number: u64) {
        if let Some(entry) = self.numbered().all.get_mut(&number) {
            entry.aside = true;
        }
    }

    /// Forgets a lease that the store does not have.
    pub(super) fn forget(&self, number: u64) {
        self.numbered().all.remove(&number);
    }

    /// Notes that this lease could not be revoked, and forgets earlier ones that have ended since.
    fn keep(&self, number: u64) {
        let now = Instant::now();
        let all = &mut self.numbered().all;
        if let Some(entry) = all.get_mut(&number) {
            entry.end = Some(now + entry.ttl);
        }
        all.retain(|_, entry| entry.end.is_none_or(|end| end > now));
    }

    fn numbered(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Revokes a lease, bounded. Does nothing if it is gone already.
    pub(super) async fn revoke(&self, number: u64) -> Result<()> {
        let Some(entry) = self.leases.numbered().all.get(&number).cloned() else {
            return Ok(());
        };
        let revoked = timeout(self.within, entry.calls.revoke()).await;
        match revoked.unwrap_or_else(|_| Err(Fault::silent(self.within))) {
            Ok(()) => {
                self.leases.forget(number);
                Ok(())
            }
            Err(fault) => {
                self.leases.keep(number);
                Err(Error::from(fault).context("released at the end of its TTL only"))
            }
        }
    }

    /// Revokes all that is left when the client is closed. False if one cannot be.
    pub(super) async fn revoke_all(&self) -> bool {
        let left: Vec<_> = {
            let all = &self.leases.numbered().all;
            let left = all.iter().filter(|(_, entry)| !entry.aside);
            left.map(|(&number, _)| number).collect()
        };
        let mut revoked = true;
        for number in left {
            revoked &= self.revoke(number).await.is_ok();
        }
        revoked
    }
}
