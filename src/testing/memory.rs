//! A store of locks in memory: for the tests of what uses locks, and as the example of how a store is
//! written. It uses only what any crate may.

mod client;
mod history;
mod marks;
mod operator;
mod place;
mod queue;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};

use crate::clock::Instant;
use crate::locker::operator::{ChangeKind, Contender};
use crate::locker::{MAX_TTL, Options, Record};
use marks::StoredMark;
use queue::{Ahead, MemoryEntry, NotEntered, Stored};

pub use client::MemoryClient;

/// A store of locks in memory, of every mode, which expire, first come first served. It is the server:
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

    /// Adds one at the end of the queues of its keys, or nothing if that is refused. The token, which is
    /// the same for all keys.
    fn enter(&self, entry: &MemoryEntry, sent: Instant) -> Result<u64, NotEntered> {
        let mut contents = self.contents();
        contents.check(entry)?;
        contents.last_token += 1;
        let token = contents.last_token;
        for key in &entry.keys {
            let queue = contents.queues.entry(key.clone()).or_default();
            queue.push(Stored {
                token,
                value: entry.value.clone(),
                mode: entry.mode,
                policy: entry.policy,
                ttl: entry.ttl,
                // Client and server have one clock.
                expiry: sent + entry.ttl,
                holds: false,
                index: None,
                is_left: false,
            });
            contents.entered(key);
        }
        self.changed();
        Ok(token)
    }

    /// Renews one, from `sent` on: whether it was there, with all its keys; `None` is no answer.
    fn renew(&self, keys: &[String], token: u64, sent: Instant) -> Option<bool> {
        let mut contents = self.contents();
        if contents.silent {
            return None;
        }
        Some(contents.change_all(keys, token, |stored| {
            stored.expiry = sent + stored.ttl;
        }))
    }

    /// Leaves one for so long without its client. False if it is not there, or taken away.
    fn leave(&self, keys: &[String], token: u64, rest: Duration) -> bool {
        let (until, expiry) = (SystemTime::now() + rest, Instant::now() + rest);
        let mut contents = self.contents();
        let values = keys.iter().map(|key| {
            let stored = contents.find(key, token)?;
            Record::held_until(&stored.value, until)
        });
        let Some(values) = values.collect::<Option<Vec<_>>>() else {
            return false;
        };
        let mut values = values.into_iter();
        let left = contents.change_all(keys, token, |stored| {
            stored.value = values.next().unwrap_or_default();
            stored.expiry = expiry;
            stored.is_left = true;
        });
        self.changed();
        left
    }

    /// Leaves those with this token, which were left before, for so long from now on. False if there are
    /// none.
    fn extend(&self, token: u64, time: Duration) -> bool {
        let time = time.min(MAX_TTL);
        let (until, expiry) = (SystemTime::now() + time, Instant::now() + time);
        let mut contents = self.contents();
        let mut all = contents.queues.values_mut().flatten();
        let mut found = false;
        for stored in all.by_ref().filter(|one| one.token == token && one.is_left) {
            if let Some(value) = Record::held_until(&stored.value, until) {
                (stored.value, stored.expiry, found) = (value, expiry, true);
            }
        }
        drop(contents);
        self.changed();
        found
    }

    /// Removes one for its client, which may have left it.
    fn release(&self, keys: &[String], token: u64) {
        let mut contents = self.contents();
        for key in keys {
            if contents.find(key, token).is_some_and(|one| !one.is_left) {
                contents.remove(key, token, ChangeKind::Released);
            }
        }
        self.changed();
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
