//! The store's side of a held lock that has a lease: to release it is to revoke that.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Lease, LeaseCalls};
use crate::error::Result;
use crate::locker::{BoxFuture, Claim, Possession};

/// A lease whose place holds the lock. Its drop drops the lease, which is revoked in the background.
pub struct LeaseHolding<C> {
    lease: Lease<C>,
    watching: JoinSet<()>,
    claim: Claim,
}

impl<C: LeaseCalls> LeaseHolding<C> {
    /// The tasks in `watching` look what others do to what stands for the holder in the store, and note
    /// its loss. They are aborted when the lock was released, or this is dropped.
    pub fn new(lease: Lease<C>, watching: JoinSet<()>, claim: Claim) -> Self {
        Self {
            lease,
            watching,
            claim,
        }
    }
}

impl<C: LeaseCalls> Possession for LeaseHolding<C> {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        let Self {
            lease,
            watching,
            claim,
        } = *self;
        Box::pin(async move {
            // They go on until the lease is gone: what is written over before that may outlive the lease,
            // and the store's side has to know.
            let released = lease.release().await;
            drop((watching, claim));
            released
        })
    }

    fn release_after(self: Box<Self>, rest: Duration) -> BoxFuture<'static, Result<()>> {
        let Self {
            lease,
            mut watching,
            claim,
        } = *self;
        Box::pin(async move {
            // What is about to be written is our own.
            watching.shutdown().await;
            let kept = lease.calls().outlive(rest).await;
            let released = lease.release().await;
            drop(claim);
            kept?;
            released
        })
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl<C> fmt::Debug for LeaseHolding<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseHolding").finish_non_exhaustive()
    }
}
