//! A lock that is held: its key is watched, and its lease is the release.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::Client;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::lease::{self, Granted, Lease};
use super::queue::Place;
use super::recipe::create_revision;
use super::{Shared, watch};
use crate::error::Result;
use crate::locker::claims::{Claim, Claims};
use crate::locker::ownership::{Loss, Owner};
use crate::locker::{BoxFuture, Held, Possession};

/// The own key is watched only after so long: the locks of short commands are gone by then.
/// Nothing is missed, since the watch begins at a revision.
const UNWATCHED: Duration = Duration::from_millis(100);

/// What a held lock has of the store. Dropping it drops the lease, which revokes it.
struct Holding {
    lease: Lease,
    /// Dropped, it ends the watch.
    watching: JoinSet<()>,
    claim: Claim,
}

/// The held lock of a place whose turn has come.
pub(super) fn held(shared: &Arc<Shared>, key: &str, place: Place, claim: Claim) -> Held {
    let Place {
        lease,
        granted: Granted { ttl, owner },
        own,
        revision,
    } = place;
    let (id, ownership) = (lease.id(), owner.ownership());
    let mut watching = JoinSet::new();
    watching.spawn(lose_with_key(
        shared.clone(),
        own.clone(),
        revision,
        id,
        owner,
    ));
    Held {
        key: key.to_owned(),
        token: revision as u64,
        owner_key: Some(own),
        lease: Some(id),
        ttl: Some(ttl),
        ownership,
        possession: Box::new(Holding {
            lease,
            watching,
            claim,
        }),
    }
}

impl Possession for Holding {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        let Self {
            lease,
            watching,
            claim,
        } = *self;
        Box::pin(async move {
            drop(watching);
            let released = lease.release().await;
            drop(claim);
            released
        })
    }

    fn claims(&self) -> &Claims {
        self.claim.claims()
    }
}

/// Ownership goes with the key.
async fn lose_with_key(shared: Arc<Shared>, own: String, created: i64, lease: i64, owner: Owner) {
    until_gone(&shared, &own, created).await;
    // A lease that ends takes its key along.
    let loss = if lease::is_gone(&shared.store, lease).await {
        Loss::LeaseGone
    } else {
        Loss::KeyDeleted
    };
    owner.lose(loss);
}

/// Ends when the key that was created at this revision is gone.
async fn until_gone(shared: &Shared, own: &str, created: i64) {
    let store = &shared.store;
    let mut from = created + 1;
    sleep(UNWATCHED).await;
    while watch::deleted(store, own.as_bytes(), from).await.is_err() {
        // The revisions before may be compacted by now, and a store that came back without its
        // data would never get to this one: nothing is watched before the key was read.
        from = loop {
            sleep(shared.options.retry_interval).await;
            let key = own.to_owned();
            let get = move |client: Client| {
                let key = key.clone();
                async move { client.kv_client().get(key, None).await }
            };
            if let Ok(answer) = store.call(store.command_timeout, get).await {
                if create_revision(answer.kvs()) != Some(created) {
                    return;
                }
                break answer.header().map_or(from, |header| header.revision() + 1);
            }
        };
    }
}
