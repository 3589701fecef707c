//! A store's part in calls to its servers: how a connection to one is made, and what errors mean. Which
//! server is asked, and for how long, is decided in [`Members`](super::members::Members).

use std::future::Future;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::liveness::Liveness;
use super::protocol::Protocol;
use super::refusal::Refusal;
use crate::locker::BoxFuture;
use crate::locker::fault::Fault;

/// How a store dials its servers.
pub(crate) trait Dialler: Send + Sync + 'static {
    /// What makes requests over one connection, which they share, side by side.
    type Client: Send + Sync + 'static;

    /// Why a request fails, as the store's client says it.
    type Error: Send + 'static;

    /// What the servers speak.
    const PROTOCOL: &'static Protocol;

    /// A fresh connection, logged in if there is a user, of which `liveness` tells what is heard. The
    /// caller bounds it, and may drop it at any moment.
    ///
    /// # Errors
    /// [`Fault::Broken`] if this server may do later, [`Fault::Misfit`] if it never will,
    /// [`Fault::Refused`] if no other will either.
    fn dial<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        liveness: &'a Liveness,
    ) -> BoxFuture<'a, Result<Connection<Self::Client>, Fault>>;

    /// What the error of a request means; `refusal` may have why its connection broke. After
    /// [`Fault::Broken`] and [`Fault::Misfit`] another server is asked, after [`Fault::StaleLogin`] the
    /// same one over a fresh connection. Any other is the store's answer, whoever gives it.
    fn fault(&self, error: Self::Error, refusal: &Refusal) -> Fault;
}

/// A connection, for as long as it works.
pub(crate) struct Connection<C> {
    client: Arc<C>,
    refusal: Refusal,
}

impl<C> Connection<C> {
    /// One that was dialled. Why it will end is kept in `refusal`, where it is known.
    pub(crate) fn new(client: C, refusal: Refusal) -> Self {
        Self {
            client: Arc::new(client),
            refusal,
        }
    }

    /// Whether it is the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
    }

    /// Runs `op` over it, and says in words for a user why it failed.
    pub(crate) async fn run<D, T, F, Fut>(self, dialler: &D, op: F) -> Result<T, Fault>
    where
        D: Dialler<Client = C>,
        F: FnOnce(Arc<C>) -> Fut,
        Fut: Future<Output = Result<T, D::Error>>,
    {
        // A client library's futures may be large (tonic's: 12 KB), and would be moved about with those
        // around them.
        let result = Box::pin(op(self.client)).await;
        result.map_err(|error| dialler.fault(error, &self.refusal))
    }
}

impl<C> Clone for Connection<C> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            refusal: self.refusal.clone(),
        }
    }
}
