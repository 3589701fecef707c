//! A lock that is held: its key is watched, and its place is the release.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::place::{GivenLock, LockKey, RedisPlace, mark_of};
use super::scripts::{HeldPlace, PlaceState};
use super::shared::RedisShared;
use crate::events::EventKind;
use crate::locker::keeper::LeaseHolding;
use crate::locker::{Claim, Grant, Held, Loss, Owner, Record, TakenAway};

/// The own key is watched only after so long: the locks of short commands are gone by then. The first
/// look sees what has happened until it.
const UNWATCHED: Duration = Duration::from_millis(100);

/// The key of several holders changes with each one's renewal: they look at it so often at most.
const CALM: Duration = Duration::from_millis(200);

/// The held lock of a place whose turn has come.
pub(super) fn held(
    shared: &Arc<RedisShared>,
    key: &str,
    given: GivenLock,
    holder: &Record,
    claim: Claim,
) -> Held {
    let (ttl, owner) = (given.granted.ttl, given.granted.owner);
    let place = given.lease.calls().clone();
    let owner_key = place.owner_key();
    let mut watching = JoinSet::new();
    let watch = KeyWatch {
        shared: shared.clone(),
        key: key.to_owned(),
        place,
        owner: owner.clone(),
    };
    watching.spawn(watch.run(given.waited.then(|| holder.clone())));
    let mut grant = Grant::new(key, given.token).with_owner_key(owner_key);
    grant.index = given.index;
    let holding = LeaseHolding::new(given.lease, watching, claim);
    let held = Held::new(grant, [], owner, Box::new(holding));
    held.with_ttl(ttl).told(&shared.options)
}

/// Ownership goes with the key, or with what somebody else writes to it.
struct KeyWatch {
    shared: Arc<RedisShared>,
    key: String,
    place: Arc<RedisPlace>,
    owner: Owner,
}

impl KeyWatch {
    /// Runs until the lock is lost; `stamp` is what to say anew of a holder who had to wait.
    async fn run(self, mut stamp: Option<Record>) {
        sleep(UNWATCHED).await;
        let mut standings = self.place.standings();
        loop {
            let standing = standings.borrow_and_update().clone();
            if let PlaceState::Holds(HeldPlace {
                mark: Some(mark), ..
            }) = standing
            {
                return self.taken_away(mark_of(&mark));
            }
            match self.place.check().await {
                Ok(LockKey::Ours(None)) => {}
                Ok(LockKey::Ours(by)) => return self.taken_away(by),
                Ok(LockKey::Deleted) => return self.owner.lose(Loss::KeyDeleted),
                Ok(LockKey::WrittenOver) => return self.owner.lose(Loss::KeyOverwritten),
                // The keeper tells, and the deadline runs.
                Err(_) => {
                    sleep(self.shared.options.retry_interval).await;
                    continue;
                }
            }
            if let Some(holder) = stamp.take() {
                // It is for people who look: no harm if it fails.
                let _ = self.place.stamp(&holder).await;
            }
            if self.place.is_shared() {
                sleep(CALM).await;
            }
            loop {
                tokio::select! {
                    () = self.place.listener().anything() => break,
                    changed = standings.changed() => {
                        let marked = matches!(
                            &*standings.borrow(),
                            PlaceState::Holds(held) if held.mark.is_some()
                        );
                        if marked || changed.is_err() {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn taken_away(&self, by: Option<TakenAway>) {
        // Nobody asks any more.
        if self.owner.ownership().loss().is_some() {
            return;
        }
        let what = EventKind::TakenAway(by.unwrap_or_default());
        self.shared.options.notify(Some(&self.key), what);
        self.owner.lose(Loss::TakenAway);
    }
}
