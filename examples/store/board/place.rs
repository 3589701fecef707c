//! A note of ours, from its writing until it is wiped off.

use std::sync::Arc;
use std::time::Duration;

use genlock::clock::{self, Instant};
use genlock::locker::{BoxFuture, Claim, Deadline, Owner, Possession};
use genlock::{EventKind, Loss, Options, Record, Result};
use tokio::task::JoinSet;

use super::Board;

/// A note that is wiped off when this is dropped, however a call or a lock ends.
pub(super) struct Place {
    pub(super) board: Board,
    pub(super) key: String,
    pub(super) token: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.board.wipe(&self.key, self.token);
    }
}

impl Place {
    /// How many notes are above ours.
    ///
    /// # Errors
    /// Ours is not there any more.
    pub(super) fn ahead(&self) -> Result<usize, Loss> {
        let notes = self.board.read(&self.key);
        let own = notes.iter().position(|note| note.token == self.token);
        own.ok_or(Loss::KeyDeleted)
    }

    /// Says to the owner's side what becomes of the note, for as long as the lock is held.
    async fn watch(self: Arc<Self>, owner: Owner, options: Options, end: Option<Instant>) {
        let mut changes = self.board.changes();
        let mut ownership = owner.ownership();
        loop {
            let notes = self.board.read(&self.key);
            match notes.iter().find(|note| note.token == self.token) {
                None => return owner.lose(Loss::KeyDeleted),
                Some(note) => {
                    let record = Record::from_json(&note.text);
                    if let Some(by) = record.and_then(|record| record.taken_away) {
                        options.notify(Some(&self.key), EventKind::TakenAway(by));
                        // The note stays: the holder may have something to stop first.
                        return owner.lose(Loss::TakenAway);
                    }
                }
            }
            tokio::select! {
                _ = changes.changed() => {}
                loss = ownership.lost() => {
                    owner.lose(loss);
                    // Past its deadline it is not ours; at the end of its TTL it is anybody's.
                    clock::until(end).await;
                    self.board.wipe(&self.key, self.token);
                    return;
                }
            }
        }
    }
}

/// What a held lock is in this store.
pub(super) struct HeldNote {
    place: Arc<Place>,
    /// Dropped, it ends the watch.
    _watching: JoinSet<()>,
    /// Last: its client's next call comes when nothing of this one is left.
    claim: Claim,
}

impl HeldNote {
    /// From `taken` on it is held: for good, or for a TTL. Gives the owner's side with it.
    pub(super) fn hold(
        place: Arc<Place>,
        claim: Claim,
        options: &Options,
        (taken, ttl): (Instant, Option<Duration>),
    ) -> (Owner, Self) {
        let deadline = ttl.map(|ttl| Deadline::granted(taken, ttl).instant());
        let owner = Owner::new(deadline);
        let mut watching = JoinSet::new();
        let end = ttl.map(|ttl| taken + ttl);
        watching.spawn(place.clone().watch(owner.clone(), options.clone(), end));
        let held = Self {
            place,
            _watching: watching,
            claim,
        };
        (owner, held)
    }
}

impl Possession for HeldNote {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        drop(self);
        Box::pin(std::future::ready(Ok(())))
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

/// Released or dropped, the note is gone before the claim is.
impl Drop for HeldNote {
    fn drop(&mut self) {
        self.place.board.wipe(&self.place.key, self.place.token);
    }
}
