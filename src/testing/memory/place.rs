//! A place in a queue of the store: what a client's keeper keeps as a lease, and the lock once its turn
//! has come.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Ahead, MemoryEntry, MemoryStore, NotEntered, Stored, owner_key};
use crate::Result;
use crate::clock::Instant;
use crate::events::EventKind;
use crate::locker::keeper::{Attempt, Fault, Lease, LeaseCalls, LeaseHolding, Requests};
use crate::locker::{
    BoxFuture, Claim, Deadline, Grant, Loss, Options, Owner, QueuePolicy, Record, Request,
};

/// What is asked of the store for one place.
pub(super) struct MemoryPlace {
    store: MemoryStore,
    entry: MemoryEntry,
    /// Its token, or why it has none.
    entered: OnceLock<Result<u64, NotEntered>>,
}

impl MemoryPlace {
    /// For this request, of a client with these options.
    pub(super) fn new(store: &MemoryStore, request: &Request, options: &Options) -> Self {
        Self {
            store: store.clone(),
            entry: MemoryEntry::new(request, options),
            entered: OnceLock::new(),
        }
    }

    /// Its token, once it was taken.
    pub(super) fn token(&self) -> Option<u64> {
        self.entered.get()?.as_ref().ok().copied()
    }

    /// Why it was not taken.
    pub(super) fn refused(&self) -> Option<&NotEntered> {
        self.entered.get()?.as_ref().err()
    }

    /// Who is ahead of it, in the queue of the first key whose turn has not come.
    ///
    /// # Errors
    /// It is not there any more.
    pub(super) fn ahead(&self) -> Result<Option<Ahead>, Loss> {
        let contents = self.store.contents();
        for key in &self.entry.keys {
            let queue = contents.queue(key);
            let own = queue.iter().position(|one| Some(one.token) == self.token());
            let own = own.ok_or(Loss::KeyDeleted)?;
            let ahead = Ahead::of(key, &queue[..own]);
            if !queue[own].holds {
                return Ok(ahead);
            }
        }
        Ok(None)
    }

    /// Whether it waits by [`QueuePolicy::Latest`], and one that does so too came later.
    pub(super) fn is_superseded(&self) -> bool {
        let contents = self.store.contents();
        let newer =
            |one: &Stored| one.policy == QueuePolicy::Latest && Some(one.token) > self.token();
        let mut keys = self.entry.keys.iter();
        self.entry.policy == QueuePolicy::Latest
            && keys.any(|key| contents.queue(key).iter().any(newer))
    }

    /// The grant of each key.
    pub(super) fn grants(&self) -> impl Iterator<Item = Grant> {
        let contents = self.store.contents();
        let token = self.token().unwrap_or_default();
        self.entry.keys.iter().map(move |key| {
            let mut grant = Grant::new(key, token).with_owner_key(owner_key(key, token));
            grant.index = contents.find(key, token).and_then(|one| one.index);
            grant
        })
    }

    /// What is kept of it, for each key. `None` if one is not there.
    fn kept(&self) -> Option<Vec<Stored>> {
        let (contents, token) = (self.store.contents(), self.token()?);
        let each = self.entry.keys.iter();
        each.map(|key| contents.find(key, token).cloned()).collect()
    }

    /// Ends when something has happened to it, and says so.
    async fn watch(self: Arc<Self>, owner: Owner, options: Options) {
        let mut changes = self.store.changes();
        loop {
            let Some(kept) = self.kept() else {
                return owner.lose(Loss::KeyDeleted);
            };
            let mut records = kept.iter().filter_map(|one| Record::from_json(&one.value));
            if let Some(by) = records.find_map(|record| record.taken_away) {
                if owner.ownership().loss().is_none() {
                    let key = self.entry.keys.first().map(String::as_str);
                    options.notify(key, EventKind::TakenAway(by));
                }
                return owner.lose(Loss::TakenAway);
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

impl LeaseCalls for MemoryPlace {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        Box::pin(async move {
            let sent = requests.leave();
            match self
                .entered
                .get_or_init(|| self.store.enter(&self.entry, sent))
            {
                Ok(_) => Ok(Deadline::granted(sent, self.entry.ttl)),
                Err(_) => Err(Fault::LeaseExists),
            }
        })
    }

    fn renew(&self, _: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        Box::pin(async move {
            let token = self.token().ok_or(Fault::LeaseNotFound)?;
            let sent = Instant::now();
            match self.store.renew(&self.entry.keys, token, sent) {
                Some(true) => Ok(sent),
                Some(false) => Err(Fault::LeaseNotFound),
                None => std::future::pending().await,
            }
        })
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        if let Some(token) = self.token() {
            self.store.release(&self.entry.keys, token);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn outlive(&self, rest: Duration) -> BoxFuture<'_, Result<(), Fault>> {
        let keys = &self.entry.keys;
        let token = self.token();
        let left = token.is_some_and(|token| self.store.leave(keys, token, rest));
        let left = left.then_some(()).ok_or(Fault::LeaseNotFound);
        Box::pin(std::future::ready(left))
    }
}

/// A place that holds the lock: `owner` notes what others do to it.
pub(super) fn held(
    lease: Lease<MemoryPlace>,
    owner: Owner,
    options: &Options,
    claim: Claim,
) -> LeaseHolding<MemoryPlace> {
    let mut watching = JoinSet::new();
    watching.spawn(lease.calls().clone().watch(owner, options.clone()));
    LeaseHolding::new(lease, watching, claim)
}
