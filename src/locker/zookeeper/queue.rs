//! Taking a lock: a place in its queue, and the turn of that.

use std::sync::Arc;
use std::time::Duration;

use super::enter::{PlaceEntry, ZkPlace};
use super::lease::{SessionLease, ZkLease};
use super::wait::{ZkWaitEnd, ZkWaiter};
use super::{ZkShared, hold, inspect, node, queueless};
use crate::error::Result;
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::keeper::{Acquisition, Granted, NoLock};
use crate::locker::{Held, Record, Request};
use crate::loss::Loss;

/// The taking of one lock.
pub(super) struct ZkAcquisition<'a> {
    shared: &'a Arc<ZkShared>,
    key: &'a str,
    ttl: Duration,
    waits: bool,
    /// Whether it tells of all that moves ahead.
    follows: bool,
    holder: Record,
    claim: Claim,
}

/// A place whose turn has come.
struct FirstInQueue {
    lease: SessionLease,
    granted: Granted,
    place: ZkPlace,
    /// Whether there was somebody ahead.
    waited: bool,
}

impl<'a> ZkAcquisition<'a> {
    pub(super) fn new(shared: &'a Arc<ZkShared>, request: &'a Request, claim: Claim) -> Self {
        let options = &shared.options;
        Self {
            shared,
            key: request.key(),
            ttl: request.ttl(options),
            waits: request.waits(),
            follows: request.follows_queue(options),
            holder: request.holder(options),
            claim,
        }
    }

    /// Takes the lock; `None` if it does not wait, and another has it or waits for it.
    pub(super) async fn take(self, mut call: Acquisition<'_>) -> Result<Option<Held>> {
        loop {
            let taken = match self.waits {
                true => self.stand(&mut call).await.map(Some),
                false => self.try_stand(&call).await,
            };
            match taken {
                Ok(first) => return Ok(first.map(|first| self.held(first))),
                Err(why) => call.again(why).await?,
            }
        }
    }

    fn held(self, first: FirstInQueue) -> Held {
        let FirstInQueue {
            lease,
            granted,
            place,
            waited,
        } = first;
        let standing = place.standing;
        hold::held(
            self.shared,
            self.key,
            (lease, granted),
            standing,
            (waited, self.claim),
        )
    }

    /// Takes a place at the end, once there is a queue, and stands there until its turn has come.
    async fn stand(&self, call: &mut Acquisition<'_>) -> Result<FirstInQueue, NoLock> {
        let (lease, granted, place) = loop {
            let (lease, granted) = self.ask(false).await?;
            if let Some(place) = lease.calls().place().cloned() {
                break (lease, granted, place);
            }
            let _ = lease.release().await;
            call.has_place();
            call.has_to_wait();
            let gone = queueless::until_gone(self.shared, self.key).await;
            gone.map_err(|fault| call.no_lock(fault))?;
        };
        call.has_place();
        let waiter = self.waiter(&lease, &place);
        let ahead = waiter.ahead(place.children.clone());
        let waits = ahead.is_none_or(|ahead| !ahead.is_empty());
        if waits {
            call.has_to_wait();
            let mut ownership = granted.owner.ownership();
            tokio::select! {
                loss = ownership.lost() => return Err(NoLock::Lost(loss)),
                end = waiter.wait() => match end.map_err(|fault| call.no_lock(fault))? {
                    ZkWaitEnd::IsFirst => {}
                    ZkWaitEnd::Lost(loss) => {
                        granted.owner.lose(loss);
                        return Err(NoLock::Lost(loss));
                    }
                }
            }
        }
        self.ready(lease, granted, place, waits).await
    }

    async fn try_stand(&self, call: &Acquisition<'_>) -> Result<Option<FirstInQueue>, NoLock> {
        let (lease, granted) = self.ask(true).await?;
        // Somebody was there at the first look.
        let Some(place) = lease.calls().place().cloned() else {
            return self.leave(call, lease).await;
        };
        let waiter = self.waiter(&lease, &place);
        match waiter.ahead(place.children.clone()) {
            None => Err(NoLock::Lost(Loss::KeyDeleted)),
            Some(ahead) if ahead.is_empty() => {
                let ready = self.ready(lease, granted, place, false);
                ready.await.map(Some)
            }
            Some(_) => self.leave(call, lease).await,
        }
    }

    /// Tells who is there, and leaves nothing behind, if ZooKeeper answers; else that goes with the
    /// session's end.
    async fn leave(
        &self,
        call: &Acquisition<'_>,
        lease: SessionLease,
    ) -> Result<Option<FirstInQueue>, NoLock> {
        let session = &lease.calls().session;
        let lock = self.shared.ensemble.path(&node::of_key(self.key));
        let own = lease
            .calls()
            .place()
            .map(|place| place.standing.path.clone());
        let found = inspect::holder(&self.shared.ensemble, session, &lock, own).await;
        let holder = found.map_err(|fault| call.no_lock(fault))?;
        let _ = lease.release().await;
        if let Some(holder) = holder {
            self.notify(EventKind::Waiting {
                holder: holder.record,
                owner_key: Some(holder.owner_key),
                ahead: None,
                token: None,
            });
        }
        Ok(None)
    }

    /// Asks for a session, and for a place along with it.
    async fn ask(&self, alone: bool) -> Result<(SessionLease, Granted), NoLock> {
        let ensemble = &self.shared.ensemble;
        let entry = PlaceEntry {
            lock: node::of_key(self.key),
            name: ensemble.layout.fresh().map_err(NoLock::Failed)?,
            alone,
        };
        let calls = ZkLease::new(ensemble, entry, &self.holder, self.ttl);
        let keeper = &self.shared.keeper;
        let mut lease = SessionLease::start(keeper, Arc::new(calls), self.ttl, &self.claim);
        let granted = lease.granted().await;
        let granted = granted.map_err(|error| NoLock::Failed(error.of_key(self.key)))?;
        Ok((lease, granted))
    }

    fn waiter<'b>(&'b self, lease: &'b SessionLease, place: &'b ZkPlace) -> ZkWaiter<'b> {
        ZkWaiter {
            shared: self.shared,
            session: &lease.calls().session,
            key: self.key,
            follows: self.follows,
            own: &place.standing,
        }
    }

    /// The turn has come: from now on the lease is that of a held lock.
    async fn ready(
        &self,
        lease: SessionLease,
        granted: Granted,
        place: ZkPlace,
        waited: bool,
    ) -> Result<FirstInQueue, NoLock> {
        let fresh = lease.until_fresh(&granted, waited).await;
        fresh.map_err(NoLock::Lost)?;
        Ok(FirstInQueue {
            lease,
            granted,
            place,
            waited,
        })
    }

    fn notify(&self, what: EventKind) {
        self.shared.options.notify(Some(self.key), what);
    }
}
