//! A lock that stays held when its holder is gone: its keys are moved to a lease of their own, which nobody
//! renews. They stay the same keys, with their create revisions, so that whoever waits for one goes on
//! waiting.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etcd_client::{Compare, CompareOp, KeyValue, LeaseGrantOptions, PutOptions, Txn, TxnOp};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::index::IndexKey;
use super::read;
use super::recipe::{gets, transact};
use crate::locker::Record;
use crate::locker::limits::MAX_TTL;

/// How often it is tried: we ourselves may have written since when it is held.
const ATTEMPTS: u32 = 3;

/// The keys of a holder: its places, its indexes, and the lease that they are attached to.
type HolderKeys<'a> = (&'a [String], &'a [IndexKey], i64);

/// Moves the keys from their lease to another, `next`, which lives for so long from now on.
///
/// # Errors
/// [`Fault::LeaseNotFound`] if one is gone, or not as its holder wrote it: then the other lease has
/// nothing. After any other fault they may be moved, or not.
pub(super) async fn outlive(
    store: &Arc<EtcdMembers>,
    keys: HolderKeys<'_>,
    next: i64,
    rest: Duration,
) -> Result<(), Fault> {
    grant(store, next, rest).await?;
    attach(store, keys, next, SystemTime::now() + rest).await
}

/// Attaches the keys to the lease `next`, with records that say until when they stay.
async fn attach(
    store: &Arc<EtcdMembers>,
    (owns, indexes, lease): HolderKeys<'_>,
    next: i64,
    until: SystemTime,
) -> Result<(), Fault> {
    let names = || owns.iter().map(|own| own.clone().into_bytes());
    for _ in 0..ATTEMPTS {
        let found = read::keys(store, names().collect()).await?;
        let (mut as_read, mut puts) = (Vec::new(), Vec::new());
        for kv in places(found.into_iter().flatten(), owns)? {
            if kv.lease() != lease {
                return Err(Fault::LeaseNotFound);
            }
            let record = Record::held_until(kv.value(), until).ok_or(Fault::LeaseNotFound)?;
            as_read.push(untouched(kv.key(), kv.mod_revision()));
            let options = PutOptions::new().with_lease(next);
            puts.push(TxnOp::put(kv.key(), record, Some(options)));
        }
        for index in indexes {
            as_read.push(untouched(index.key.as_bytes(), index.revision));
            let options = PutOptions::new().with_lease(next).with_ignore_value();
            puts.push(TxnOp::put(&*index.key, "", Some(options)));
        }
        let reads: Vec<_> = names().map(|own| TxnOp::get(own, None)).collect();
        let txn = Txn::new().when(as_read).and_then(puts).or_else(reads);
        let answer = transact(store, txn).await?;
        if answer.succeeded() {
            return Ok(());
        }
        // An earlier request may have moved them, whose answer was lost.
        let moved = places(gets(&answer).into_iter().flatten(), owns)?;
        if moved.iter().all(|kv| kv.lease() == next) {
            return Ok(());
        }
    }
    Err(Fault::LeaseNotFound)
}

/// That the key was last written at this revision.
fn untouched(key: &[u8], modified: i64) -> Compare {
    Compare::mod_revision(key, CompareOp::Equal, modified)
}

/// The places that were read, which have to be there.
fn places(found: impl Iterator<Item = KeyValue>, owns: &[String]) -> Result<Vec<KeyValue>, Fault> {
    let found: Vec<_> = found.collect();
    match found.len() == owns.len() {
        true => Ok(found),
        false => Err(Fault::LeaseNotFound),
    }
}

/// Has a lease granted that lives for so long, or up to a second longer, and is renewed by nobody.
pub(super) async fn grant(store: &Arc<EtcdMembers>, id: i64, time: Duration) -> Result<(), Fault> {
    // Rounded up: etcd counts in seconds.
    let ttl = time.min(MAX_TTL) + Duration::from_millis(999);
    let ttl = (ttl.as_secs() as i64).clamp(1, MAX_TTL.as_secs() as i64);
    let op = move |client: Client| async move {
        let options = LeaseGrantOptions::new().with_id(id);
        client.lease_client().grant(ttl, Some(options)).await
    };
    match store.call(store.command_timeout, op).await {
        // Nobody else uses this id: an earlier request made it, whose answer was lost.
        Ok(_) | Err(Fault::LeaseExists) => Ok(()),
        Err(fault) => Err(fault),
    }
}
