//! A lock that stays held when its holder is gone: its key is moved to a lease of its own, which nobody
//! renews. It stays the same key, with its create revision, so that whoever waits for it goes on waiting.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etcd_client::{Compare, CompareOp, LeaseGrantOptions, PutOptions, Txn, TxnOp};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::recipe::{gets, transact};
use crate::locker::Record;
use crate::locker::limits::MAX_TTL;

/// How often it is tried: we ourselves may have written since when it is held.
const ATTEMPTS: u32 = 3;

/// Moves the key `own` from its lease to another, `next`, which lives for so long from now on.
///
/// # Errors
/// [`Fault::LeaseNotFound`] if the key is gone, or not as its holder wrote it: then the other lease has
/// nothing. After any other fault it may be moved, or not.
pub(super) async fn outlive(
    store: &Arc<EtcdMembers>,
    (own, lease): (&str, i64),
    next: i64,
    rest: Duration,
) -> Result<(), Fault> {
    grant(store, next, rest).await?;
    attach(store, (own, lease), next, SystemTime::now() + rest).await
}

/// Attaches the key to the lease `next`, with a record that says until when it stays.
async fn attach(
    store: &Arc<EtcdMembers>,
    (own, lease): (&str, i64),
    next: i64,
    until: SystemTime,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS {
        let (value, modified) = read(store, own, lease).await?;
        let record = Record::held_until(&value, until).ok_or(Fault::LeaseNotFound)?;
        if put(store, own, record, (modified, next)).await? {
            return Ok(());
        }
    }
    Err(Fault::LeaseNotFound)
}

/// Writes the record into the key and attaches it to the lease `next`, if it was last written at that
/// revision.
async fn put(
    store: &Arc<EtcdMembers>,
    own: &str,
    record: Vec<u8>,
    (modified, next): (i64, i64),
) -> Result<bool, Fault> {
    let as_read = Compare::mod_revision(own, CompareOp::Equal, modified);
    let put = TxnOp::put(own, record, Some(PutOptions::new().with_lease(next)));
    let txn = Txn::new()
        .when([as_read])
        .and_then([put])
        .or_else([TxnOp::get(own, None)]);
    let answer = transact(store, txn).await?;
    // An earlier request may have moved it, whose answer was lost.
    let found = gets(&answer).pop().and_then(|mut kvs| kvs.pop());
    Ok(answer.succeeded() || found.is_some_and(|kv| kv.lease() == next))
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

/// The value of the key, and the revision of the last write to it.
async fn read(store: &Arc<EtcdMembers>, own: &str, lease: i64) -> Result<(Vec<u8>, i64), Fault> {
    let own = own.to_owned();
    let op = move |client: Client| {
        let own = own.clone();
        async move { client.kv_client().get(own, None).await }
    };
    let mut answer = store.call(store.command_timeout, op).await?;
    let kv = answer.take_kvs().pop().filter(|kv| kv.lease() == lease);
    let kv = kv.ok_or(Fault::LeaseNotFound)?;
    let modified = kv.mod_revision();
    Ok((kv.into_key_value().1, modified))
}
