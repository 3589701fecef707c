//! What an operator asks of a store: who holds a lock and who waits for it, what happens to locks,
//! and how to step in. Nothing here takes a lock.

#[cfg(any(feature = "redis", feature = "zookeeper"))]
mod changes;

use std::convert::Infallible;
use std::time::Duration;

use super::{BoxFuture, Mode, Record, TakenAway};
use crate::error::{Error, ErrorKind, Result};
#[cfg(any(feature = "redis", feature = "zookeeper"))]
pub(crate) use changes::changes;

/// A store of locks, seen from outside. The stores that are [`Locker`](super::Locker)s are this too.
///
/// Every future is cancel-safe, and every call to the store is bounded in time. What other clients
/// wrote into a store (keys and records) is theirs: escape it before it is shown.
pub trait Operator: Send + Sync {
    /// Who holds the lock of `key` and who waits for it, at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`],
    /// [`ErrorKind::Unavailable`],
    /// [`ErrorKind::Denied`].
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>>;

    /// As [`Operator::queue`], but only the holder has its record, and the time left is not asked
    /// for: a few requests, however many wait.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>>;

    /// The locks that are held or waited for and whose keys begin with `prefix`, by key. Only the
    /// holders have their records, and none its time left.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>>;

    /// Ends when nobody holds the lock of `key` or waits for it.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Whether the holder with this owner key and token holds its lock, as the store confirms it
    /// now, and for how long if it is not renewed.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn left<'a>(&'a self, owner_key: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>>;

    /// Takes the lock of `key`, or the place in its queue, away from the one with this token, and
    /// from no other. A genlock is told to let go, which it does when its command is stopped
    /// ([`Operator::until_gone`]); whatever is not a genlock, or does not wait for a command, is
    /// removed at once, and so is a genlock under `force`: the next holder may then start beside it.
    ///
    /// # Errors
    /// [`ErrorKind::NotHeld`] if no one has this token, and as
    /// [`Operator::queue`].
    fn take_away<'a>(
        &'a self,
        key: &'a str,
        token: u64,
        by: &'a TakenAway,
        force: bool,
    ) -> BoxFuture<'a, Result<Removal>>;

    /// Takes away the places of those who wait for the lock of `key` and are not heard of any more:
    /// a client that lives renews its lease long before half of it is over. Gives whom it hit.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>>;

    /// Keeps the lock of `key`, which the holder with this owner key and token has left to the store
    /// ([`Held::unlock_after`](super::Held::unlock_after)), for so long from now on. By default it is
    /// refused.
    ///
    /// # Errors
    /// [`ErrorKind::NotHeld`] if there is no such lock,
    /// [`ErrorKind::Unsupported`] where the store keeps none without its
    /// holder, and as [`Operator::queue`].
    fn extend<'a>(
        &'a self,
        key: &'a str,
        owner_key: &'a str,
        token: u64,
        time: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (owner_key, token, time);
        let why = "the store keeps no lock without its holder";
        let refused = Error::new(ErrorKind::Unsupported, why).of_key(key);
        Box::pin(std::future::ready(Err(refused)))
    }

    /// Ends when the one with this token neither holds the lock of `key` nor waits for it.
    ///
    /// # Errors
    /// As [`Operator::queue`].
    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>>;

    /// Tells of what happens to the locks in `scope`, from what there is now on, until it is
    /// dropped. A store that is away is asked again; what changed meanwhile is told then.
    ///
    /// # Errors
    /// What asking again does not help against, as [`Operator::queue`].
    fn follow<'a>(
        &'a self,
        scope: Scope<'a>,
        tell: &'a mut (dyn FnMut(Change<'_>) + Send),
    ) -> BoxFuture<'a, Result<Infallible>>;
}

/// For stores: the error of [`Operator::extend`] where nobody has left such a lock.
pub fn not_left(key: &str, token: u64) -> Error {
    let why = format!("no lock with token {token} was left to the store, or it has ended");
    Error::new(ErrorKind::NotHeld, why).of_key(key)
}

/// The lock of one key: its holder and those who wait, in order. Empty if it is free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// The key.
    pub key: String,
    /// The holders first, then who waits, first come first served. A store without a queue knows
    /// holders only.
    pub contenders: Vec<Contender>,
    /// How long the holder's lock lasts, where it was asked for and can run out.
    pub ttl: Option<Ttl>,
}

impl Queue {
    /// For stores: of this key, with its holder first and then those who wait.
    pub fn new(key: impl Into<String>, contenders: Vec<Contender>) -> Self {
        Self {
            key: key.into(),
            contenders,
            ttl: None,
        }
    }

    /// For stores: with how long the holder's lock lasts.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Who holds the lock; the one who came first, if several do.
    pub fn holder(&self) -> Option<&Contender> {
        self.contenders.first()
    }

    /// All who hold the lock, in the order in which they came.
    pub fn holders(&self) -> &[Contender] {
        &self.contenders[..self.held()]
    }

    /// Who waits for it.
    pub fn waiters(&self) -> &[Contender] {
        &self.contenders[self.held()..]
    }

    /// How many hold it.
    fn held(&self) -> usize {
        let modes: Vec<_> = self.contenders.iter().map(Contender::locks).collect();
        Mode::holders(&modes)
    }
}

/// One who holds a lock or waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contender {
    /// What stands for it in the store; see [`Held::owner_key`](super::Held::owner_key).
    pub owner_key: String,
    /// Its fencing token. `None` where another tool holds a lock that gives none.
    pub token: Option<u64>,
    /// The lease that carries it, as the store writes it (hexadecimal in etcd).
    pub lease: Option<String>,
    /// Which of several holders it is, where the store knows it.
    pub index: Option<u32>,
    /// In which mode it locks, where that is known without its record.
    pub mode: Option<Mode>,
    /// What it says of itself. Other tools say nothing.
    pub record: Option<Record>,
}

impl Contender {
    /// For stores: the one that this stands for.
    pub fn new(owner_key: impl Into<String>) -> Self {
        Self {
            owner_key: owner_key.into(),
            ..Self::default()
        }
    }

    /// For stores: with its fencing token.
    #[must_use]
    pub fn with_token(mut self, token: u64) -> Self {
        self.token = Some(token);
        self
    }

    /// For stores: as this one of several holders, if that is known.
    #[must_use]
    pub fn with_index(mut self, index: Option<u32>) -> Self {
        self.index = index;
        self
    }

    /// For stores: in this mode, whatever it says of itself.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// For stores: with what it says of itself, if it says anything.
    #[must_use]
    pub fn with_record(mut self, record: Option<Record>) -> Self {
        self.record = record;
        self
    }

    /// In which mode it locks. One of which nothing is known is exclusive.
    pub fn locks(&self) -> Mode {
        let said = || self.record.as_ref().map(Record::locks);
        self.mode.or_else(said).unwrap_or_default()
    }

    /// Whether an operator told it to let go.
    pub fn is_taken_away(&self) -> bool {
        let record = self.record.as_ref();
        record.is_some_and(|record| record.taken_away.is_some())
    }

    /// Whether it is another tool's: etcdctl, a service in Go, flock(1).
    pub fn is_foreign(&self) -> bool {
        self.record.is_none()
    }
}

/// How long a lock lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// What the store granted.
    pub granted: Duration,
    /// What is left of it if it is not renewed, at least.
    pub left: Duration,
}

/// What [`Operator::left`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// The lock is not that holder's, or was taken away.
    Nothing,
    /// The lock is that holder's, for at least so long, less a [margin](super::margin).
    AtLeast(Duration),
    /// The lock is that holder's, until it lets go or ends.
    NoEnd,
}

/// What [`Operator::take_away`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The holder was told, and lets go when its command has been stopped.
    Told,
    /// What stands for it in the store was removed, which it may not notice.
    Removed,
}

/// Which locks to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The lock of this key.
    Key(&'a str),
    /// The locks whose keys begin so.
    Prefix(&'a str),
}

impl Scope<'_> {
    /// Whether the lock of `key` is among them.
    pub fn contains(self, key: &str) -> bool {
        match self {
            Self::Key(only) => key == only,
            Self::Prefix(prefix) => key.starts_with(prefix),
        }
    }
}

/// Something that happened to a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The lock's key.
    pub key: &'a str,
    /// To whom it happened.
    pub contender: &'a Contender,
    /// What.
    pub what: ChangeKind,
}

/// What can happen to one who holds a lock or waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It held the lock when the look began.
    Holds,
    /// It waited for the lock when the look began.
    Waits,
    /// It holds the lock from now on.
    Acquired,
    /// It waits for the lock from now on.
    Queued,
    /// It held the lock, and let go.
    Released,
    /// It held the lock, which ran out: it has not renewed it for a TTL, or died.
    Expired,
    /// It waited, and does so no more.
    Left,
    /// An operator told it to let go.
    TakenAway,
}
