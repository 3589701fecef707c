//! A place in a queue of the store: renewed by a task, and left when it is dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::MemoryStore;
use crate::Result;
use crate::clock::{self, Instant};
use crate::events::EventKind;
use crate::locker::{BoxFuture, Claim, Loss, Options, Owner, Possession, Record, margin};

/// What a client has in the store, by token: for its closing.
pub(super) type Places = Arc<Mutex<Vec<Arc<MemoryStanding>>>>;

/// Whether and for whom a place stands.
pub(super) struct MemoryStanding {
    store: MemoryStore,
    options: Options,
    key: String,
    pub(super) token: u64,
    ttl: Duration,
    pub(super) owner: Owner,
}

/// A place, as long as it is kept.
pub(super) struct MemoryPlace {
    pub(super) standing: Arc<MemoryStanding>,
    places: Places,
    renews: watch::Sender<bool>,
    task: AbortHandle,
}

impl MemoryStanding {
    /// Renews it once. Without an answer nothing is new.
    pub(super) fn renew(&self) {
        let sent = Instant::now();
        match self.store.renew(&self.key, self.token, sent) {
            Some(true) => self.owner.extend(deadline(sent, self.ttl)),
            Some(false) => self.owner.lose(Loss::LeaseGone),
            None => self
                .options
                .notify(Some(&self.key), EventKind::Retrying("no answer".to_owned())),
        }
    }

    /// Leaves the queue, for this reason.
    pub(super) fn end(&self, loss: Loss) {
        // First the holder's side says so.
        self.owner.lose(loss);
        self.store.remove(&self.key, self.token);
    }

    /// Looks whether it is there, as its holder wrote it.
    fn look(&self) {
        let kept = self.store.contents().find(&self.key, self.token).cloned();
        let Some(kept) = kept else {
            return self.owner.lose(Loss::KeyDeleted);
        };
        let record = Record::from_json(&kept.value);
        if let Some(by) = record.and_then(|record| record.taken_away)
            && self.owner.ownership().loss().is_none()
        {
            self.options
                .notify(Some(&self.key), EventKind::TakenAway(by));
            self.owner.lose(Loss::TakenAway);
        }
    }

    /// Renews at a third of the TTL, for as long as it is wanted, and sees what others do to it.
    async fn keep(self: Arc<Self>, mut renews: watch::Receiver<bool>) {
        let mut changes = self.store.changes();
        let mut ownership = self.owner.ownership();
        let mut due = Instant::now() + self.ttl / 3;
        loop {
            self.look();
            let renewal = async {
                if renews.wait_for(|renews| *renews).await.is_err() {
                    std::future::pending::<()>().await;
                }
                clock::sleep_until(due).await;
            };
            tokio::select! {
                // A deadline that has passed is told by nobody else.
                loss = ownership.lost() => return self.owner.lose(loss),
                _ = changes.changed() => continue,
                () = renewal => {}
            }
            if *renews.borrow() {
                let before = ownership.deadline();
                self.renew();
                let pause = if ownership.deadline() > before {
                    self.ttl / 3
                } else {
                    self.options.retry_interval
                };
                due = Instant::now() + pause;
            }
        }
    }
}

impl MemoryPlace {
    /// That of `token`, which was asked for at `sent`.
    pub(super) fn new(
        places: &Places,
        store: &MemoryStore,
        options: &Options,
        key: &str,
        (token, ttl, sent): (u64, Duration, Instant),
    ) -> Self {
        let standing = Arc::new(MemoryStanding {
            store: store.clone(),
            options: options.clone(),
            key: key.to_owned(),
            token,
            ttl,
            owner: Owner::new(Some(deadline(sent, ttl))),
        });
        let renews = watch::Sender::new(true);
        let task = tokio::spawn(standing.clone().keep(renews.subscribe()));
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(standing.clone());
        drop(all);
        Self {
            standing,
            places: places.clone(),
            renews,
            task: task.abort_handle(),
        }
    }

    /// Whether it is renewed from now on.
    pub(super) fn set_renewal(&self, renews: bool) {
        self.renews.send_replace(renews);
    }
}

impl Drop for MemoryPlace {
    fn drop(&mut self) {
        self.task.abort();
        let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| !Arc::ptr_eq(other, &self.standing));
        drop(all);
        self.standing.end(Loss::Released);
    }
}

/// The deadline of what was sent then.
fn deadline(sent: Instant, ttl: Duration) -> Instant {
    sent + ttl.saturating_sub(margin(ttl))
}

/// A place that holds the lock.
pub(super) struct HeldPlace {
    /// Before the claim: the key is taken until the store has nothing of it.
    place: MemoryPlace,
    claim: Claim,
}

impl HeldPlace {
    pub(super) fn new(place: MemoryPlace, claim: Claim) -> Self {
        Self { place, claim }
    }
}

impl Possession for HeldPlace {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        let Self { place, claim } = *self;
        drop(place);
        drop(claim);
        Box::pin(std::future::ready(Ok(())))
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}
