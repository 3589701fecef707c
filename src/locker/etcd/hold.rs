//! A lock that is held: its key is watched, and its lease is the release.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, GetOptions, KeyValue, WatchOptions};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::index::IndexKey;
use super::lease::{self, EtcdLease, EtcdPlace};
use super::read;
use super::recipe::Recipe;
use super::{Shared, watch};
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::keeper::{Granted, LeaseHolding};
use crate::locker::ownership::Owner;
use crate::locker::{Grant, Held, Loss, Record, Request, TakenAway};

/// The own key is watched only after so long: the locks of short commands are gone by then.
/// Nothing is missed, since the watch begins at a revision.
const UNWATCHED: Duration = Duration::from_millis(100);

/// The lease, in hexadecimal as etcdctl takes it.
pub(super) const LEASE: &str = "GENLOCK_HELD_LEASE";
/// What `etcdctl lock` calls the owner key.
pub(super) const KEY: &str = "ETCD_LOCK_KEY";
/// What `etcdctl lock` calls the revision; here always the create revision.
pub(super) const REVISION: &str = "ETCD_LOCK_REV";

/// The held lock of a place whose turn has come.
pub(super) fn held(
    shared: &Arc<Shared>,
    request: &Request,
    place: EtcdPlace,
    recipes: &[Recipe],
    claim: Claim,
) -> Held {
    let EtcdPlace {
        lease,
        granted: Granted { ttl, owner },
        own,
        revision,
        waited,
        indexes,
    } = place;
    let id = lease.calls().id;
    // From now on it is watched.
    lease.calls().set_may_be_detached(false);
    let mut watching = JoinSet::new();
    let mut watch = |recipe: &Recipe, (own, created): (String, i64)| {
        let key = HeldKey {
            name: recipe.name().to_owned(),
            own,
            created,
            lease: id,
            holder: recipe.holder().clone(),
        };
        let calls = lease.calls().clone();
        watching.spawn(lose_with_key(shared.clone(), key, calls, owner.clone()));
    };
    for recipe in recipes {
        watch(recipe, (recipe.own(id), revision));
    }
    for (recipe, index) in recipes.iter().zip(&indexes) {
        watch(recipe, (index.key.clone(), index.revision));
    }
    if waited {
        for recipe in recipes {
            let (recipe, own) = (recipe.clone(), recipe.own(id));
            watching.spawn(async move {
                sleep(UNWATCHED).await;
                // If it fails people see since when it waits, in place of since when it holds.
                let _ = recipe.stamp(&own, revision).await;
            });
        }
    }
    let (first, more) = grants(request, recipes, (id, revision), &indexes);
    let holding = LeaseHolding::new(lease, watching, claim);
    Held::new(first, more, owner, Box::new(holding))
        .with_ttl(ttl)
        .with_variable(LEASE, format!("{id:x}"))
        .with_variable(KEY, own)
        .with_variable(REVISION, revision.to_string())
        .told(&shared.options)
}

/// One for each key.
fn grants(
    request: &Request,
    recipes: &[Recipe],
    (lease, revision): (i64, i64),
    indexes: &[IndexKey],
) -> (Grant, Vec<Grant>) {
    let token = revision as u64;
    let of_key = |(nth, (key, recipe)): (usize, (&String, &Recipe))| {
        let grant = Grant::new(key, token).with_owner_key(recipe.own(lease));
        let index = indexes.get(nth).map(|index| index.index);
        Grant { index, ..grant }
    };
    let mut grants = request.keys().iter().zip(recipes).enumerate().map(of_key);
    let first = grants.next();
    // A request has a key at least.
    let first = first.unwrap_or_else(|| Grant::new(request.key(), token));
    (first, grants.collect())
}

/// The key that stands for a holder.
struct HeldKey {
    /// The lock's name.
    name: String,
    own: String,
    /// Its create revision.
    created: i64,
    lease: i64,
    /// Whose record is in it.
    holder: Record,
}

/// Ends the ownership when the key is deleted, or somebody else writes to it.
async fn lose_with_key(shared: Arc<Shared>, key: HeldKey, lease: Arc<EtcdLease>, owner: Owner) {
    let loss = match until_taken(&shared, &key).await {
        KeyChange::WrittenOver => {
            lease.set_may_be_detached(true);
            Loss::KeyOverwritten
        }
        // It was lost or released before.
        _ if owner.ownership().loss().is_some() => return,
        KeyChange::Away(by) => {
            let told = Some(key.name.as_str());
            shared.options.notify(told, EventKind::TakenAway(by));
            Loss::TakenAway
        }
        // A lease that ends takes its key along.
        KeyChange::Gone if lease::is_gone(&shared.store, key.lease).await => Loss::LeaseGone,
        KeyChange::Gone => Loss::KeyDeleted,
    };
    owner.lose(loss);
}

/// What can happen to the key of a holder.
enum KeyChange {
    /// It is gone.
    Gone,
    /// It is there, with an operator's mark in it.
    Away(TakenAway),
    /// It is there, on another lease or on none, or with what we did not write.
    WrittenOver,
}

impl HeldKey {
    /// What it means for us that the key is this now; `None` if it is as its holder writes it.
    fn taken(&self, kv: &KeyValue) -> Option<KeyChange> {
        if kv.lease() != self.lease {
            return Some(KeyChange::WrittenOver);
        }
        match Record::from_json(kv.value()) {
            Some(record) if record.is_of(&self.holder) => None,
            Some(Record {
                taken_away: Some(by),
                ..
            }) => Some(KeyChange::Away(by)),
            _ => Some(KeyChange::WrittenOver),
        }
    }
}

/// Ends when something has happened to the key.
async fn until_taken(shared: &Shared, key: &HeldKey) -> KeyChange {
    let store = &shared.store;
    let mut from = key.created + 1;
    sleep(UNWATCHED).await;
    loop {
        let options = WatchOptions::new().with_start_revision(from);
        let taken = |event: &etcd_client::Event| {
            let taken = match (event.event_type(), event.kv()) {
                (EventType::Put, Some(kv)) => key.taken(kv),
                _ => Some(KeyChange::Gone),
            };
            taken.map_or(ControlFlow::Continue(()), ControlFlow::Break)
        };
        if let Ok(taken) = watch::follow(store, key.own.as_bytes(), options, taken).await {
            return taken;
        }
        // The revisions before may be compacted by now, and a store that came back without its
        // data would never get to this one: nothing is watched before the key was read.
        from = loop {
            sleep(shared.options.retry_interval).await;
            let own = read::range(store, &*key.own, GetOptions::new());
            if let Ok(answer) = own.await {
                let kv = answer.kvs().first();
                let Some(kv) = kv.filter(|kv| kv.create_revision() == key.created) else {
                    return KeyChange::Gone;
                };
                if let Some(taken) = key.taken(kv) {
                    return taken;
                }
                break (read::revision(&answer) + 1).max(from);
            }
        };
    }
}
