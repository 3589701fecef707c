//! Taking a place where others may hold too, or in several queues at once.

use tokio::time::sleep;

use super::super::index::{self, IndexClaim, IndexKey};
use super::super::turns::{First, NoTurn, Turns};
use super::*;

impl EtcdQueue<'_> {
    /// As [`EtcdQueue::stand`].
    pub(super) async fn stand_in_each(
        &self,
        call: &mut Acquisition<'_>,
    ) -> Result<EtcdPlace, NoLock> {
        let (lease, granted, answer) = self.ask(call, PutIf::Always).await?;
        let mut place = self.place(lease, granted, &answer)?;
        call.has_place();
        let owner = place.granted.owner.clone();
        let turn = tokio::select! {
            loss = lost(&owner) => Err(NoLock::Lost(loss)),
            turn = self.until_turn(call, &mut place, answer.is_first) => turn,
        };
        match turn {
            Ok(()) => self.keep(place).await,
            Err(why) => {
                if let NoLock::Lost(loss) = why {
                    owner.lose(loss);
                }
                leave(place.lease).await;
                Err(why)
            }
        }
    }

    /// Waits until the place holds in every queue, and has an index where there are some.
    async fn until_turn(
        &self,
        call: &mut Acquisition<'_>,
        place: &mut EtcdPlace,
        is_first: bool,
    ) -> Result<(), NoLock> {
        let turns = self.turns(Some(place));
        let has_turn = match is_first {
            true => true,
            false => match turns.look().await {
                Ok(First::Turn) => true,
                Ok(First::Lost(loss)) => return Err(NoLock::Lost(loss)),
                // Who waits asks again.
                Ok(First::Waits(_)) => false,
                Err(NoTurn::Failed(fault)) => {
                    fault.may_pass().map_err(|fault| call.no_lock(fault))?;
                    false
                }
                Err(why) => return Err(why.no_lock(call)),
            },
        };
        if !has_turn {
            place.waited = true;
            call.has_to_wait();
            let waited = turns.wait().await;
            if let WaitEnd::Lost(loss) = waited.map_err(|why| why.no_lock(call))? {
                return Err(NoLock::Lost(loss));
            }
        }
        loop {
            match self.indexes(place).await {
                Ok(Some(indexes)) => {
                    self.has(place, indexes);
                    return Ok(());
                }
                Ok(None) => {}
                Err(Unindexed::Lost(loss)) => return Err(NoLock::Lost(loss)),
                Err(Unindexed::Failed(fault)) => {
                    let reason = fault.may_pass().map_err(|fault| call.no_lock(fault))?;
                    self.notify(EventKind::Retrying(reason.to_string()));
                }
            }
            place.waited = true;
            call.has_to_wait();
            sleep(self.shared.options.retry_interval).await;
        }
    }

    /// As [`EtcdQueue::try_stand`]. It looks first, so that it is in nobody's way.
    pub(super) async fn try_each(
        &self,
        call: &Acquisition<'_>,
    ) -> Result<Option<EtcdPlace>, NoLock> {
        let fails = |why: NoTurn| why.no_lock(call);
        let turns = self.turns(None);
        if let First::Waits(ahead) = turns.look().await.map_err(fails)? {
            turns.tell_once(&ahead);
            return Ok(None);
        }
        let (lease, granted, answer) = self.ask(call, PutIf::Always).await?;
        let place = self.place(lease, granted, &answer)?;
        if !answer.is_first {
            match self.turns(Some(&place)).look().await.map_err(fails)? {
                First::Turn => {}
                First::Lost(loss) => {
                    place.granted.owner.lose(loss);
                    return Err(NoLock::Lost(loss));
                }
                First::Waits(ahead) => {
                    turns.tell_once(&ahead);
                    leave(place.lease).await;
                    return Ok(None);
                }
            }
        }
        let mut place = place;
        match self.indexes(&place).await {
            Ok(Some(indexes)) => self.has(&mut place, indexes),
            Ok(None) => {
                leave(place.lease).await;
                return Ok(None);
            }
            Err(Unindexed::Lost(loss)) => {
                place.granted.owner.lose(loss);
                return Err(NoLock::Lost(loss));
            }
            Err(Unindexed::Failed(fault)) => return Err(call.no_lock(fault)),
        }
        self.keep(place).await.map(Some)
    }

    fn turns(&self, place: Option<&EtcdPlace>) -> Turns<'_> {
        Turns {
            shared: self.shared,
            request: self.request,
            recipes: &self.recipes,
            follows: self.follows,
            place: place.map(|place| (place.lease.calls().id, place.revision)),
        }
    }

    /// Takes an index for each key, where there are some; `None` if there is none yet.
    async fn indexes(&self, place: &EtcdPlace) -> Result<Option<Vec<IndexKey>>, Unindexed> {
        let Mode::OneOf(most) = self.request.mode() else {
            return Ok(Some(Vec::new()));
        };
        let store = &self.shared.store;
        let of = (place.lease.calls().id, place.revision);
        let mut indexes = Vec::new();
        for recipe in &self.recipes {
            let claimed = index::claim(store, recipe, of, most).await;
            match claimed.map_err(|fault| Unindexed::Failed(index::denied(fault, recipe)))? {
                IndexClaim::Ours(index) => indexes.push(index),
                IndexClaim::NoneIsFree => return Ok(None),
                IndexClaim::Lost(loss) => return Err(Unindexed::Lost(loss)),
            }
        }
        Ok(Some(indexes))
    }

    fn has(&self, place: &mut EtcdPlace, indexes: Vec<IndexKey>) {
        place.lease.calls().has_indexes(&indexes);
        place.indexes = indexes;
    }
}

/// Why there is no index.
enum Unindexed {
    Lost(Loss),
    Failed(Fault),
}
