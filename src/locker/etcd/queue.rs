//! The queue of a lock: taking a place.

mod modes;

use std::sync::Arc;
use std::time::Duration;

use super::fault::Fault;
use super::lease::{self, EtcdLease, EtcdPlace};
use super::recipe::{PlaceAnswer, PutIf, Recipe};
use super::wait::{WaitEnd, Waiter};
use super::{Shared, enter, hold};
use crate::error::Result;
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::keeper::{Acquisition, Granted, Lease, NoLock};
use crate::locker::ownership::Owner;
use crate::locker::{Held, Loss, Mode, QueuePolicy, Record, Request};

/// The queue of one key, or those of several.
pub(super) struct EtcdQueue<'a> {
    shared: &'a Arc<Shared>,
    request: &'a Request,
    key: &'a str,
    ttl: Duration,
    /// Whether there is an event of every change ahead, and not only of one just ahead.
    follows: bool,
    /// One for each key.
    recipes: Vec<Recipe>,
    claim: Claim,
}

impl<'a> EtcdQueue<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, request: &'a Request, claim: Claim) -> Self {
        let options = &shared.options;
        let holder = request.holder(options);
        let of_key = |key: &String| Recipe::new(&shared.store, key, &holder);
        Self {
            shared,
            request,
            key: request.key(),
            ttl: request.ttl(options),
            follows: request.follows_queue(options),
            recipes: request.keys().iter().map(of_key).collect(),
            claim,
        }
    }

    /// Takes the lock; `None` if it does not wait, and another has it or waits for it.
    pub(super) async fn take(self, mut call: Acquisition<'_>) -> Result<Option<Held>> {
        loop {
            let taken = match (self.is_plain(), self.request.waits()) {
                (true, true) => self.stand(&mut call).await.map(Some),
                (true, false) => self.try_stand(&call).await,
                (false, true) => self.stand_in_each(&mut call).await.map(Some),
                (false, false) => self.try_each(&call).await,
            };
            match taken {
                Ok(place) => return Ok(place.map(|place| self.held(place))),
                Err(why) => call.again(why).await?,
            }
        }
    }

    fn held(self, place: EtcdPlace) -> Held {
        hold::held(self.shared, self.request, place, &self.recipes, self.claim)
    }

    /// Whether it is etcd's own recipe: one key, for one holder, in order.
    fn is_plain(&self) -> bool {
        let (mode, policy) = (self.request.mode(), self.request.queue());
        self.recipes.len() == 1 && mode == Mode::Exclusive && policy == QueuePolicy::Fifo
    }

    /// The one of the first key.
    fn recipe(&self) -> &Recipe {
        &self.recipes[0]
    }

    /// Takes a place at the end and stands there until its turn has come.
    async fn stand(&self, call: &mut Acquisition<'_>) -> Result<EtcdPlace, NoLock> {
        let (lease, granted, answer) = self.ask(call, PutIf::Always).await?;
        let mut place = self.place(lease, granted, &answer)?;
        call.has_place();
        if !answer.is_first {
            place.waited = true;
            call.has_to_wait();
            tokio::select! {
                loss = lost(&place.granted.owner) => return Err(NoLock::Lost(loss)),
                waited = self.wait(call, &place, answer.next) => waited?,
            }
        }
        self.keep(place).await
    }

    async fn try_stand(&self, call: &Acquisition<'_>) -> Result<Option<EtcdPlace>, NoLock> {
        let (lease, granted, mut answer) = self.ask(call, PutIf::IfNoneIsThere).await?;
        if answer.revision.is_none() {
            // The first key may be no contender's: of a longer name, or of another form. Whether
            // there is one behind it only the queue shows.
            let holder = answer
                .first
                .as_ref()
                .filter(|kv| self.recipe().contends(kv));
            if let Some(holder) = holder {
                self.notify(EventKind::Waiting {
                    holder: Record::from_json(holder.value()),
                    owner_key: Some(String::from_utf8_lossy(holder.key()).into_owned()),
                    ahead: None,
                    token: None,
                });
                leave(lease).await;
                return Ok(None);
            }
            answer = self
                .recipe()
                .submit(PutIf::Always, lease.calls().id)
                .await
                .map_err(|fault| call.no_lock(fault))?;
        }
        let place = self.place(lease, granted, &answer)?;
        if !answer.is_first {
            let look = self
                .recipe()
                .look(&place.own, place.revision)
                .await
                .map_err(|fault| call.no_lock(fault))?;
            if let Some(loss) = look.loss(place.revision) {
                place.granted.owner.lose(loss);
                return Err(NoLock::Lost(loss));
            }
            if !look.ahead.is_empty() {
                self.notify(EventKind::Waiting {
                    owner_key: look.owner_key(),
                    holder: look.holder,
                    ahead: None,
                    token: None,
                });
                leave(place.lease).await;
                return Ok(None);
            }
        }
        self.keep(place).await.map(Some)
    }

    /// Asks for a lease and then, with that, for a place.
    ///
    /// Never for both at once, though that saves a round trip: where etcd takes the place first it refuses it, and
    /// a member of 3.4 that is killed just after it has granted the lease takes it when it goes through its log
    /// again, since the lease is there by now: how far it had come is kept only where a key has changed
    /// (storeTxnWrite.End, mvcc/kvstore_txn.go). Its peers have refused it, and from then on they disagree about
    /// revisions and about who is in the queue.
    async fn ask(
        &self,
        call: &Acquisition<'_>,
        entry: PutIf,
    ) -> Result<(Lease<EtcdLease>, Granted, PlaceAnswer), NoLock> {
        let id = lease::fresh_id().map_err(NoLock::Failed)?;
        let owns = self.recipes.iter().map(|recipe| recipe.own(id)).collect();
        let calls = EtcdLease::new(&self.shared.store, id, owns, self.ttl);
        let keeper = &self.shared.keeper;
        let mut lease = Lease::start(keeper, Arc::new(calls), self.ttl, &self.claim);
        let granted = lease.granted().await.map_err(NoLock::Failed)?;
        let answer = self.submit(entry, id).await;
        Ok((lease, granted, answer.map_err(|fault| call.no_lock(fault))?))
    }

    async fn submit(&self, entry: PutIf, lease: i64) -> Result<PlaceAnswer, Fault> {
        match self.is_plain() {
            true => self.recipe().submit(entry, lease).await,
            false => enter::enter(&self.shared.store, &self.recipes, lease).await,
        }
    }

    /// Waits until nobody is ahead; `next` is the key just ahead, if it is known.
    async fn wait(
        &self,
        call: &Acquisition<'_>,
        place: &EtcdPlace,
        next: Option<Vec<u8>>,
    ) -> Result<(), NoLock> {
        let waiter = Waiter {
            shared: self.shared,
            recipe: self.recipe(),
            key: self.key,
            follows: self.follows,
            own: &place.own,
            revision: place.revision,
        };
        match waiter
            .wait(next)
            .await
            .map_err(|fault| call.no_lock(fault))?
        {
            WaitEnd::IsFirst => Ok(()),
            WaitEnd::Lost(loss) => {
                place.granted.owner.lose(loss);
                Err(NoLock::Lost(loss))
            }
        }
    }

    fn place(
        &self,
        lease: Lease<EtcdLease>,
        granted: Granted,
        answer: &PlaceAnswer,
    ) -> Result<EtcdPlace, NoLock> {
        let Some(revision) = answer.revision else {
            return Err(NoLock::Lost(Loss::KeyDeleted));
        };
        lease.calls().set_may_be_detached(true);
        Ok(EtcdPlace {
            own: self.recipe().own(lease.calls().id),
            lease,
            granted,
            revision,
            waited: false,
            indexes: Vec::new(),
        })
    }

    /// The turn has come: from now on the lease is that of a held lock.
    async fn keep(&self, place: EtcdPlace) -> Result<EtcdPlace, NoLock> {
        let fresh = place.lease.until_fresh(&place.granted, place.waited).await;
        fresh.map_err(NoLock::Lost)?;
        Ok(place)
    }

    fn notify(&self, what: EventKind) {
        self.shared.options.notify(Some(self.key), what);
    }
}

/// Leaves neither key nor lease, if etcd answers; else they go at the end of the TTL.
async fn leave(lease: Lease<EtcdLease>) {
    let _ = lease.release().await;
}

async fn lost(owner: &Owner) -> Loss {
    owner.ownership().lost().await
}
