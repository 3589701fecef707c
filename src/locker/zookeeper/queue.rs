//! Taking a lock, or those of several keys: a place in each queue, and the turn of all.

use std::sync::Arc;
use std::time::Duration;

use super::enter::PlaceEntry;
use super::hold::HeldNode;
use super::lease::{SessionLease, ZkLease};
use super::wait::{ZkWaitEnd, ZkWaiter};
use super::{ZkShared, found, hold, index, node, queueless};
use crate::error::Result;
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::fault::Fault;
use crate::locker::keeper::{Acquisition, Granted, NoLock};
use crate::locker::{Held, Mode, Record, Request};
use crate::loss::Loss;

/// The taking of one lock.
pub(super) struct ZkAcquisition<'a> {
    shared: &'a Arc<ZkShared>,
    request: &'a Request,
    ttl: Duration,
    holder: Record,
    claim: Claim,
    /// What the names of all nodes begin with that stand for this taking, or did.
    taking: String,
}

/// A place in each queue, with the lease that has them.
struct PlacedLease {
    lease: SessionLease,
    granted: Granted,
}

/// Places whose turn has come.
struct FirstInQueues {
    standing: PlacedLease,
    /// Whether there was somebody ahead.
    waited: bool,
    /// Which of N holders it is, by key, where there are several.
    indexes: Vec<u32>,
}

impl<'a> ZkAcquisition<'a> {
    pub(super) fn new(
        shared: &'a Arc<ZkShared>,
        request: &'a Request,
        claim: Claim,
    ) -> Result<Self> {
        let options = &shared.options;
        Ok(Self {
            shared,
            request,
            ttl: request.ttl(options),
            holder: request.holder(options),
            claim,
            taking: shared.ensemble.layout.of_one_taking()?,
        })
    }

    /// Takes the lock; `None` if it does not wait, and another has it or waits for it.
    pub(super) async fn take(self, mut call: Acquisition<'_>) -> Result<Option<Held>> {
        loop {
            let taken = match self.request.waits() {
                true => self.stand(&mut call).await.map(Some),
                false => self.try_stand(&call).await,
            };
            match taken {
                Ok(first) => return Ok(first.map(|first| self.held(first))),
                Err(why) => call.again(why).await?,
            }
        }
    }

    fn held(self, first: FirstInQueues) -> Held {
        let FirstInQueues {
            standing,
            waited,
            indexes,
        } = first;
        let nodes = self.nodes(&standing.lease);
        let PlacedLease { lease, granted } = standing;
        let (shared, claim) = (self.shared, self.claim);
        hold::held(shared, (lease, granted), (nodes, indexes), (waited, claim))
    }

    /// Takes a place at the end, once there are queues, and stands there until its turn has come.
    async fn stand(&self, call: &mut Acquisition<'_>) -> Result<FirstInQueues, NoLock> {
        let standing = loop {
            let standing = self.ask(false).await?;
            if standing.lease.calls().places().is_some() {
                break standing;
            }
            let _ = standing.lease.release().await;
            call.has_place();
            call.has_to_wait();
            for key in self.request.keys() {
                let gone = queueless::until_gone(self.shared, key).await;
                gone.map_err(|fault| call.no_lock(fault))?;
            }
        };
        call.has_place();
        let waited = !self.has_turn(call, &standing).await?;
        if waited {
            call.has_to_wait();
            self.wait(call, &standing).await?;
        }
        self.ready(call, standing, waited).await
    }

    async fn try_stand(&self, call: &Acquisition<'_>) -> Result<Option<FirstInQueues>, NoLock> {
        let standing = self.ask(true).await?;
        // Otherwise somebody was there at the first look.
        if standing.lease.calls().places().is_some() && self.has_turn(call, &standing).await? {
            return self.ready(call, standing, false).await.map(Some);
        }
        self.leave(call, standing.lease).await
    }

    /// Whether the turn came with the places, in every queue.
    async fn has_turn(
        &self,
        call: &Acquisition<'_>,
        standing: &PlacedLease,
    ) -> Result<bool, NoLock> {
        let places = standing.lease.calls().places().unwrap_or_default();
        let mut of_all = true;
        // Each of them is looked at: what is of an earlier place goes from all.
        for (waiter, place) in self.waiters(&standing.lease).into_iter().zip(places) {
            let turn = waiter.has_turn(place.children.clone()).await;
            match turn.map_err(|failure| call.no_lock(failure.into()))? {
                None => return Err(NoLock::Lost(Loss::KeyDeleted)),
                Some(turn) => of_all &= turn,
            }
        }
        Ok(of_all)
    }

    /// Waits for the turn in every queue.
    async fn wait(&self, call: &Acquisition<'_>, standing: &PlacedLease) -> Result<(), NoLock> {
        let PlacedLease { lease, granted } = standing;
        let mut ownership = granted.owner.ownership();
        let end = tokio::select! {
            loss = ownership.lost() => return Err(NoLock::Lost(loss)),
            end = self.until_turn(lease) => end,
            loss = self.until_taken(lease) => Ok(Some(loss)),
        };
        match end.map_err(|fault| call.no_lock(fault))? {
            None => Ok(()),
            Some(loss) => {
                granted.owner.lose(loss);
                Err(NoLock::Lost(loss))
            }
        }
    }

    /// Ends when the turn has come in every queue, or with the loss of a place. A turn that has come stays;
    /// but while it waited for the one, the place in the other may have gone: so it ends with a look at all
    /// of them.
    async fn until_turn(&self, lease: &SessionLease) -> Result<Option<Loss>, Fault> {
        let waiters = self.waiters(lease);
        loop {
            let mut all_at_once = true;
            for waiter in &waiters {
                match waiter.wait().await? {
                    ZkWaitEnd::HasTurn { at_once } => all_at_once &= at_once,
                    ZkWaitEnd::Lost(loss) => return Ok(Some(loss)),
                }
            }
            if all_at_once || waiters.len() == 1 {
                return Ok(None);
            }
        }
    }

    /// Ends when an operator has taken a place away: of several keys one may be the first in its queue,
    /// and be asked to let go, while it waits for another. A single one that is the first holds.
    async fn until_taken(&self, lease: &SessionLease) -> Loss {
        if self.request.keys().len() > 1 {
            hold::until_taken(self.nodes(lease)).await
        } else {
            std::future::pending().await
        }
    }

    /// Tells who is there, and leaves nothing behind, if ZooKeeper answers; else that goes with the
    /// session's end.
    async fn leave(
        &self,
        call: &Acquisition<'_>,
        lease: SessionLease,
    ) -> Result<Option<FirstInQueues>, NoLock> {
        let session = &lease.calls().session;
        let mut places = lease.calls().places().unwrap_or_default().iter();
        let mut found = None;
        for key in self.request.keys() {
            let lock = self.shared.ensemble.path(&node::of_key(key));
            let own = places.next().map(|place| place.standing.path.clone());
            let holder = found::holder(&self.shared.ensemble, session, &lock, own).await;
            let holder = holder.map_err(|fault| call.no_lock(fault))?;
            if let Some(holder) = holder {
                found = Some((key, holder));
                break;
            }
        }
        let _ = lease.release().await;
        if let Some((key, holder)) = found {
            let what = EventKind::Waiting {
                holder: holder.record,
                owner_key: Some(holder.owner_key),
                ahead: None,
                token: None,
            };
            self.shared.options.notify(Some(key), what);
        }
        Ok(None)
    }

    /// Asks for a session, and for places along with it.
    async fn ask(&self, alone: bool) -> Result<PlacedLease, NoLock> {
        let ensemble = &self.shared.ensemble;
        let keys = self.request.keys().iter();
        let mode = self.request.mode();
        let entry = PlaceEntry {
            locks: keys.map(|key| node::of_key(key)).collect(),
            name: ensemble
                .layout
                .fresh(&self.taking, mode)
                .map_err(NoLock::Failed)?,
            mode,
            alone,
        };
        let calls = ZkLease::new(ensemble, entry, &self.holder, self.ttl);
        let keeper = &self.shared.keeper;
        let mut lease = SessionLease::start(keeper, Arc::new(calls), self.ttl, &self.claim);
        let granted = lease.granted().await;
        let granted = granted.map_err(|error| NoLock::Failed(error.of_key(self.request.key())))?;
        Ok(PlacedLease { lease, granted })
    }

    fn waiters<'b>(&'b self, lease: &'b SessionLease) -> Vec<ZkWaiter<'b>> {
        let places = lease.calls().places().unwrap_or_default();
        let each = self.request.keys().iter().zip(places);
        let waiters = each.map(|(key, place)| ZkWaiter {
            shared: self.shared,
            session: &lease.calls().session,
            key,
            request: self.request,
            taking: &self.taking,
            own: &place.standing,
        });
        waiters.collect()
    }

    /// The nodes that stand for us.
    fn nodes(&self, lease: &SessionLease) -> Vec<HeldNode> {
        let places = lease.calls().places().unwrap_or_default();
        let each = self.request.keys().iter().zip(places);
        let nodes = each.map(|(key, place)| HeldNode {
            shared: self.shared.clone(),
            key: key.clone(),
            standing: place.standing.clone(),
            lease: lease.calls().clone(),
        });
        nodes.collect()
    }

    /// The turn has come: from now on the lease is that of a held lock.
    async fn ready(
        &self,
        call: &Acquisition<'_>,
        standing: PlacedLease,
        waited: bool,
    ) -> Result<FirstInQueues, NoLock> {
        let PlacedLease { lease, granted } = &standing;
        let mut ownership = granted.owner.ownership();
        let indexes = tokio::select! {
            loss = ownership.lost() => return Err(NoLock::Lost(loss)),
            indexes = self.indexes(lease) => indexes.map_err(|fault| call.no_lock(fault))?,
        };
        let fresh = lease.until_fresh(granted, waited).await;
        fresh.map_err(NoLock::Lost)?;
        Ok(FirstInQueues {
            standing,
            waited,
            indexes,
        })
    }

    /// Which of N holders it is, by key; nothing where there is one holder, or any number.
    async fn indexes(&self, lease: &SessionLease) -> Result<Vec<u32>, Fault> {
        let Mode::OneOf(holders) = self.request.mode() else {
            return Ok(Vec::new());
        };
        let (ensemble, session) = (&self.shared.ensemble, &lease.calls().session);
        let mut indexes = Vec::new();
        for key in self.request.keys() {
            let lock = node::of_key(key);
            indexes.push(index::take(ensemble, session, &lock, holders).await?);
        }
        Ok(indexes)
    }
}
