//! A lease of etcd's, and the keys that are attached to it: a place in a queue, or in several.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::{Compare, CompareOp, LeaseGrantOptions, LeaseTimeToLiveResponse, Txn, TxnOp};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::index::IndexKey;
use super::outlive;
use super::recipe::transact;
use super::renewal::EtcdRenewals;
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::BoxFuture;
use crate::locker::deadline::Deadline;
use crate::locker::keeper::{Attempt, Granted, Lease, LeaseCalls, Requests};
use crate::locker::net::random;
use crate::locker::operator::Ttl;

/// How long etcd may take to say that it does not know a lease: the loss of a lock is not told before
/// that, while the next holder may have started.
const SOON: Duration = Duration::from_millis(50);

/// What is asked of etcd for one lease.
pub(super) struct EtcdLease {
    store: Arc<EtcdMembers>,
    pub(super) id: i64,
    /// The keys that are attached to it: a place in each queue, and the indexes, once it has them.
    owns: Vec<String>,
    indexes: OnceLock<Vec<IndexKey>>,
    ttl: Duration,
    /// Whether somebody may have written over one of them, and so attached it to another lease, or to none.
    may_be_detached: AtomicBool,
    renewals: EtcdRenewals,
}

impl EtcdLease {
    pub(super) fn new(store: &Arc<EtcdMembers>, id: i64, owns: Vec<String>, ttl: Duration) -> Self {
        let first = owns.first().cloned().unwrap_or_default();
        Self {
            store: store.clone(),
            id,
            renewals: EtcdRenewals::new(store, id, first),
            owns,
            indexes: OnceLock::new(),
            ttl,
            may_be_detached: AtomicBool::new(false),
        }
    }

    /// These indexes are attached to it too.
    pub(super) fn has_indexes(&self, indexes: &[IndexKey]) {
        // Once: a place is taken with a lease of its own.
        let _ = self.indexes.set(indexes.to_vec());
    }

    /// Whether somebody may have written over a key of its: while nobody watches it, and once that was seen.
    pub(super) fn set_may_be_detached(&self, may_be: bool) {
        self.may_be_detached.store(may_be, Ordering::Relaxed);
    }

    async fn have_granted(&self, requests: &Requests) -> Result<Deadline, Fault> {
        let (id, asked) = (self.id, self.ttl.as_secs() as i64);
        let counted = requests.clone();
        let op = move |client: Client| {
            let sent = counted.leave();
            let options = LeaseGrantOptions::new().with_id(id);
            async move {
                let answer = client.lease_client().grant(asked, Some(options)).await?;
                client.note_term(answer.header());
                Ok((sent, answer))
            }
        };
        match self.store.call(self.store.command_timeout, op).await {
            // Nobody else uses this id: so the request that was answered made the lease, not an earlier
            // one of this call's.
            Ok((sent, answer)) => {
                let ttl = Duration::from_secs(answer.ttl().max(0) as u64);
                Ok(Deadline::granted(sent, ttl))
            }
            Err(fault) => match (fault, requests.first()) {
                // An earlier request made it, whose answer was lost.
                (Fault::LeaseExists, Some(first)) if requests.count() > 1 => {
                    Ok(Deadline::granted(first, self.ttl))
                }
                (fault, _) => Err(fault),
            },
        }
    }

    async fn end(&self) -> Result<(), Fault> {
        revoke(&self.store, self.id).await?;
        // Looked at only now: the holder may have seen it during the revocation.
        if self.may_be_detached.load(Ordering::Relaxed) {
            self.delete().await;
        }
        Ok(())
    }

    /// A key that was detached from the lease stays when that is revoked, and etcd's own recipe, which
    /// asks for no lease, would wait for it. It is nobody else's: the lease's id is in it. An index may be
    /// another's by now.
    async fn delete(&self) {
        let delete = |key: &String| TxnOp::delete(&**key, None);
        let owns: Vec<_> = self.owns.iter().map(delete).collect();
        let txn = Txn::new().and_then(owns);
        // If this fails a genlock that waits for the key finds that its lease is gone.
        let _ = transact(&self.store, txn).await;
        for index in self.indexes.get().into_iter().flatten() {
            let ours = Compare::create_revision(&*index.key, CompareOp::Equal, index.revision);
            let txn = Txn::new().when([ours]).and_then([delete(&index.key)]);
            let _ = transact(&self.store, txn).await;
        }
    }
}

impl LeaseCalls for EtcdLease {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        Box::pin(self.have_granted(requests))
    }

    fn renew(&self, attempt: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        Box::pin(self.renewals.renew(attempt))
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.end())
    }

    fn outlive(&self, rest: Duration) -> BoxFuture<'_, Result<(), Fault>> {
        // Whoever has moved the key has done that, and not written over it.
        self.set_may_be_detached(false);
        Box::pin(async move {
            let next = fresh_id().map_err(Fault::Refused)?;
            let indexes = self.indexes.get().map_or(&[][..], Vec::as_slice);
            let keys = (&*self.owns, indexes, self.id);
            let moved = outlive::outlive(&self.store, keys, next, rest).await;
            if matches!(moved, Err(Fault::LeaseNotFound)) {
                self.set_may_be_detached(true);
                // If this fails it ends by itself, without a key.
                let _ = revoke(&self.store, next).await;
            }
            moved
        })
    }

    fn signs_of_life(&self) -> usize {
        self.store.signs_of_life()
    }

    fn was_heard(&self) -> bool {
        self.store.heard()
    }

    fn silent(&self, within: Duration) -> Fault {
        self.store.silent(within)
    }
}

/// A place in the queue, which lives as long as its lease.
pub(super) struct EtcdPlace {
    pub(super) lease: Lease<EtcdLease>,
    pub(super) granted: Granted,
    /// The key that stands for us in the first queue.
    pub(super) own: String,
    /// Its create revision, and that of the others.
    pub(super) revision: i64,
    /// Whether there was somebody ahead.
    pub(super) waited: bool,
    /// One for each key, where it is one of several holders.
    pub(super) indexes: Vec<IndexKey>,
}

/// A lease id of our own choice, so that a request for the lease may be sent again.
pub(super) fn fresh_id() -> Result<i64> {
    loop {
        // Positive: etcd writes the id in hex without a sign. 0 asks etcd to choose.
        let id = (random::random()? >> 1) as i64;
        if id != 0 {
            return Ok(id);
        }
    }
}

/// Revokes a lease, which may be gone already.
pub(super) async fn revoke(store: &Arc<EtcdMembers>, id: i64) -> Result<(), Fault> {
    let op = move |client: Client| async move { client.lease_client().revoke(id).await };
    match store.call(store.command_timeout, op).await {
        Ok(_) | Err(Fault::LeaseNotFound) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Whether etcd says at once that it does not know the lease any more.
pub(super) async fn is_gone(store: &Arc<EtcdMembers>, id: i64) -> bool {
    matches!(time_to_live(store, id, SOON).await, Ok(None))
}

/// How long a lease lives if it is not renewed; `None` if etcd does not know it.
pub(super) async fn ttl(store: &Arc<EtcdMembers>, id: i64) -> Result<Option<Ttl>, Fault> {
    time_to_live(store, id, store.command_timeout).await
}

async fn time_to_live(
    store: &Arc<EtcdMembers>,
    id: i64,
    within: Duration,
) -> Result<Option<Ttl>, Fault> {
    let op =
        move |client: Client| async move { client.lease_client().time_to_live(id, None).await };
    Ok(ttl_in(&store.call(within, op).await?))
}

/// What such an answer says.
pub(super) fn ttl_in(answer: &LeaseTimeToLiveResponse) -> Option<Ttl> {
    let seconds = |seconds: i64| Duration::from_secs(seconds.max(0) as u64);
    // etcd says -1 of a lease that has run out and is not revoked yet, and of one that is not there.
    (answer.ttl() > 0).then(|| Ttl {
        granted: seconds(answer.granted_ttl()),
        left: seconds(answer.ttl()),
    })
}
