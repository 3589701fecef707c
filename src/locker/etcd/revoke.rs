//! The end of a lease: it is revoked, and with it goes every key that is attached.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use crate::error::{Error, Result};

/// Revokes it. Bounded.
pub(super) async fn revoke(store: &Arc<Store>, id: i64) -> Result<()> {
    let op = move |client: Client| async move { client.lease_client().revoke(id).await };
    match store.call(store.command_timeout, op).await {
        Ok(_) | Err(Fault::LeaseNotFound) => Ok(()),
        Err(fault) => Err(Error::from(fault).context("released at the end of its TTL only")),
    }
}

/// Ends as `grant`, which asks for the lease. If the client is closed before, and something `was_sent`,
/// a revocation goes out behind it: whoever closes may not live until the answer comes.
pub(super) async fn behind<T>(
    grant: impl Future<Output = T>,
    closing: &mut watch::Receiver<bool>,
    was_sent: impl FnOnce() -> bool,
    store: &Arc<Store>,
    id: i64,
) -> T {
    let mut grant = pin!(grant);
    tokio::select! {
        biased;
        granted = &mut grant => return granted,
        () = closed(closing) => {}
    }
    let revoking = async {
        if was_sent() {
            let _ = revoke(store, id).await;
        }
    };
    // What comes of it does not count: the two may have changed places on their way.
    tokio::join!(grant, revoking).0
}

/// Ends when the client is closed.
pub(super) async fn closed(closing: &mut watch::Receiver<bool>) {
    if closing.wait_for(|closing| *closing).await.is_err() {
        std::future::pending::<()>().await;
    }
}
