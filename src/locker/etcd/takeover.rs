//! Taking a lock away from its holder: by a mark in its key, which a genlock watches, or by deleting
//! the key.

use std::sync::Arc;

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};

use super::contenders::{held, with_records};
use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::lease;
use super::recipe::transact;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::operator::{Contender, Removal, Ttl};
use crate::locker::{Record, TakenAway};

/// What [`Operator::take_away`](crate::locker::Operator::take_away) does.
pub(super) async fn take_away(
    store: &Arc<EtcdMembers>,
    key: &str,
    token: u64,
    by: &TakenAway,
    force: bool,
) -> Result<Removal> {
    let revision = token as i64;
    let (entries, _) = with_records(store, key).await?;
    let Some(entry) = entries.get(&revision) else {
        return Err(nobody(key, token));
    };
    let (own, lease) = (entry.key.clone(), entry.lease());
    let holds = entries
        .keys()
        .take(held(&entries))
        .any(|&at| at == revision);
    // Of a key that was moved nobody is there who would be told.
    let mut marked = None;
    if holds && !force && !entry.is_moved() {
        marked = Record::marked(&value(store, &own).await?, by);
    }
    let of_its_own = entry.is_moved() && is_left(&value(store, &own).await?);
    let (taken, change) = match marked {
        Some(record) => {
            let kept = PutOptions::new().with_ignore_lease();
            (Removal::Told, TxnOp::put(own.clone(), record, Some(kept)))
        }
        None => (Removal::Removed, TxnOp::delete(own.clone(), None)),
    };
    if !submit(store, own, revision, change).await? {
        return Err(nobody(key, token));
    }
    if of_its_own {
        // If this fails it ends by itself, without a key.
        let _ = lease::revoke(store, lease).await;
    }
    Ok(taken)
}

/// Whether a key's value is that of a lock whose holder is gone (outlive.rs).
fn is_left(value: &[u8]) -> bool {
    let record = Record::from_json(value);
    record.is_some_and(|record| record.min_hold_ends_at.is_some())
}

/// What [`Operator::clear_dead`](crate::locker::Operator::clear_dead) does.
pub(super) async fn clear_dead(store: &Arc<EtcdMembers>, key: &str) -> Result<Vec<Contender>> {
    let (entries, _) = with_records(store, key).await?;
    let holders = held(&entries);
    let mut cleared = Vec::new();
    for (revision, entry) in entries.into_iter().skip(holders) {
        let lives = |ttl: Ttl| ttl.left >= ttl.granted / 2;
        if lease::ttl(store, entry.lease()).await?.is_some_and(lives) {
            continue;
        }
        let delete = TxnOp::delete(entry.key.clone(), None);
        if submit(store, entry.key.clone(), revision, delete).await? {
            cleared.push(entry.contender());
        }
    }
    Ok(cleared)
}

/// Makes the change if the key was created at this revision. A key that was created anew has another
/// revision: so no other contender is hit.
async fn submit(
    store: &Arc<EtcdMembers>,
    key: Vec<u8>,
    created: i64,
    change: TxnOp,
) -> Result<bool, Fault> {
    let same = Compare::create_revision(key, CompareOp::Equal, created);
    let txn = Txn::new().when([same]).and_then([change]);
    Ok(transact(store, txn).await?.succeeded())
}

/// The value of a key; empty if it is gone, which the transaction then finds as well.
async fn value(store: &Arc<EtcdMembers>, key: &[u8]) -> Result<Vec<u8>, Fault> {
    let key = key.to_vec();
    let get = move |client: Client| {
        let key = key.clone();
        async move { client.kv_client().get(key, None).await }
    };
    let mut answer = store.call(store.command_timeout, get).await?;
    let kv = answer.take_kvs().pop();
    Ok(kv.map(|kv| kv.into_key_value().1).unwrap_or_default())
}

fn nobody(key: &str, token: u64) -> Error {
    let why = format!("nobody holds it or waits for it with token {token}");
    Error::new(ErrorKind::NotHeld, why).of_key(key)
}
