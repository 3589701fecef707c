//! Taking a lock: at once, or by a place in its queue.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use super::hold;
use super::names::LockNames;
use super::place::{GivenLock, RedisLease, RedisPlace};
use super::reply::RedisCommand;
use super::scripts::{LockHolder, PlaceRequest, PlaceState, QueuePlace};
use super::shared::RedisShared;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::locker::keeper::{Acquisition, NoLock};
use crate::locker::{Claim, Held, Loss, Record, Request};

/// A wait that is over by then tells nobody whom it waits for.
const SOON: Duration = Duration::from_millis(100);

/// One call for the lock of one key.
pub(super) struct RedisQueue<'a> {
    shared: &'a Arc<RedisShared>,
    key: &'a str,
    ttl: Duration,
    /// Whether it tells of all that moves ahead.
    follows: bool,
    waits: bool,
    holder: Record,
    request: &'a Request,
    claim: Claim,
}

/// Why a lock was not given, or not kept.
enum NotGiven {
    Busy(Box<LockHolder>),
    No(NoLock),
}

impl From<NoLock> for NotGiven {
    fn from(why: NoLock) -> Self {
        Self::No(why)
    }
}

/// What was told last: how many are ahead, where all of them are followed, and whose lock it is.
type ToldAhead = (Option<u64>, LockHolder);

impl<'a> RedisQueue<'a> {
    pub(super) fn new(shared: &'a Arc<RedisShared>, request: &'a Request, claim: Claim) -> Self {
        let options = &shared.options;
        Self {
            shared,
            key: request.key(),
            ttl: request.ttl(options),
            follows: request.follows_queue(options),
            waits: request.waits(),
            holder: request.holder(options),
            request,
            claim,
        }
    }

    /// Takes the lock; `None` if it does not wait, and another holds.
    pub(super) async fn take(self, mut call: Acquisition<'_>) -> Result<Option<Held>> {
        loop {
            match self.stand(&mut call).await {
                Ok(given) => {
                    let held = hold::held(self.shared, self.key, given, &self.holder, self.claim);
                    return Ok(Some(held));
                }
                Err(NotGiven::Busy(holder)) => {
                    self.tell_busy(*holder);
                    return Ok(None);
                }
                Err(NotGiven::No(why)) => call.again(why).await?,
            }
        }
    }

    /// Takes the lock, or a place at the end of its queue and stands there until its turn has come.
    async fn stand(&self, call: &mut Acquisition<'_>) -> Result<GivenLock, NotGiven> {
        let shared = self.shared;
        let place = RedisPlace::new(&shared.store, self.key, self.for_place());
        let place = Arc::new(place.map_err(NoLock::Failed)?);
        let mut lease = RedisLease::start(&shared.keeper, place.clone(), self.ttl, &self.claim);
        let granted = match lease.granted().await {
            Ok(granted) => granted,
            Err(error) => {
                return Err(match place.standing() {
                    PlaceState::Busy(holder) => NotGiven::Busy(Box::new(holder)),
                    PlaceState::OtherMaxHolders(_) | PlaceState::Superseded => {
                        self.without_place(place.standing()).into()
                    }
                    _ => self.failed(error).into(),
                });
            }
        };
        if let Some(why) = place.untold() {
            let what = format!(
                "redis does not tell of keys that change ({why}): a loss is seen with the next renewal"
            );
            self.notify(EventKind::Limited(what));
        }
        call.has_place();
        let mut given = GivenLock {
            lease,
            granted,
            token: 0,
            index: None,
            waited: false,
        };
        given.token = match place.standing() {
            PlaceState::Waits(at) => {
                given.waited = true;
                call.has_to_wait();
                let mut ownership = given.granted.owner.ownership();
                tokio::select! {
                    loss = ownership.lost() => {
                        return Err(match place.standing() {
                            superseded @ PlaceState::Superseded => self.without_place(superseded),
                            _ => NoLock::Lost(loss),
                        }
                        .into());
                    }
                    waited = self.wait(&place) => waited?,
                }
                at.ticket
            }
            PlaceState::Holds(held) => held.token,
            other => return Err(self.without_place(other).into()),
        };
        if let PlaceState::Holds(held) = place.standing() {
            given.index = held.index;
        }
        let fresh = given.lease.until_fresh(&given.granted, given.waited).await;
        fresh.map_err(NoLock::Lost)?;
        Ok(given)
    }

    /// Waits until the lock is given to this place.
    async fn wait(&self, place: &RedisPlace) -> Result<(), NotGiven> {
        let mut standings = place.standings();
        let mut quiet = pin!(sleep(SOON));
        let (mut told, mut watched) = (None, false);
        loop {
            let at = match standings.borrow_and_update().clone() {
                PlaceState::Holds(_) => return Ok(()),
                PlaceState::Waits(at) => at,
                other => return Err(self.without_place(other).into()),
            };
            if self.follows || quiet.is_elapsed() {
                self.tell(place, &at, &mut told);
            }
            let is_first = at.rank == 0;
            let asks_now = !watched && (is_first || self.follows);
            if !asks_now {
                let asked = self.asked(place, &at);
                tokio::select! {
                    biased;
                    () = place.listener().anything() => {
                        if place.is_told_to_hold() {
                            return Ok(());
                        }
                    }
                    _ = standings.changed() => continue,
                    () = &mut quiet, if !quiet.is_elapsed() => continue,
                    () = asked => {}
                }
            }
            // Who is next will be the first soon.
            let keys = self.watched(place, at.rank <= 1);
            watched = is_first || self.follows;
            self.look(place, keys).await?;
        }
    }

    /// Ends when the turn may have come without a word.
    async fn asked(&self, place: &RedisPlace, at: &QueuePlace) {
        let poll = (at.rank == 0 && place.untold().is_some())
            .then_some(self.shared.options.retry_interval);
        // By then it surely has run out.
        let over = at.pause.map(|pause| pause + Duration::from_millis(1));
        match [poll, over].into_iter().flatten().min() {
            Some(pause) => sleep_until(tokio::time::Instant::now() + pause).await,
            None => std::future::pending().await,
        }
    }

    /// What is read with the wish to be told.
    fn watched(&self, place: &RedisPlace, key: bool) -> Vec<RedisCommand> {
        let mut commands = Vec::new();
        if key || self.follows {
            commands.extend(place.watched_key());
        }
        if self.follows {
            commands.extend(place.watched_queue());
        }
        commands
    }

    /// Looks once, however long that takes.
    async fn look(&self, place: &RedisPlace, watched: Vec<RedisCommand>) -> Result<(), NotGiven> {
        loop {
            match place.look(watched.clone()).await {
                Ok(_) => return Ok(()),
                Err(fault) => {
                    let reason = fault.may_pass();
                    let reason = reason.map_err(|fault| self.failed(fault.into()))?;
                    self.notify(EventKind::Retrying(reason.to_string()));
                    sleep(self.shared.options.retry_interval).await;
                }
            }
        }
    }

    fn tell(&self, place: &RedisPlace, at: &QueuePlace, told: &mut Option<ToldAhead>) {
        let ahead = at.rank + at.holders;
        let state = (self.follows.then_some(ahead), at.holder.clone());
        if told.as_ref() == Some(&state) {
            return;
        }
        *told = Some(state);
        self.notify(EventKind::Waiting {
            owner_key: at.holder.owner_key(&place.names),
            holder: at.holder.record.clone(),
            ahead: Some(ahead),
            token: Some(at.ticket),
        });
    }

    fn tell_busy(&self, holder: LockHolder) {
        let names = LockNames::of(self.key);
        self.notify(EventKind::Waiting {
            owner_key: holder.owner_key(&names),
            holder: holder.record,
            ahead: None,
            token: None,
        });
    }

    fn notify(&self, what: EventKind) {
        self.shared.options.notify(Some(self.key), what);
    }

    fn for_place(&self) -> PlaceRequest {
        PlaceRequest {
            ttl: self.ttl,
            record: self.holder.to_json(),
            mode: self.request.mode(),
            queue: self.request.queue(),
            waits: self.waits,
        }
    }

    /// Why there is none, by the newest answer.
    fn without_place(&self, standing: PlaceState) -> NoLock {
        NoLock::Failed(match standing {
            PlaceState::OtherMaxHolders(said) => self.request.other_limit(self.key, said),
            PlaceState::Superseded => self.request.superseded(self.key),
            _ => return NoLock::Lost(Loss::LeaseGone),
        })
    }

    fn failed(&self, error: Error) -> NoLock {
        NoLock::Failed(match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Closed => error,
            _ => error.of_key(self.key),
        })
    }
}
