//! The queues of the store: who is in them, and who of these holds the lock.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{StoreContents, StoredChange, owner_key};
use crate::clock::Instant;
use crate::locker::operator::{ChangeKind, Contender};
use crate::locker::{Mode, Options, QueuePolicy, Record, Request};

/// A place that is asked for.
pub(super) struct MemoryEntry {
    pub(super) keys: Vec<String>,
    pub(super) mode: Mode,
    pub(super) policy: QueuePolicy,
    pub(super) ttl: Duration,
    /// What it says of itself, as it is kept: JSON.
    pub(super) value: Vec<u8>,
    /// Whether it is taken only if it holds the lock at once.
    at_once: bool,
}

impl MemoryEntry {
    /// That of this request, of a client with these options.
    pub(super) fn new(request: &Request, options: &Options) -> Self {
        Self {
            keys: request.keys().to_vec(),
            mode: request.mode(),
            policy: request.queue(),
            ttl: request.ttl(options),
            value: request.holder(options).to_json(),
            at_once: !request.waits(),
        }
    }
}

/// A holder or waiter, as the store has it: one for each key.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) token: u64,
    /// What it says of itself, as it is kept: JSON.
    pub(super) value: Vec<u8>,
    pub(super) mode: Mode,
    pub(super) policy: QueuePolicy,
    pub(super) ttl: Duration,
    pub(super) expiry: Instant,
    /// Whether its turn has come.
    pub(super) holds: bool,
    /// Which of N holders it is.
    pub(super) index: Option<u32>,
    /// Its client is gone, and it stays until it runs out.
    pub(super) is_left: bool,
}

impl Stored {
    pub(super) fn contender(&self, key: &str) -> Contender {
        Contender::new(owner_key(key, self.token))
            .with_token(self.token)
            .with_index(self.index)
            .with_record(Record::from_json(&self.value))
    }
}

/// Why a place was not taken.
pub(super) enum NotEntered {
    /// These are ahead, and it was not to wait.
    Behind(Box<Ahead>),
    /// In the queue of this key another number of holders is asked for.
    OtherLimit(String, u32),
}

/// The contenders ahead of one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ahead {
    /// In whose queue.
    pub(super) key: String,
    pub(super) holder: Contender,
    /// The token of the one just ahead.
    pub(super) next: u64,
    pub(super) count: u64,
    /// When the first of them runs out.
    pub(super) expiry: Instant,
}

impl Ahead {
    /// `queue` is the part of the queue ahead. `None` if that is empty.
    pub(super) fn of(key: &str, queue: &[Stored]) -> Option<Self> {
        let expiry = queue.iter().map(|one| one.expiry).min()?;
        Some(Self {
            key: key.to_owned(),
            holder: queue.first()?.contender(key),
            next: queue.last()?.token,
            count: queue.len() as u64,
            expiry,
        })
    }
}

fn modes(queue: &[Stored]) -> impl Iterator<Item = Mode> {
    queue.iter().map(|one| one.mode)
}

impl StoreContents {
    pub(super) fn queue(&self, key: &str) -> &[Stored] {
        self.queues.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, key: &str, token: u64) -> Option<&Stored> {
        self.queue(key).iter().find(|stored| stored.token == token)
    }

    /// Refuses what may not enter the queues.
    pub(super) fn check(&self, entry: &MemoryEntry) -> Result<(), NotEntered> {
        for key in &entry.keys {
            let queue = self.queue(key);
            if let Some(limit) = entry.mode.other_limit(modes(queue)) {
                return Err(NotEntered::OtherLimit(key.clone(), limit));
            }
            let behind = entry.at_once && !entry.mode.may_hold(modes(queue));
            if let Some(ahead) = Ahead::of(key, queue).filter(|_| behind) {
                return Err(NotEntered::Behind(Box::new(ahead)));
            }
        }
        Ok(())
    }

    /// Changes one, in the queues of all its keys. False if it is not in all of them, or left there.
    pub(super) fn change_all(
        &mut self,
        keys: &[String],
        token: u64,
        mut change: impl FnMut(&mut Stored),
    ) -> bool {
        let is_there = |key: &String| self.find(key, token).is_some_and(|one| !one.is_left);
        if !keys.iter().all(is_there) {
            return false;
        }
        for key in keys {
            let queue = self.queues.get_mut(key).into_iter().flatten();
            queue.filter(|one| one.token == token).for_each(&mut change);
        }
        true
    }

    /// Tells of the one that is the last of the queue by now.
    pub(super) fn entered(&mut self, key: &str) {
        self.let_hold(key);
        let last = self.queue(key).last().filter(|one| !one.holds).cloned();
        if let Some(last) = last {
            self.tell(key, &last, ChangeKind::Queued);
        }
    }

    /// Gives the lock to all whose turn has come. One of N has the lowest index that is free.
    fn let_hold(&mut self, key: &str) {
        let queue = self
            .queues
            .get_mut(key)
            .map_or(&mut [][..], Vec::as_mut_slice);
        let mut acquired = Vec::new();
        for at in 0..queue.len() {
            let (ahead, rest) = queue.split_at_mut(at);
            let one = &mut rest[0];
            if !one.mode.may_hold(modes(ahead)) {
                break;
            }
            if !one.holds {
                one.holds = true;
                if let Mode::OneOf(holders) = one.mode {
                    let taken: BTreeSet<_> = ahead.iter().filter_map(|one| one.index).collect();
                    one.index = (0..holders).find(|index| !taken.contains(index));
                }
                acquired.push(one.clone());
            }
        }
        for one in &acquired {
            self.tell(key, one, ChangeKind::Acquired);
        }
    }

    /// Removes what has run out. Whether there was any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let each = self.queues.iter().flat_map(|(key, queue)| {
            let over = queue.iter().filter(|stored| stored.expiry <= now);
            over.map(|stored| (key.clone(), stored.token))
        });
        let over: Vec<_> = each.collect();
        for (key, token) in &over {
            self.remove(key, *token, ChangeKind::Expired);
        }
        self.marks.retain(|mark| mark.expiry > now);
        !over.is_empty()
    }

    /// Removes one, if it is there; `why` is what happens if it holds the lock.
    pub(super) fn remove(&mut self, key: &str, token: u64, why: ChangeKind) -> bool {
        let Some(queue) = self.queues.get_mut(key) else {
            return false;
        };
        let Some(at) = queue.iter().position(|stored| stored.token == token) else {
            return false;
        };
        let gone = queue.remove(at);
        if queue.is_empty() {
            self.queues.remove(key);
        }
        let kind = if gone.holds { why } else { ChangeKind::Left };
        self.tell(key, &gone, kind);
        self.let_hold(key);
        true
    }

    pub(super) fn tell(&mut self, key: &str, stored: &Stored, kind: ChangeKind) {
        self.followers.retain(|follower| {
            let change = StoredChange {
                key: key.to_owned(),
                contender: stored.contender(key),
                kind,
            };
            follower.send(change).is_ok()
        });
    }
}
