//! The leases of one client that may be in etcd. A lease's task revokes it; when that has ended with
//! its runtime, who releases or closes finds here what it left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::connect::Store;
use super::dial::Client;
use super::{Shared, revoke};
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::ownership::{Loss, Owner};

/// By their ids.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<i64, Entry>>);

#[derive(Clone)]
struct Entry {
    /// The key that is attached to it.
    own: String,
    ttl: Duration,
    /// Who goes by it, once it is granted.
    owner: Option<Owner>,
    /// When it ends by itself: it is renewed no more, and could not be revoked.
    end: Option<Instant>,
    /// Whether most likely it never was in etcd.
    aside: bool,
    /// The key may be attached elsewhere by now.
    astray: bool,
}

impl Leases {
    /// One is about to be asked for.
    pub(super) fn begin(&self, id: i64, own: String, ttl: Duration) {
        let entry = Entry {
            own,
            ttl,
            owner: None,
            end: None,
            aside: false,
            astray: false,
        };
        self.all().insert(id, entry);
    }

    /// It was granted.
    pub(super) fn granted(&self, id: i64, ttl: Duration, owner: Owner) {
        if let Some(entry) = self.all().get_mut(&id) {
            entry.ttl = ttl;
            entry.owner = Some(owner);
        }
    }

    /// Whether somebody else may have written to its key: what nobody watches can be.
    pub(super) fn set_astray(&self, id: i64, astray: bool) {
        if let Some(entry) = self.all().get_mut(&id) {
            entry.astray = astray;
        }
    }

    /// Nobody waits until it is gone.
    pub(super) fn set_aside(&self, id: i64) {
        if let Some(entry) = self.all().get_mut(&id) {
            entry.aside = true;
        }
    }

    /// It is not in etcd.
    pub(super) fn forget(&self, id: i64) {
        self.all().remove(&id);
    }

    /// It could not be revoked. Those of before are forgotten when they have ended.
    fn keep(&self, id: i64) {
        let now = Instant::now();
        let mut all = self.all();
        if let Some(entry) = all.get_mut(&id) {
            entry.end = Some(now + entry.ttl);
        }
        all.retain(|_, entry| entry.end.is_none_or(|end| end > now));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<i64, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Revokes a lease, and with it every key that is attached. Does nothing if it is gone already.
pub(super) async fn revoke(shared: &Shared, id: i64) -> Result<()> {
    let Some(entry) = shared.leases.all().get(&id).cloned() else {
        return Ok(());
    };
    let revoked = revoke::revoke(&shared.store, id).await;
    if revoked.is_err() {
        shared.leases.keep(id);
        return revoked;
    }
    // Its holder may have seen it meanwhile.
    if shared
        .leases
        .all()
        .get(&id)
        .is_some_and(|entry| entry.astray)
    {
        delete(&shared.store, entry.own).await;
    }
    shared.leases.forget(id);
    revoked
}

/// Revokes all that is left when the client is closed. False if one cannot be.
pub(super) async fn revoke_all(shared: &Shared) -> bool {
    let left: Vec<_> = {
        let all = shared.leases.all();
        for owner in all.values().filter_map(|entry| entry.owner.as_ref()) {
            owner.lose(Loss::Closed);
        }
        let left = all.iter().filter(|(_, entry)| !entry.aside);
        left.map(|(&id, _)| id).collect()
    };
    let mut revoked = true;
    for id in left {
        revoked &= revoke(shared, id).await.is_ok();
    }
    revoked
}

/// A key that was attached elsewhere would stay without its lease: in the way of those who ask for
/// no lease (etcd's own recipe). Nobody else may have it: the lease's id is in it.
async fn delete(store: &Arc<Store>, own: String) {
    let op = move |client: Client| {
        let own = own.clone();
        async move { client.kv_client().delete(own, None).await }
    };
    // Who waits for it looks after the lease as well.
    let _ = store.call(store.command_timeout, op).await;
}
