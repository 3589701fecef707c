//! A place in a queue of the store: what a client's keeper keeps as a lease, and the lock once its turn
//! has come.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Ahead, MemoryStore};
use crate::Result;
use crate::clock::Instant;
use crate::events::EventKind;
use crate::locker::keeper::{Attempt, Fault, Lease, LeaseCalls, LeaseHolding, Requests};
use crate::locker::{BoxFuture, Claim, Deadline, Loss, Options, Owner, Record, Request};

/// What is asked of the store for one place.
pub(super) struct MemoryPlace {
    store: MemoryStore,
    key: String,
    ttl: Duration,
    /// What it says of itself, as it is kept: JSON.
    value: Vec<u8>,
    /// Whether it is taken only if nobody else is there.
    alone: bool,
    /// Its token, or who is in the way.
    entered: OnceLock<Result<u64, Box<Ahead>>>,
}

impl MemoryPlace {
    /// For this request, of a client with these options.
    pub(super) fn new(store: &MemoryStore, request: &Request, options: &Options) -> Self {
        Self {
            store: store.clone(),
            key: request.key().to_owned(),
            ttl: request.ttl(options),
            value: request.holder(options).to_json(),
            alone: !request.waits(),
            entered: OnceLock::new(),
        }
    }

    /// Its token, once it was taken.
    pub(super) fn token(&self) -> Option<u64> {
        self.entered.get()?.as_ref().ok().copied()
    }

    /// Why it was not taken.
    pub(super) fn in_the_way(&self) -> Option<&Ahead> {
        self.entered.get()?.as_ref().err().map(|ahead| &**ahead)
    }

    /// Who is ahead of it in the queue.
    ///
    /// # Errors
    /// It is not there any more.
    pub(super) fn ahead(&self) -> Result<Option<Ahead>, Loss> {
        let contents = self.store.contents();
        let queue = contents
            .queues
            .get(&self.key)
            .map_or(&[][..], Vec::as_slice);
        let own = queue.iter().position(|one| Some(one.token) == self.token());
        let own = own.ok_or(Loss::KeyDeleted)?;
        Ok((own > 0).then(|| Ahead::of(&self.key, &queue[..own])))
    }

    /// Ends when something has happened to it, and says so.
    async fn watch(self: Arc<Self>, owner: Owner, options: Options) {
        let mut changes = self.store.changes();
        loop {
            let kept = self.token().and_then(|token| {
                let contents = self.store.contents();
                contents.find(&self.key, token).cloned()
            });
            let Some(kept) = kept else {
                return owner.lose(Loss::KeyDeleted);
            };
            let record = Record::from_json(&kept.value);
            if let Some(by) = record.and_then(|record| record.taken_away) {
                if owner.ownership().loss().is_none() {
                    options.notify(Some(&self.key), EventKind::TakenAway(by));
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
            let enter = || {
                let (value, time) = (self.value.clone(), (sent, self.ttl));
                self.store.enter(&self.key, value, time, self.alone)
            };
            match self.entered.get_or_init(enter) {
                Ok(_) => Ok(Deadline::granted(sent, self.ttl)),
                Err(_) => Err(Fault::LeaseExists),
            }
        })
    }

    fn renew(&self, _: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        Box::pin(async move {
            let token = self.token().ok_or(Fault::LeaseNotFound)?;
            let sent = Instant::now();
            match self.store.renew(&self.key, token, sent) {
                Some(true) => Ok(sent),
                Some(false) => Err(Fault::LeaseNotFound),
                None => std::future::pending().await,
            }
        })
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        if let Some(token) = self.token() {
            self.store.release(&self.key, token);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn outlive(&self, rest: Duration) -> BoxFuture<'_, Result<(), Fault>> {
        let token = self.token();
        let left = token.is_some_and(|token| self.store.leave(&self.key, token, rest));
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
