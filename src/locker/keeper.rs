//! Keeping leases, for stores whose locks run out: each is granted, renewed up to its deadline, and
//! revoked. A store gives the three calls ([`LeaseCalls`]); when they are made, and what comes of their
//! answers, is decided here.
//!
//! What a lease is depends on the store: a lease in etcd, a key with a time to live in Redis, a
//! session in ZooKeeper. For each lock that is asked for a client starts one ([`Lease::start`]),
//! waits until it is [granted](Lease::granted) and the first in the store's queue, and then until
//! [enough](Lease::until_fresh) is left of its time. What was granted then drives a
//! [`Held`](crate::Held), whose release ([`LeaseHolding`]) is that of the lease. Where that comes
//! to nothing [`Acquisition::again`] says whether it is tried again.

mod acquisition;
mod fresh;
mod holding;
mod lease;
mod left;
mod renewal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::deadline::Deadline;
use super::{BoxFuture, Capabilities, Claims, Options};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use left::Leases;

pub use super::fault::Fault;
pub use acquisition::{Acquisition, NoLock};
pub use holding::LeaseHolding;
pub use lease::{Granted, Lease};

/// What a store does for one lease.
///
/// The futures may be dropped at any moment: whatever was sent may still be carried out. They run
/// within the runtime of the call that asked for the lease; those of a revocation in any.
pub trait LeaseCalls: Send + Sync + 'static {
    /// Requests the lease. Gives its deadline: the TTL that the store has granted, less what its own
    /// bookkeeping may take, from the sending of the request that was answered. This is called once,
    /// and has to end by itself; it calls [`Requests::leave`] just before each sending.
    ///
    /// # Errors
    /// [`Fault::LeaseExists`] if somebody else has this lease, and nothing of ours is in the store. After
    /// any other fault the keeper revokes the lease, if anything was sent.
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>>;

    /// Renews the lease once. Gives an instant, no earlier than this call, from which on the lease
    /// lives for its TTL for certain. Other renewals may be under way; each ends by its own answer.
    ///
    /// # Errors
    /// [`Fault::LeaseNotFound`] if the lease is gone for certain. After any other fault the keeper calls
    /// this again, up to the deadline.
    fn renew(&self, attempt: Attempt) -> BoxFuture<'_, Result<Instant, Fault>>;

    /// Revokes the lease, and removes all that stands for its holder. It is no error if the lease is
    /// gone already. May be called while the lease is being granted or renewed, and more than once.
    ///
    /// # Errors
    /// If the store may still have the lease: this is called again when the client is closed.
    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>>;

    /// Has what stands for its holder outlive the lease: it stays for so long, or a little longer, and then
    /// goes by itself. The lease is revoked afterwards, in any case, and must not take it along then.
    ///
    /// # Errors
    /// [`Fault::LeaseNotFound`] if it was gone; after any other fault it may go with the lease, or stay.
    fn outlive(&self, rest: Duration) -> BoxFuture<'_, Result<(), Fault>> {
        let _ = rest;
        Box::pin(async {
            let why = "the store keeps no lock without its holder";
            Err(Fault::Refused(Error::new(ErrorKind::Unsupported, why)))
        })
    }

    /// How many signs of life of the store there were so far that are no answers, such as pings of the
    /// connection: a store that is slow is asked less often than one that is silent.
    fn signs_of_life(&self) -> usize {
        0
    }

    /// Whether the store has ever answered this client.
    fn was_heard(&self) -> bool {
        true
    }

    /// The fault to report after this time without an answer.
    fn silent(&self, within: Duration) -> Fault {
        Fault::silent(within)
    }
}

/// One of several attempts to renew a lease.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Whether it is not the first, or begins later than it should. Then requests that otherwise go one
    /// after the other are better sent at the same time.
    pub late: bool,
    /// Whether there was no sign of life of the store since the attempt before began.
    pub silent: bool,
    /// An answer that takes longer is of no use.
    pub within: Duration,
}

/// Counts the requests for one lease: if an answer stays away another may be sent. A clone shares the
/// count.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Sendings>);

#[derive(Debug, Default)]
struct Sendings {
    first: OnceLock<Instant>,
    count: AtomicUsize,
}

impl Requests {
    /// Counts a request, and gives the time: to be called just before it is sent.
    pub fn leave(&self) -> Instant {
        let now = Instant::now();
        self.0.first.get_or_init(|| now);
        self.0.count.fetch_add(1, Ordering::Relaxed);
        now
    }

    /// When the first request left.
    pub fn first(&self) -> Option<Instant> {
        self.0.first.get().copied()
    }

    /// How many requests have left.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }
}

/// The leases of one client.
pub struct Keeper {
    options: Options,
    /// True once the client is closed. Every lease's task has a receiver for as long as it lives.
    closing: watch::Sender<bool>,
    leases: Leases,
    /// How long a revocation may take.
    within: Duration,
}

impl Keeper {
    /// The keeper of a client with these options. A revocation may take so long at most, for the case
    /// that the store's [`LeaseCalls::revoke`] does not end by itself.
    pub fn new(options: Options, within: Duration) -> Self {
        Self {
            options,
            closing: watch::Sender::new(false),
            leases: Leases::default(),
            within,
        }
    }

    /// Closes the client whose claims these are, in a store that can do so much: refuses further claims,
    /// and loses ([`Loss::Closed`](crate::Loss::Closed)) and revokes all leases, also those of a runtime
    /// that has ended, but not those that the store most likely never had. If the future is dropped it
    /// goes on in the background.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if one could not be revoked `within` this time; those run out.
    pub async fn close(
        &self,
        claims: &Claims,
        able: &Capabilities,
        within: Duration,
    ) -> Result<()> {
        claims.close();
        // Before any is revoked: otherwise another place of this client would become the first by that,
        // and hold the lock.
        self.leases.lose_all();
        let first = !self.closing.send_replace(true);
        let released = timeout(within, async {
            self.closing.closed().await;
            !first || self.revoke_all().await
        });
        if released.await.unwrap_or(!first) {
            return Ok(());
        }
        let store = able.store;
        let why = format!("close: {store} did not answer in time; what is left runs out by itself");
        Err(Error::new(ErrorKind::TimedOut, why))
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("options", &self.options)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
