//! The contract of a lock store, and what it gives: a held lock with a deadline and a loss.
//!
//! A store is one file beside this one and passes the contract's test suite (`tests/locker`).

mod claims;
mod deadline;
pub mod etcd;
pub mod file;
pub mod net;
pub mod operator;
mod ownership;
mod record;

use std::fmt;
use std::future::Future;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result, Setting};

pub use deadline::{grace, margin, start_needs};
pub use operator::Operator;
use ownership::Grip;
pub use ownership::{Loss, Ownership};
#[cfg(feature = "cli")]
pub(crate) use record::user_name;
pub use record::{Record, TakenAway};

/// A boxed future, which keeps [`Locker`] object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of locks: one client of it.
///
/// Several locks through one client, from many threads, work.
///
/// # Panics
/// The futures of every method panic outside of a tokio runtime that has its I/O and time drivers
/// enabled.
pub trait Locker: Send + Sync {
    /// Waits until the lock of `key` is held, first come first served where the store can.
    ///
    /// Cancel-safe: dropping the future leaves the queue; [`Locker::close`] waits until that has
    /// reached the store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidTtl`], [`ErrorKind::AlreadyHeld`] (by this
    /// client), [`ErrorKind::Unavailable`], [`ErrorKind::Denied`], [`ErrorKind::Closed`].
    fn lock<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Held>>;

    /// Holds the lock now, or gives `None`: being held by another is no error.
    ///
    /// # Errors
    /// As [`Locker::lock`].
    fn try_lock<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Held>>>;

    /// [`Locker::lock`] with a TTL of its own, in place of [`Options::ttl`].
    ///
    /// # Errors
    /// As [`Locker::lock`].
    fn lock_with_ttl<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<Held>>;

    /// Releases a lock, bounded in time. The lock is taken by value: a second release does not
    /// compile, and only the holder can.
    ///
    /// If the future is dropped the release goes on in the background, as after a drop of the lock:
    /// the next call of this client for the key waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::OwnershipLost`] if it had been lost before, [`ErrorKind::NotHeld`] if it is
    /// another client's (whose lock it then releases in the background),
    /// [`ErrorKind::Unavailable`] if the store did not answer: the lock is free at its TTL's end.
    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>>;

    /// Releases what this client still holds or queues for, bounded in time; its held locks are
    /// lost ([`Loss::Closed`]), and further calls fail with [`ErrorKind::Closed`].
    /// A second call does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the store did not answer in time.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// How a client takes its locks.
#[derive(Clone)]
pub struct Options {
    /// How long the store keeps a lock whose holder it does not hear of; 10 s. Whole seconds in
    /// etcd, which may grant more. The file store, whose locks end with their holder, heeds it
    /// only without `auto_renew`.
    pub ttl: Duration,
    /// The pause between attempts where a store must be polled, and before a reconnect; 100 ms.
    pub retry_interval: Duration,
    /// Whether a lock is renewed for as long as it is held; true. Without, it ends at its TTL.
    pub auto_renew: bool,
    /// How long what the lock covers may take to end when it is told to before the lock runs out; a
    /// fifth of the TTL. With less time left than that no lock is handed out.
    pub grace: Option<Duration>,
    /// Whether a waiter tells of every change in the queue ahead of it, for a person who watches;
    /// false. It costs a watch of the whole queue, where one place is enough to wait.
    pub follow_queue: bool,
    /// Who takes the lock, as others will see it.
    pub holder: Record,
    /// Told what happens on the way to a lock and with it. Called from the tasks that drive the
    /// lock: it must not block. A panic of its own goes no further.
    pub observer: Option<Observer>,
}

/// Receives an [`Event`]; see [`Options::observer`].
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

impl Default for Options {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(10),
            retry_interval: Duration::from_millis(100),
            auto_renew: true,
            grace: None,
            follow_queue: false,
            holder: Record::of_this_process(),
            observer: None,
        }
    }
}

impl Options {
    fn notify(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            // What it throws is its own, and not the end of a lock.
            let _ = catch_unwind(AssertUnwindSafe(|| observer(event)));
        }
    }
}

/// Something worth telling on the way to a lock.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "told by reference, and seldom kept"
)]
pub enum Event {
    /// The lock is held by another; sent after 0.1 s in the queue and whenever the one just ahead
    /// changes (with [`Options::follow_queue`] anything ahead), and once by a [`Locker::try_lock`]
    /// that gives `None`.
    Waiting {
        /// Who holds it, as far as that is known. Other tools write no record. The content is
        /// another's: escape it before it is shown.
        holder: Option<Record>,
        /// The holder's [`Held::owner_key`].
        owner_key: Option<String>,
        /// How many are ahead, the holder among them, where the store has a queue.
        ahead: Option<u64>,
        /// Our own place in the queue, by the token that we will have, where the store has one.
        token: Option<u64>,
    },
    /// The place in the queue was lost, for this reason, and is taken anew at the end.
    PlaceLost(Loss),
    /// An operator took the held lock away; the loss of it comes next.
    TakenAway(TakenAway),
    /// The store did not answer and is asked again; the reason, on one line.
    Retrying(String),
    /// What a connection broke of, as a dependency says it, where the reason that comes next has
    /// only words for that it broke. It may have anything in it: escape it before it is shown.
    Beneath(String),
}

/// A lock that is held. Dropping it releases it in the background, so it has to be kept:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// async fn work(store: &dyn genlock::Locker) -> genlock::Result<()> {
///     store.lock("/locks/backup").await?;
///     Ok(())
/// }
/// ```
#[must_use = "a lock that is dropped is released"]
pub struct Held {
    key: String,
    token: u64,
    owner_key: Option<String>,
    lease: Option<i64>,
    ttl: Option<Duration>,
    /// Let go of before the possession: first the holder's side says so.
    grip: Grip,
    possession: Box<dyn Possession>,
}

/// The store's own side of a held lock. Dropping it releases in the background.
trait Possession: Send + Sync {
    /// Releases, bounded in time.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>>;

    /// The descriptor that keeps the lock for as long as it is open anywhere.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Whose it is: the claims of the client that took it.
    fn claims(&self) -> &claims::Claims;
}

impl Held {
    /// The key as it was asked for.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The fencing token: larger than that of any earlier holder of this key. Pass it to what the
    /// lock protects, which refuses a token smaller than the largest it has seen.
    pub fn token(&self) -> u64 {
        self.token
    }

    /// What stands for this holder in the store, and for no other: the key in etcd's queue; the
    /// file with the token.
    pub fn owner_key(&self) -> Option<&str> {
        self.owner_key.as_deref()
    }

    /// The lease that carries the lock (etcd).
    pub fn lease(&self) -> Option<i64> {
        self.lease
    }

    /// The TTL that the store granted, which may be longer than what was asked for. `None` where
    /// the lock ends only with its holder.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Until when nobody else can hold the lock, less a [margin] for clocks and scheduling. Every
    /// acknowledged renewal moves it forward. `None` where the lock ends only with its holder, and
    /// once it is lost: a deadline that has passed is a loss.
    pub fn deadline(&self) -> Option<Instant> {
        self.grip.ownership().deadline()
    }

    /// Ends when ownership is gone: the lease or the key was taken away, or the deadline passed
    /// without a renewal. Cancel-safe; later calls end at once with the same answer.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn lost(&self) -> Loss {
        self.grip.ownership().lost().await
    }

    /// The state of the ownership, to follow apart from the lock itself, also after its release.
    pub fn ownership(&self) -> Ownership {
        self.grip.ownership()
    }

    /// The descriptor that keeps the lock for as long as it is open in any process (file store):
    /// a child that inherits it keeps the lock even if this process is killed.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.possession.descriptor()
    }

    /// Releases for the client that owns `claims`.
    async fn release(self, claims: &claims::Claims) -> Result<()> {
        if !self.possession.claims().same_client(claims) {
            return Err(Error::new(
                ErrorKind::NotHeld,
                format!("{}: this lock was taken by another client", self.key),
            ));
        }
        let Self {
            key,
            grip,
            possession,
            ..
        } = self;
        let ownership = grip.ownership();
        drop(grip);
        let loss = ownership.loss().filter(|&loss| loss != Loss::Released);
        let released = possession.release().await;
        match loss {
            Some(loss) => Err(Error::new(
                ErrorKind::OwnershipLost,
                format!("{key}: the lock was lost: {loss}"),
            )),
            None => released.map_err(|error| error.context(key)),
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("key", &self.key)
            .field("token", &self.token)
            .field("owner_key", &self.owner_key)
            .finish_non_exhaustive()
    }
}

/// The longest key that is taken, in bytes. A key becomes a part of the environment, of messages
/// and of a store's own keys.
pub const MAX_KEY: usize = 4096;

/// Refuses a key that no store should take.
fn check_key(key: &str) -> Result<()> {
    let why = if key.is_empty() {
        "a key cannot be empty".to_owned()
    } else if key.ends_with('/') {
        "a key cannot end in '/': the store puts its own part after it".to_owned()
    } else if key.contains('\0') {
        "a key cannot have a NUL byte".to_owned()
    } else if key.len() > MAX_KEY {
        format!("a key has at most {MAX_KEY} bytes, this one {}", key.len())
    } else {
        return Ok(());
    };
    let shown: String = key.escape_debug().take(64).collect();
    Err(Error::new(
        ErrorKind::InvalidKey,
        format!("key \"{shown}\": {why}"),
    ))
}

/// The longest TTL that is taken, 285 years: etcd's own limit (`MaxLeaseTTL` of its lessor).
pub const MAX_TTL: Duration = Duration::from_secs(9_000_000_000);

/// The shortest TTL that is taken: it can still be renewed in time.
pub(crate) const MIN_TTL: Duration = Duration::from_secs(1);

/// Refuses a TTL that is too short to be renewed in time, and one that no store counts to.
fn check_ttl(ttl: Duration) -> Result<()> {
    let why = if ttl < MIN_TTL {
        format!("at least {}s", MIN_TTL.as_secs())
    } else if ttl > MAX_TTL {
        format!("at most {}s, which is 285 years", MAX_TTL.as_secs())
    } else {
        return Ok(());
    };
    let shown = humantime::format_duration(ttl);
    let error = Error::new(ErrorKind::InvalidTtl, format!("TTL {shown}: {why}"));
    Err(error.about([Setting::Ttl]))
}
