//! A store of locks in memory: for the tests of what uses locks, and as the example of how a store is
//! written. It uses only what any crate may.

mod client;
mod history;
mod marks;
mod operator;
mod place;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};

use crate::clock::Instant;
use crate::locker::operator::{ChangeKind, Contender};
use crate::locker::{Options, Record};
use marks::StoredMark;

pub use client::MemoryClient;

/// A store of exclusive locks in memory, which expire, first come first served. It is the server:
/// clones are the same one, and [`MemoryStore::client`] gives the clients, which keep each other out.
///
/// In a runtime whose time is paused (`tokio::time::pause`) its locks expire by that time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> genlock::Result<()> {
/// use genlock::{Locker, Options, testing::MemoryStore};
///
/// let store = MemoryStore::new();
/// let (one, other) = (store.client(Options::default()), store.client(Options::default()));
/// let held = one.lock("/k").await?;
/// assert!(other.try_lock("/k").await?.is_none());
/// held.unlock().await?;
/// assert!(other.try_lock("/k").await?.is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Server>);

#[derive(Default)]
struct Server {
    contents: Mutex<StoreContents>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct StoreContents {
    /// In order of arrival: the first of each holds the lock.
    queues: BTreeMap<String, Vec<Stored>>,
    last_token: u64,
    /// Whether renewals go without an answer.
    silent: bool,
    followers: Vec<mpsc::UnboundedSender<StoredChange>>,
    /// By key and token, as JSON.
    past_runs: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    /// In the order in which they were set.
    marks: Vec<StoredMark>,
}

/// A holder or waiter, as the store has it.
#[derive(Clone)]
struct Stored {
    token: u64,
    /// What it says of itself, as it is kept: JSON.
    value: Vec<u8>,
    ttl: Duration,
    expiry: Instant,
    /// Its client is gone, and it stays until it runs out.
    is_left: bool,
}

/// What happened to one of them.
struct StoredChange {
    key: String,
    contender: Contender,
    kind: ChangeKind,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client of it.
    pub fn client(&self, options: Options) -> MemoryClient {
        MemoryClient::new(self.clone(), options)
    }

    /// Gives renewals no answer from now on, as a network that is cut does; or answers them again.
    pub fn withhold_renewals(&self, withheld: bool) {
        self.contents().silent = withheld;
    }

    /// Takes what stands for this holder or waiter out of the store. False if it is not there.
    pub fn delete(&self, owner_key: &str) -> bool {
        let Some((key, token)) = parsed(owner_key) else {
            return false;
        };
        self.remove(key, token)
    }

    /// The owner keys of all who hold or wait.
    pub fn owner_keys(&self) -> Vec<String> {
        let contents = self.contents();
        let each = contents.queues.iter().flat_map(|(key, queue)| {
            let tokens = queue.iter().map(|stored| stored.token);
            tokens.map(move |token| owner_key(key, token))
        });
        each.collect()
    }

    /// What the marks are called that are there.
    pub fn mark_keys(&self) -> Vec<String> {
        let contents = self.contents();
        contents.marks.iter().map(StoredMark::name).collect()
    }

    /// What is there, less what has run out by now.
    fn contents(&self) -> MutexGuard<'_, StoreContents> {
        let mut contents = self.raw();
        if contents.expire(Instant::now()) {
            self.changed();
        }
        contents
    }

    fn raw(&self) -> MutexGuard<'_, StoreContents> {
        let contents = self.0.contents.lock();
        contents.unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Told of every change; of what runs out only when somebody looks.
    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Adds one at the end of the queue of `key`, or nothing if `alone` is asked for and another is
    /// there. Its time counts from `sent`: client and server have one clock. The token, or the queue that
    /// is in the way.
    fn enter(
        &self,
        key: &str,
        value: Vec<u8>,
        (sent, ttl): (Instant, Duration),
        alone: bool,
    ) -> Result<u64, Box<Ahead>> {
        let mut contents = self.contents();
        let queue = contents.queues.get(key);
        if let Some(queue) = queue.filter(|queue| alone && !queue.is_empty()) {
            return Err(Box::new(Ahead::of(key, queue)));
        }
        contents.last_token += 1;
        let stored = Stored {
            token: contents.last_token,
            value,
            ttl,
            expiry: sent + ttl,
            is_left: false,
        };
        let queue = contents.queues.entry(key.to_owned()).or_default();
        queue.push(stored.clone());
        let kind = match queue.len() {
            1 => ChangeKind::Acquired,
            _ => ChangeKind::Queued,
        };
        contents.tell(key, &stored, kind);
        self.changed();
        Ok(stored.token)
    }

    /// Renews, from `sent` on: whether it was there; `None` is no answer.
    fn renew(&self, key: &str, token: u64, sent: Instant) -> Option<bool> {
        let mut contents = self.contents();
        if contents.silent {
            return None;
        }
        let queue = contents.queues.get_mut(key);
        let stored = queue.and_then(|queue| queue.iter_mut().find(|one| one.token == token));
        let stored = stored.filter(|stored| !stored.is_left);
        Some(stored.is_some_and(|stored| {
            stored.expiry = sent + stored.ttl;
            true
        }))
    }

    /// Leaves one for so long without its client. False if it is not there, or taken away.
    fn leave(&self, key: &str, token: u64, rest: Duration) -> bool {
        let mut contents = self.contents();
        let queue = contents.queues.get_mut(key);
        let stored = queue.and_then(|queue| queue.iter_mut().find(|one| one.token == token));
        let Some(stored) = stored else {
            return false;
        };
        let Some(value) = Record::held_until(&stored.value, SystemTime::now() + rest) else {
            return false;
        };
        stored.value = value;
        stored.expiry = Instant::now() + rest;
        stored.is_left = true;
        self.changed();
        true
    }

    /// Removes one for its client, which may have left it.
    fn release(&self, key: &str, token: u64) {
        let is_left = self
            .contents()
            .find(key, token)
            .is_some_and(|one| one.is_left);
        if !is_left {
            self.remove(key, token);
        }
    }

    /// Removes one. False if it is not there.
    fn remove(&self, key: &str, token: u64) -> bool {
        let removed = self.contents().remove(key, token, ChangeKind::Released);
        if removed {
            self.changed();
        }
        removed
    }
}

impl StoreContents {
    fn find(&self, key: &str, token: u64) -> Option<&Stored> {
        let queue = self.queues.get(key)?;
        queue.iter().find(|stored| stored.token == token)
    }

    /// Removes what has run out. Whether there was any.
    fn expire(&mut self, now: Instant) -> bool {
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

    /// Removes one, if it is there; `why` is what happens if it is the holder.
    fn remove(&mut self, key: &str, token: u64, why: ChangeKind) -> bool {
        let Some(queue) = self.queues.get_mut(key) else {
            return false;
        };
        let Some(at) = queue.iter().position(|stored| stored.token == token) else {
            return false;
        };
        let gone = queue.remove(at);
        let next = queue.first().filter(|_| at == 0).cloned();
        if queue.is_empty() {
            self.queues.remove(key);
        }
        let kind = if at == 0 { why } else { ChangeKind::Left };
        self.tell(key, &gone, kind);
        if let Some(next) = next {
            self.tell(key, &next, ChangeKind::Acquired);
        }
        true
    }

    fn tell(&mut self, key: &str, stored: &Stored, kind: ChangeKind) {
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

impl Stored {
    fn contender(&self, key: &str) -> Contender {
        Contender::new(owner_key(key, self.token))
            .with_token(self.token)
            .with_record(Record::from_json(&self.value))
    }
}

/// The contenders ahead of one.
#[derive(Clone, PartialEq, Eq)]
struct Ahead {
    holder: Contender,
    /// The token of the one just ahead.
    next: u64,
    count: u64,
    /// When the first of them runs out.
    expiry: Instant,
}

impl Ahead {
    /// `queue` is the part of the queue ahead, which is not empty.
    fn of(key: &str, queue: &[Stored]) -> Self {
        let first = &queue[0];
        let expiries = queue.iter().map(|one| one.expiry);
        Self {
            holder: first.contender(key),
            next: queue[queue.len() - 1].token,
            count: queue.len() as u64,
            expiry: expiries.fold(first.expiry, Instant::min),
        }
    }
}

fn owner_key(key: &str, token: u64) -> String {
    format!("{key}/{token}")
}

fn parsed(owner_key: &str) -> Option<(&str, u64)> {
    let (key, token) = owner_key.rsplit_once('/')?;
    Some((key, token.parse().ok()?))
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("MemoryStore");
        shown.field(&self.owner_keys()).finish()
    }
}
