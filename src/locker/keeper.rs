//! Keeping leases, for stores whose locks run out: each is granted, renewed up to its deadline, and
//! revoked. A store gives the three calls ([`LeaseCalls`]); when they are made, and what comes of their
//! answers, is decided here.
//!
//! What a lease is depends on the store: a lease in etcd, a key with a time to live in Redis, a
//! session in ZooKeeper. For each lock that is asked for a client starts one ([`Lease::start`]),
//! waits until it is [granted](Lease::granted) and its turn in the store's queue has come, and
//! [takes](Lease::take_turn) the turn; what was granted then drives a [`Held`](crate::Held), whose
//! release is that of the lease.

mod lease;
mod left;
mod renewal;
#[cfg(test)]
mod tests;
mod turn;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::deadline::Deadline;
use super::{BoxFuture, Options};
use crate::clock::Instant;
use left::Leases;

pub use super::fault::Fault;
pub use lease::{Granted, Lease};
pub use turn::too_late;

/// What a store does for one lease.
///
/// The futures may be dropped at any moment: whatever was sent may still be carried out. They run
/// within the runtime of the call that asked for the lease; those of a revocation in any.
pub trait LeaseCalls: Send + Sync + 'static {
    /// Asks for it. Gives the deadline that counts from the sending of the request that was answered,
    /// by the TTL that the store granted, less what its own bookkeeping may take. The store bounds
    /// it. Called once; each sending is noted by [`Requests::leave`].
    ///
    /// # Errors
    /// [`Fault::LeaseExists`] if another has it, and nothing of ours is in the store. After any other
    /// fault it is revoked, if anything was sent.
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>>;

    /// Renews it, once. Gives the instant from which on it lives for its TTL for certain, no earlier
    /// than this call. Other renewals may be under way; each ends by its own answer.
    ///
    /// # Errors
    /// [`Fault::LeaseNotFound`] if it is gone for certain. Any other is tried again up to the deadline.
    fn renew(&self, attempt: Attempt) -> BoxFuture<'_, Result<Instant, Fault>>;

    /// Revokes it, and with it all that stands for its holder. One that is gone already is revoked. May
    /// be called while it is being granted or renewed, and more than once.
    ///
    /// # Errors
    /// If the store may have it still: it is tried again when the client is closed.
    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>>;

    /// How many signs of life of the store there were so far, other than answers: one that is slow is
    /// asked less often than one that is silent.
    fn signs_of_life(&self) -> usize {
        0
    }

    /// Whether the store has ever answered this client.
    fn was_heard(&self) -> bool {
        true
    }

    /// The fault where there was no answer for so long.
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

/// The requests for one lease, of which there may be more than one. A clone counts the same ones.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Sendings>);

#[derive(Debug, Default)]
struct Sendings {
    first: OnceLock<Instant>,
    count: AtomicUsize,
}

impl Requests {
    /// Notes that one leaves now: to be called just before it is sent.
    pub fn leave(&self) -> Instant {
        let now = Instant::now();
        self.0.first.get_or_init(|| now);
        self.0.count.fetch_add(1, Ordering::Relaxed);
        now
    }

    /// When the first left.
    pub fn first(&self) -> Option<Instant> {
        self.0.first.get().copied()
    }

    /// How many have left.
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
    /// Bounds a revocation that does not end by itself.
    within: Duration,
}

impl Keeper {
    /// Of a client that takes its locks as these options say. A revocation is bounded by `within`, if
    /// the store does not end it before.
    pub fn new(options: Options, within: Duration) -> Self {
        Self {
            options,
            closing: watch::Sender::new(false),
            leases: Leases::default(),
            within,
        }
    }

    /// Loses ([`Loss::Closed`](crate::Loss::Closed)) and revokes all leases, also those of a runtime
    /// that has ended, but not those that the store most likely never had. False if one could not be
    /// revoked `within` this time; those end at their TTL. If the future is dropped it goes on in the
    /// background.
    pub async fn close(&self, within: Duration) -> bool {
        // Before any is revoked: otherwise another place of this client would become the first by that,
        // and hold the lock.
        self.leases.lose_all();
        let first = !self.closing.send_replace(true);
        let released = timeout(within, async {
            self.closing.closed().await;
            !first || self.revoke_all().await
        });
        released.await.unwrap_or(!first)
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
