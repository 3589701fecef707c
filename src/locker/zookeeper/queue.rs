//! Taking a lock: a place in its queue, and the turn of that.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::enter::{PlaceEntry, ZkPlace};
use super::lease::{SessionLease, ZkLease};
use super::wait::{Turn, ZkWaiter};
use super::{ZkShared, hold, inspect, node};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::locker::claims::{Claim, Claims};
use crate::locker::keeper::{self, Granted};
use crate::locker::net::fault::Fault;
use crate::locker::{Held, Record, Request};
use crate::loss::Loss;

/// The taking of one lock.
pub(super) struct ZkAcquisition<'a> {
    shared: &'a Arc<ZkShared>,
    key: &'a str,
    ttl: Duration,
    /// Whether it tells of all that moves ahead.
    follows: bool,
    holder: Record,
    claim: Claim,
}

/// A place whose turn has come.
struct Turned {
    lease: SessionLease,
    granted: Granted,
    place: ZkPlace,
    /// Whether there was somebody ahead.
    waited: bool,
}

/// Why a place was not taken or kept.
enum ZkStop {
    Lost(Loss),
    Failed(Error),
}

impl<'a> ZkAcquisition<'a> {
    pub(super) fn new(shared: &'a Arc<ZkShared>, request: &'a Request, claim: Claim) -> Self {
        let options = &shared.options;
        Self {
            shared,
            key: request.key(),
            ttl: request.ttl(options),
            follows: request.follows_queue(options),
            holder: request.holder(options),
            claim,
        }
    }

    /// Waits for the lock.
    pub(super) async fn lock(self) -> Result<Held> {
        let (mut queued, mut waited) = (false, false);
        loop {
            match self.stand(&mut queued, &mut waited).await {
                Ok(turned) => return Ok(self.held(turned)),
                Err(ZkStop::Lost(Loss::Closed)) => return Err(Claims::closed(self.key)),
                Err(ZkStop::Lost(Loss::Expired)) if !waited => return Err(self.too_late()),
                Err(ZkStop::Lost(loss)) => self.notify(EventKind::PlaceLost(loss)),
                // Once in the queue, a store that is away is waited for as a holder is.
                Err(ZkStop::Failed(error)) if queued && error.kind() == ErrorKind::Unavailable => {
                    self.notify(EventKind::Retrying(error.to_string()));
                }
                Err(ZkStop::Failed(error)) => return Err(error),
            }
            sleep(self.shared.options.retry_interval).await;
        }
    }

    /// Takes the lock if nobody has it or waits for it.
    pub(super) async fn try_lock(self) -> Result<Option<Held>> {
        match self.try_stand().await {
            Ok(turned) => Ok(turned.map(|turned| self.held(turned))),
            Err(ZkStop::Lost(Loss::Closed)) => Err(Claims::closed(self.key)),
            Err(ZkStop::Lost(Loss::Expired)) => Err(self.too_late()),
            Err(ZkStop::Lost(loss)) => {
                let why = format!("taken and lost at once: {loss}");
                Err(Error::new(ErrorKind::Unavailable, why).of_key(self.key))
            }
            Err(ZkStop::Failed(error)) => Err(error),
        }
    }

    fn held(self, turned: Turned) -> Held {
        let Turned {
            lease,
            granted,
            place,
            waited,
        } = turned;
        let standing = place.standing;
        hold::held(
            self.shared,
            self.key,
            (lease, granted),
            standing,
            (waited, self.claim),
        )
    }

    /// Takes a place at the end and stands there until its turn has come.
    async fn stand(&self, queued: &mut bool, waited: &mut bool) -> Result<Turned, ZkStop> {
        let (lease, granted) = self.ask(false).await?;
        let place = self.place(&lease)?;
        *queued = true;
        let waiter = self.waiter(&lease, &place);
        let ahead = waiter.ahead(place.children.clone());
        let waits = ahead.is_none_or(|ahead| !ahead.is_empty());
        if waits {
            *waited = true;
            let mut ownership = granted.owner.ownership();
            tokio::select! {
                loss = ownership.lost() => return Err(ZkStop::Lost(loss)),
                turn = waiter.wait() => match turn.map_err(|fault| self.stop(fault))? {
                    Turn::Come => {}
                    Turn::Lost(loss) => {
                        granted.owner.lose(loss);
                        return Err(ZkStop::Lost(loss));
                    }
                }
            }
        }
        self.ready(lease, granted, place, waits).await
    }

    async fn try_stand(&self) -> Result<Option<Turned>, ZkStop> {
        let (lease, granted) = self.ask(true).await?;
        // Somebody was there at the first look.
        let Some(place) = lease.calls().place().cloned() else {
            return self.leave(lease).await;
        };
        let waiter = self.waiter(&lease, &place);
        match waiter.ahead(place.children.clone()) {
            None => Err(ZkStop::Lost(Loss::KeyDeleted)),
            Some(ahead) if ahead.is_empty() => {
                let ready = self.ready(lease, granted, place, false);
                ready.await.map(Some)
            }
            Some(_) => self.leave(lease).await,
        }
    }

    /// Tells who is there, and leaves nothing behind, if ZooKeeper answers; else that goes with the
    /// session's end.
    async fn leave(&self, lease: SessionLease) -> Result<Option<Turned>, ZkStop> {
        let session = &lease.calls().session;
        let lock = self.shared.ensemble.path(&node::of_key(self.key));
        let own = lease
            .calls()
            .place()
            .map(|place| place.standing.path.clone());
        let found = inspect::holder(&self.shared.ensemble, session, &lock, own).await;
        let holder = found.map_err(|fault| self.stop(fault))?;
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
    async fn ask(&self, alone: bool) -> Result<(SessionLease, Granted), ZkStop> {
        let ensemble = &self.shared.ensemble;
        let entry = PlaceEntry {
            lock: node::of_key(self.key),
            name: ensemble.layout.fresh().map_err(ZkStop::Failed)?,
            alone,
        };
        let calls = ZkLease::new(ensemble, entry, &self.holder, self.ttl);
        let keeper = &self.shared.keeper;
        let mut lease = SessionLease::start(keeper, Arc::new(calls), self.ttl, &self.claim);
        let granted = lease.granted().await;
        let granted = granted.map_err(|error| ZkStop::Failed(error.of_key(self.key)))?;
        Ok((lease, granted))
    }

    fn place(&self, lease: &SessionLease) -> Result<ZkPlace, ZkStop> {
        let place = lease.calls().place().cloned();
        place.ok_or(ZkStop::Lost(Loss::KeyDeleted))
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
    ) -> Result<Turned, ZkStop> {
        let turned = lease.take_turn(&granted, waited).await;
        turned.map_err(ZkStop::Lost)?;
        Ok(Turned {
            lease,
            granted,
            place,
            waited,
        })
    }

    /// Nobody was waited for, and it would be taken in vain again.
    fn too_late(&self) -> Error {
        keeper::too_late("ZooKeeper", self.ttl).of_key(self.key)
    }

    fn notify(&self, what: EventKind) {
        self.shared.options.notify(Some(self.key), what);
    }

    fn stop(&self, fault: Fault) -> ZkStop {
        match fault {
            Fault::LeaseNotFound => ZkStop::Lost(Loss::LeaseGone),
            Fault::Refused(error) => ZkStop::Failed(error.of_key(self.key)),
            fault => ZkStop::Failed(fault.into()),
        }
    }
}
