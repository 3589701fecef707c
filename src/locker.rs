//! The contract of a lock store, and what it gives: a held lock with a deadline and a loss.
//!
//! A store is one folder beside this file, and a line in the list of stores; it passes the contract's
//! test suite.

mod builder;
pub mod capabilities;
mod claims;
mod config;
mod deadline;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod examination;
mod fault;
#[cfg(feature = "file")]
pub mod file;
mod held;
pub mod history;
mod hold;
pub mod keeper;
pub mod kind;
mod limits;
pub mod marks;
#[cfg(feature = "net")]
pub mod net;
pub mod operator;
mod options;
mod ownership;
#[cfg(feature = "redis")]
pub mod redis;
mod request;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

pub use crate::loss::Loss;
pub use crate::mode::{Mode, QueuePolicy};
pub use crate::record::{Record, TakenAway};

pub use builder::RequestBuilder;
pub use capabilities::{Capabilities, Capability};
pub use claims::{Claim, Claims};
pub use config::Config;
pub use deadline::{
    Deadline, grace, killed_after, least_ttl, margin, renewed_every, room_for_grace, start_needs,
    stopped_after,
};
pub use held::{Grant, Held, Possession, Variable};
pub use history::{History, PastRun};
pub use hold::Hold;
#[cfg(feature = "cli")]
pub(crate) use limits::MIN_TTL;
pub use limits::{MAX_KEY, MAX_KEYS, MAX_TTL, check_key};
pub use marks::{Mark, Marks};
#[cfg(feature = "cli")]
pub(crate) use net::before_look_up;
#[cfg(feature = "net")]
pub use net::{Certificate, Credentials, Tls};
pub use operator::Operator;
pub use options::Options;
pub use ownership::{Owner, Ownership};
pub use request::Request;

/// A boxed future, which keeps [`Locker`] object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of locks: one client of it.
///
/// Several locks through one client, from many threads, work. A store implements four methods; those
/// that people call stand on them and are the same for every store.
///
/// # Panics
/// The futures of every method panic outside of a tokio runtime that has its I/O and time drivers
/// enabled.
pub trait Locker: Send + Sync {
    /// What this store can do.
    fn capabilities(&self) -> &Capabilities;

    /// Takes the locks of the request's keys, all or none. It waits until they are held, first come
    /// first served where the store can; or gives `None` if the request does not wait and another
    /// holds one of them, or waits for it already.
    ///
    /// Another task of this client is like anybody else, and in every store the tasks of one client
    /// have their turns in the order of asking. So a task that waits for what it holds itself waits
    /// for ever. What this client has let go of is in the way of none of its calls: one that does not
    /// wait first awaits the release, which is bounded.
    ///
    /// Cancel-safe: dropping the future leaves the queue; [`Locker::close`] waits until that has
    /// reached the store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidTtl`], [`ErrorKind::Unsupported`] (what its
    /// [`capabilities`](Locker::capabilities) do not have), [`ErrorKind::Unavailable`],
    /// [`ErrorKind::Denied`], [`ErrorKind::Closed`].
    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>>;

    /// Releases a lock, bounded in time. The lock is taken by value: a second release does not
    /// compile, and only the holder can.
    ///
    /// If the future is dropped the release goes on in the background, as after a drop of the lock.
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

    /// A call with more to say than a key: `locks.request("/k").ttl(ttl).lock().await`.
    fn request<'a>(&'a self, key: &str) -> RequestBuilder<'a> {
        RequestBuilder::new(key, move |request| self.acquire(request))
    }

    /// Waits until the lock of `key` is held: for ever, if who waits holds it. Cancel-safe, as
    /// [`Locker::acquire`].
    ///
    /// # Errors
    /// As [`Locker::acquire`].
    fn lock<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Held>> {
        Box::pin(self.request(key).lock())
    }

    /// Holds the lock now, or gives `None`: being held by another, or by another task of this
    /// client, is no error.
    ///
    /// # Errors
    /// As [`Locker::acquire`].
    fn try_lock<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Held>>> {
        Box::pin(self.request(key).try_lock())
    }

    /// [`Locker::lock`] with a TTL of its own, in place of [`Options::ttl`].
    ///
    /// # Errors
    /// As [`Locker::acquire`].
    fn lock_with_ttl<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<Held>> {
        Box::pin(self.request(key).ttl(ttl).lock())
    }
}

/// What a request that waits was given.
fn granted(key: &str, held: Option<Held>) -> Result<Held> {
    held.ok_or_else(|| {
        let why = "the store did not wait as it was asked to";
        Error::new(ErrorKind::Unavailable, why).of_key(key)
    })
}

/// Any pointer to a client is one: what people pass around.
macro_rules! by_pointer {
    ($($pointer:ty),+) => {
        $(
            impl<L: Locker + ?Sized> Locker for $pointer {
                fn capabilities(&self) -> &Capabilities {
                    (**self).capabilities()
                }

                fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
                    (**self).acquire(request)
                }

                fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
                    (**self).unlock(held)
                }

                fn close(&self) -> BoxFuture<'_, Result<()>> {
                    (**self).close()
                }
            }
        )+
    };
}

by_pointer!(&L, Box<L>, Arc<L>);
