//! Who is ahead of a place in a queue, and in which mode: as it was read, and then kept up to date by what
//! a watch tells.

use std::collections::BTreeMap;

use etcd_client::{Event, EventType};

use super::contenders::QueueKey;
use crate::locker::{Loss, Mode};

/// The queue of one key, seen from a place in it.
pub(super) struct QueueAhead {
    /// The revision that it is of.
    at: i64,
    place: OwnPlace,
    /// Why the place is lost.
    loss: Option<Loss>,
    /// By the create revision, the oldest first.
    ahead: BTreeMap<i64, QueueKey>,
    /// Whether somebody came later who sends older waiters away.
    newer_latest: bool,
    /// Whether it has to be read anew: our key, or one ahead, was written over or is gone.
    is_stale: bool,
}

/// Where one stands.
#[derive(Clone)]
pub(super) struct OwnPlace {
    /// The key that stands for us; `None` of one who only thinks of standing at the end.
    pub(super) own: Option<Vec<u8>>,
    /// Its create revision.
    pub(super) revision: i64,
}

impl OwnPlace {
    /// At the end of the queue.
    pub(super) fn end() -> Self {
        Self {
            own: None,
            revision: i64::MAX,
        }
    }
}

impl QueueAhead {
    /// Of a queue as it was at a revision.
    pub(super) fn of((mut queue, at): (BTreeMap<i64, QueueKey>, i64), place: OwnPlace) -> Self {
        let mut later = queue.split_off(&place.revision);
        let own = later.remove(&place.revision);
        let loss = place.own.as_ref().and_then(|key| match own {
            Some(own) if own.key != *key => Some(Loss::KeyDeleted),
            // Its owner does not write to it while it waits.
            Some(own) if own.modified != own.revision => Some(Loss::KeyOverwritten),
            Some(_) => None,
            None => Some(Loss::KeyDeleted),
        });
        Self {
            at,
            place,
            loss,
            ahead: queue,
            newer_latest: later.values().any(QueueKey::is_latest),
            is_stale: false,
        }
    }

    /// Why the place is lost.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Whether the turn has come for a holder in this mode.
    pub(super) fn may_hold(&self, mode: Mode) -> bool {
        mode.may_hold(self.modes())
    }

    /// How many holders one of those ahead allows, if that is another number than ours.
    pub(super) fn other_limit(&self, mode: Mode) -> Option<u32> {
        mode.other_limit(self.modes())
    }

    fn modes(&self) -> impl Iterator<Item = Mode> {
        self.ahead.values().map(QueueKey::mode)
    }

    /// Whether somebody came later who sends older waiters away.
    pub(super) fn newer_latest(&self) -> bool {
        self.newer_latest
    }

    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Whether the key of one of them was written over, so that no watch may show its end.
    pub(super) fn in_doubt(&self) -> bool {
        self.ahead.values().any(QueueKey::in_doubt)
    }

    /// The oldest of them, who holds.
    pub(super) fn first(&self) -> Option<&QueueKey> {
        self.ahead.values().next()
    }

    /// The one just ahead.
    pub(super) fn last(&self) -> Option<&QueueKey> {
        self.ahead.values().next_back()
    }

    pub(super) fn count(&self) -> u64 {
        self.ahead.len() as u64
    }

    /// Notes what has happened to a key of the queue. Who is ahead stays so until its key is gone,
    /// in the mode in which it came.
    pub(super) fn note(&mut self, event: &Event) {
        let Some(kv) = event.kv().filter(|kv| kv.mod_revision() > self.at) else {
            return;
        };
        let is_own = self.place.own.as_deref() == Some(kv.key());
        let mut ahead = self.ahead.values_mut();
        let known = ahead.find(|other| other.key == kv.key());
        match (event.event_type(), known) {
            (EventType::Put, None) => {
                let later = kv.create_revision() > self.place.revision;
                let name = self.place.own.as_deref().and_then(name_of);
                let new = QueueKey::of(kv).filter(|(of, _)| Some(&**of) == name);
                let latest = new.is_some_and(|(_, new)| new.is_latest());
                self.newer_latest |= later && latest;
                self.is_stale |= is_own;
            }
            (EventType::Put, Some(known)) => match QueueKey::of(kv) {
                Some((_, now)) if !now.in_doubt() => {
                    if now.mode() == known.mode() {
                        *known = now;
                    }
                }
                _ => self.is_stale = true,
            },
            (EventType::Delete, Some(known)) => {
                let revision = known.revision;
                self.ahead.remove(&revision);
            }
            (EventType::Delete, None) => self.is_stale |= is_own,
        }
    }
}

/// The name of the lock in a key.
fn name_of(key: &[u8]) -> Option<&[u8]> {
    let slash = key.iter().rposition(|&byte| byte == b'/')?;
    Some(&key[..slash])
}
