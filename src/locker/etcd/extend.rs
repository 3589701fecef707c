//! A lock that stays held although its holder is gone (outlive.rs), held for another while: its keys are
//! moved on to a new lease.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etcd_client::{Compare, CompareOp, KeyValue, LeaseTimeToLiveOptions, PutOptions, Txn, TxnOp};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::recipe::{get_key, gets, transact};
use super::{lease, outlive, read};
use crate::error::Result;
use crate::locker::Record;
use crate::locker::limits::MAX_TTL;

/// Whether the key with this create revision is one that stays although its holder is gone, and is not
/// taken away.
pub(super) fn is_left(kv: &KeyValue, token: u64) -> bool {
    let record = Record::from_json(kv.value());
    let is_left = |record: Record| record.min_hold_ends_at.is_some() && record.taken_away.is_none();
    kv.create_revision() as u64 == token && kv.lease() != 0 && record.is_some_and(is_left)
}

/// What [`Operator::extend`](crate::locker::Operator::extend) does. False if there is no such lock.
pub(super) async fn extend(
    store: &Arc<EtcdMembers>,
    own: &str,
    token: u64,
    time: Duration,
) -> Result<bool> {
    let found = read::key(store, own).await?;
    let Some(lease) = found.filter(|kv| is_left(kv, token)).map(|kv| kv.lease()) else {
        return Ok(false);
    };
    let keys = attached(store, lease).await?;
    let found = read::keys(store, keys).await?;
    let found: Vec<_> = found.into_iter().flatten().collect();
    // If it was taken away meanwhile, nothing of it is to be kept.
    let is_own = |kv: &KeyValue| kv.key() == own.as_bytes() && is_left(kv, token);
    if !found.iter().any(is_own) {
        return Ok(false);
    }
    let next = lease::fresh_id()?;
    outlive::grant(store, next, time).await?;
    let moved = attach(store, found, next, time).await;
    // The one that has no key any more; if this fails it ends by itself. Without an answer either may
    // have the keys.
    if let Ok(is_moved) = moved {
        let empty = if is_moved { lease } else { next };
        let _ = lease::revoke(store, empty).await;
    }
    Ok(moved?)
}

/// Attaches the keys to the lease `next`, unless one of them was written to since.
async fn attach(
    store: &Arc<EtcdMembers>,
    keys: Vec<KeyValue>,
    next: i64,
    time: Duration,
) -> Result<bool, Fault> {
    let until = SystemTime::now() + time.min(MAX_TTL);
    let (mut as_read, mut puts, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for kv in keys {
        let revision = kv.mod_revision();
        as_read.push(Compare::mod_revision(kv.key(), CompareOp::Equal, revision));
        // An index has no record.
        let record = Record::held_until(kv.value(), until);
        let record = record.unwrap_or_else(|| kv.value().to_vec());
        let options = PutOptions::new().with_lease(next);
        puts.push(TxnOp::put(kv.key(), record, Some(options)));
        reads.push(get_key(kv.key()));
    }
    let txn = Txn::new().when(as_read).and_then(puts).or_else(reads);
    let answer = transact(store, txn).await?;
    // An earlier request may have moved them, whose answer was lost.
    let mut found = gets(&answer).into_iter();
    let moved = |kvs: Vec<KeyValue>| kvs.first().is_some_and(|kv| kv.lease() == next);
    Ok(answer.succeeded() || found.all(moved))
}

/// The keys that end with the lease.
async fn attached(store: &Arc<EtcdMembers>, lease: i64) -> Result<Vec<Vec<u8>>, Fault> {
    let ask = move |client: Client| async move {
        let options = LeaseTimeToLiveOptions::new().with_keys();
        client
            .lease_client()
            .time_to_live(lease, Some(options))
            .await
    };
    let answer = store.call(store.command_timeout, ask).await?;
    Ok(answer.keys().to_vec())
}
