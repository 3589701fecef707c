//! A lock that is held.

use std::borrow::Cow;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::ownership::{Grip, Owner, Ownership};
use super::{BoxFuture, Claim, Claims, MAX_TTL, Options};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use crate::loss::Loss;

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
    /// Never empty.
    grants: Vec<Grant>,
    variables: Vec<Variable>,
    ttl: Option<Duration>,
    /// Dropped before `possession`, as fields are dropped in order: those who follow the ownership
    /// learn of the release before the store does.
    grip: Grip,
    possession: Box<dyn Possession>,
}

/// A variable of the environment: its name and value.
pub type Variable = (Cow<'static, str>, String);

/// The lock of one key, as it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The key as it was asked for.
    pub key: String,
    /// The fencing token; see [`Held::token`].
    pub token: u64,
    /// What stands for the holder in the store; see [`Held::owner_key`].
    pub owner_key: Option<String>,
    /// Which of N holders it is, 0 to N − 1, where a lock has several.
    pub index: Option<u32>,
}

impl Grant {
    /// A grant of the lock of this key, with this token.
    pub fn new(key: impl Into<String>, token: u64) -> Self {
        Self {
            key: key.into(),
            token,
            owner_key: None,
            index: None,
        }
    }

    /// With what stands for the holder in the store.
    #[must_use]
    pub fn with_owner_key(mut self, owner_key: impl Into<String>) -> Self {
        self.owner_key = Some(owner_key.into());
        self
    }

    /// As this one of N holders, counted from 0.
    #[must_use]
    pub fn with_index(mut self, index: u32) -> Self {
        self.index = Some(index);
        self
    }
}

/// The key and its token: `/k (token 7)`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (token {}", self.key, self.token)?;
        match self.index {
            Some(index) => write!(f, ", index {index})"),
            None => f.write_str(")"),
        }
    }
}

/// The store's own side of a held lock. Dropping it releases in the background.
pub trait Possession: Send + Sync {
    /// Releases, bounded in time.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>>;

    /// Releases, but the lock stays held for so long, with nobody to renew it; bounded in time. By default
    /// it is released at once, with an error.
    fn release_after(self: Box<Self>, rest: Duration) -> BoxFuture<'static, Result<()>> {
        let _ = rest;
        let released = self.release();
        Box::pin(async move {
            released.await?;
            Err(Error::new(
                ErrorKind::Unsupported,
                "the store keeps no lock without its holder: it was released",
            ))
        })
    }

    /// The descriptor that keeps the lock for as long as it is open anywhere.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The claim by which its client took it.
    fn claim(&self) -> &Claim;
}

impl Held {
    /// For stores: the lock of `first`, and of `more` along with it. `owner` is where the store notes
    /// renewals and the loss. Call [`Held::told`] at the end: before that the observer gets no event.
    pub fn new(
        first: Grant,
        more: impl IntoIterator<Item = Grant>,
        owner: Owner,
        possession: Box<dyn Possession>,
    ) -> Self {
        let mut grants = vec![first];
        grants.extend(more);
        possession.claim().stand();
        Self {
            grants,
            variables: Vec::new(),
            ttl: None,
            grip: Grip::new(owner),
            possession,
        }
    }

    /// For stores: it was granted for so long, if it is not renewed.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// For stores: a variable more for a command that runs under the lock.
    pub fn with_variable(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// For stores, at the end: the client's observer gets the event that it is held, and from now on
    /// all others of it.
    pub fn told(self, options: &Options) -> Self {
        if let Some(observer) = &options.observer {
            let Grant {
                key, token, index, ..
            } = self.first();
            self.grip.tell(observer, key, *token, *index);
        }
        self
    }

    fn first(&self) -> &Grant {
        &self.grants[0]
    }

    /// What is held, a grant for each key of the request, in its order.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// What this store adds to the environment of a command that runs under the lock, beside what
    /// every store's locks have.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The key as it was asked for; the first, if there are several.
    pub fn key(&self) -> &str {
        &self.first().key
    }

    /// The fencing token: larger than that of any earlier holder of this key. Pass it to what the
    /// lock protects, which refuses a token smaller than the largest it has seen.
    pub fn token(&self) -> u64 {
        self.first().token
    }

    /// What stands for this holder in the store, and for no other: the key in etcd's queue; the
    /// file with the token.
    pub fn owner_key(&self) -> Option<&str> {
        self.first().owner_key.as_deref()
    }

    /// The TTL that the store granted, which may be longer than what was asked for; less what the
    /// store's own bookkeeping may take. `None` where the lock ends only with its holder.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Until when nobody else can hold the lock, less a [margin](super::margin) for clocks and
    /// scheduling. Every acknowledged renewal moves it forward. `None` where the lock ends only with
    /// its holder, and once it is lost: a deadline that has passed is a loss.
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

    /// Whether it is held, as far as that is known here: neither lost nor past its deadline.
    pub fn is_held(&self) -> bool {
        self.grip.ownership().loss().is_none()
    }

    /// Releases it, as [`Locker::unlock`](super::Locker::unlock) of its client does.
    ///
    /// # Errors
    /// As that, but never [`ErrorKind::NotHeld`].
    pub async fn unlock(self) -> Result<()> {
        self.let_go(Duration::ZERO).await
    }

    /// Lets go of it, but it stays held in the store for so long, or a little longer, and nobody has to
    /// renew it. So a lock can be held for a time at least, although the work under it was done before.
    /// [`MAX_TTL`] is the longest, in place of any longer one. An operator can end that. Where it was released at once, as [`Held::unlock`] does it, that is an
    /// error; also if the future is dropped it may be.
    ///
    /// # Errors
    /// As of [`Held::unlock`], and [`ErrorKind::Unsupported`] where the store's
    /// [capabilities](crate::Capabilities::min_hold) do not have it.
    pub async fn unlock_after(self, rest: Duration) -> Result<()> {
        self.let_go(rest).await
    }

    async fn let_go(self, rest: Duration) -> Result<()> {
        let Self {
            grants,
            mut grip,
            possession,
            ..
        } = self;
        let key = &grants[0].key;
        let ownership = grip.ownership();
        grip.let_go();
        let loss = ownership.loss().filter(|&loss| loss != Loss::Released);
        let released = match loss.is_none() && !rest.is_zero() {
            true => possession.release_after(rest.min(MAX_TTL)).await,
            false => possession.release().await,
        };
        match loss {
            Some(loss) => Err(was_lost(key, loss)),
            None => {
                released.map_err(|error| error.of_key(key))?;
                grip.released();
                Ok(())
            }
        }
    }

    /// For stores: releases it for the client that owns `claims`.
    ///
    /// # Errors
    /// As [`Locker::unlock`](super::Locker::unlock).
    pub async fn release(self, claims: &Claims) -> Result<()> {
        if !self.possession.claim().claims().same_client(claims) {
            return Err(
                Error::new(ErrorKind::NotHeld, "this lock was taken by another client")
                    .of_key(self.key()),
            );
        }
        self.unlock().await
    }
}

/// The error of a release whose lock was lost.
pub(super) fn was_lost(key: &str, loss: Loss) -> Error {
    let reason = format!("the lock was lost: {loss}");
    Error::new(ErrorKind::OwnershipLost, reason).of_key(key)
}

/// What is held: `/k (token 7) and /l (token 7)`.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<_> = self.grants.iter().map(Grant::to_string).collect();
        f.write_str(&each.join(" and "))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("grants", &self.grants)
            .field("ttl", &self.ttl)
            .field("loss", &self.grip.ownership().loss())
            .finish_non_exhaustive()
    }
}
