//! Taking a lock away from its holder: by a mark in its key, which a genlock watches, or by deleting
//! the key.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};

use super::contenders::{QueueKey, held, with_records};
use super::dial::EtcdMembers;
use super::fault::Fault;
use super::lease;
use super::read;
use super::recipe::transact;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::operator::{Contender, Removal, Ttl};
use crate::locker::{Mode, Record, TakenAway};

/// How often it is tried, where the queue moves in between.
const ATTEMPTS: usize = 10;

/// So many of those ahead are compared at most: etcd takes 128 operations (its --max-txn-ops).
const COMPARED: usize = 100;

/// What [`Operator::take_away`](crate::locker::Operator::take_away) does.
pub(super) async fn take_away(
    store: &Arc<EtcdMembers>,
    key: &str,
    token: u64,
    by: &TakenAway,
    force: bool,
) -> Result<Removal> {
    for _ in 0..ATTEMPTS {
        let (queue, _) = with_records(store, key).await?;
        let Some(entry) = queue.get(&(token as i64)) else {
            return Err(nobody(key, token));
        };
        if let Some(taken) = take(store, &queue, entry, (by, force)).await? {
            return Ok(taken);
        }
    }
    let why = "its queue moves all the time";
    Err(Error::new(ErrorKind::Unavailable, why).of_key(key))
}

/// Takes it away from this one of the queue; `None` if the queue is another by now.
async fn take(
    store: &Arc<EtcdMembers>,
    queue: &BTreeMap<i64, QueueKey>,
    entry: &QueueKey,
    (by, force): (&TakenAway, bool),
) -> Result<Option<Removal>> {
    let (own, lease) = (entry.key.clone(), entry.lease());
    let ahead = in_its_way(queue, entry);
    let mut as_found = vec![is_there(entry)];
    // Of a key that was moved nobody is there who would be told.
    let mut marked = None;
    if ahead.is_empty() && !force && !entry.is_moved() {
        marked = Record::marked(&value(store, &own).await?, by);
    }
    if !force {
        // Else its turn may have come, and it holds.
        as_found.extend(ahead);
    }
    // Of one whose holder is gone (outlive.rs).
    let is_left = |record: &Record| record.min_hold_ends_at.is_some();
    let of_its_own = entry.is_moved() && entry.record.as_ref().is_some_and(is_left);
    let (taken, change) = match marked {
        Some(record) => {
            let kept = PutOptions::new().with_ignore_lease();
            (Removal::Told, TxnOp::put(own.clone(), record, Some(kept)))
        }
        None => (Removal::Removed, TxnOp::delete(own.clone(), None)),
    };
    if !submit(store, as_found, change).await? {
        return Ok(None);
    }
    if of_its_own {
        // If this fails it ends by itself, without a key.
        let _ = lease::revoke(store, lease).await;
    }
    Ok(Some(taken))
}

/// That those are there still who are ahead of this one, and for whom it waits; nothing of one that holds.
fn in_its_way(queue: &BTreeMap<i64, QueueKey>, entry: &QueueKey) -> Vec<Compare> {
    let ahead = queue.range(..entry.revision);
    let (ahead, modes): (Vec<_>, Vec<Mode>) = ahead.map(|(_, one)| (one, one.mode())).unzip();
    let last = entry.mode().kept_waiting_by(&modes).min(COMPARED);
    ahead.into_iter().rev().take(last).map(is_there).collect()
}

/// That it is there still. A key that was created anew has another revision: so no other contender is hit.
fn is_there(entry: &QueueKey) -> Compare {
    Compare::create_revision(&*entry.key, CompareOp::Equal, entry.revision)
}

/// What [`Operator::clear_dead`](crate::locker::Operator::clear_dead) does.
pub(super) async fn clear_dead(store: &Arc<EtcdMembers>, key: &str) -> Result<Vec<Contender>> {
    let (queue, _) = with_records(store, key).await?;
    let mut cleared = Vec::new();
    // From the end: each waits for those ahead, which have to be there still.
    for entry in queue.values().skip(held(&queue)).rev() {
        let lives = |ttl: Ttl| ttl.left >= ttl.granted / 2;
        if lease::ttl(store, entry.lease()).await?.is_some_and(lives) {
            continue;
        }
        let delete = TxnOp::delete(entry.key.clone(), None);
        let mut as_found = in_its_way(&queue, entry);
        as_found.push(is_there(entry));
        if submit(store, as_found, delete).await? {
            cleared.push(entry.contender());
        }
    }
    cleared.reverse();
    Ok(cleared)
}

/// Makes the change if all is as it was found.
async fn submit(
    store: &Arc<EtcdMembers>,
    as_found: Vec<Compare>,
    change: TxnOp,
) -> Result<bool, Fault> {
    let txn = Txn::new().when(as_found).and_then([change]);
    Ok(transact(store, txn).await?.succeeded())
}

/// The value of a key; empty if it is gone, which the transaction then finds as well.
async fn value(store: &Arc<EtcdMembers>, key: &[u8]) -> Result<Vec<u8>, Fault> {
    let kv = read::key(store, key).await?;
    Ok(kv.map(|kv| kv.into_key_value().1).unwrap_or_default())
}

fn nobody(key: &str, token: u64) -> Error {
    let why = format!("nobody holds it or waits for it with token {token}");
    Error::new(ErrorKind::NotHeld, why).of_key(key)
}
