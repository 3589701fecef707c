//! Marks in etcd: a key `<name>.once:<slot>` outside of the lock's queue, on a lease of its own, which
//! takes it away.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{
    Compare, CompareOp, DeleteOptions, GetOptions, KeyValue, PutOptions, SortOrder, SortTarget,
    Txn, TxnOp, TxnOpResponse,
};

use super::Etcd;
use super::dial::EtcdMembers;
use super::fault::Fault;
use super::lease::{self, fresh_id};
use super::outlive;
use super::read;
use super::recipe::transact;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::marks::{check_held, mark_key, mark_prefix, not_held};
use crate::locker::{BoxFuture, Held, Mark, Marks};

/// How many of the youngest keys are looked at for the last mark: locks whose name begins as a mark's may
/// be among them.
const LAST: i64 = 64;

/// How many keys one request removes: etcd takes 128 operations (its --max-txn-ops).
const PAGE: usize = 64;

impl Marks for Etcd {
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            let mark = mark_key(key, name)?;
            let store = &self.shared.store;
            let found = read::key(store, mark).await.map_err(|f| denied(f, key))?;
            Ok(found.as_ref().and_then(mark_in))
        })
    }

    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            let prefix = mark_prefix(key)?;
            let youngest = GetOptions::new()
                .with_prefix()
                .with_sort(SortTarget::Mod, SortOrder::Descend)
                .with_limit(LAST);
            let store = &self.shared.store;
            let found = read::range(store, &*prefix, youngest).await;
            let found = found.map_err(|fault| denied(fault, key))?;
            let mut marks = found.kvs().iter().filter(|kv| is_mark(kv.key(), &prefix));
            Ok(marks.find_map(mark_in))
        })
    }

    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = mark_key(held.key(), &mark.slot)?;
            check_held(held)?;
            let id = fresh_id()?;
            let set = set(&self.shared.store, held, (key, mark), (id, keep)).await;
            match set.map_err(|fault| denied(fault, held.key()))? {
                true => Ok(()),
                false => Err(not_held(held)),
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let store = &self.shared.store;
            let keys = match name {
                Some(name) => vec![mark_key(key, name)?.into_bytes()],
                None => all(store, &mark_prefix(key)?)
                    .await
                    .map_err(|fault| denied(fault, key))?,
            };
            let mut removed = 0;
            for part in keys.chunks(PAGE) {
                let forgotten = remove(store, part).await;
                removed += forgotten.map_err(|fault| denied(fault, key))?;
            }
            Ok(removed)
        })
    }
}

/// Sets a mark on a new lease, if the owner's key of `held` is still there. Whether it is.
async fn set(
    store: &Arc<EtcdMembers>,
    held: &Held,
    (key, mark): (String, &Mark),
    (id, keep): (i64, Duration),
) -> Result<bool, Fault> {
    outlive::grant(store, id, keep).await?;
    let owner_key = held.owner_key().unwrap_or_default();
    let holds = Compare::create_revision(owner_key, CompareOp::Equal, held.token() as i64);
    let options = PutOptions::new().with_lease(id).with_prev_key();
    let put = TxnOp::put(key, mark.to_json(keep), Some(options));
    let txn = Txn::new().when([holds]).and_then([put]);
    // If the answer is lost the lease is left: the mark may be set.
    let answer = transact(store, txn).await?;
    let mut unused = Vec::new();
    match answer.succeeded() {
        true => {
            let put = answer.op_responses().into_iter().next();
            if let Some(TxnOpResponse::Put(put)) = put {
                unused.extend(
                    put.prev_key()
                        .filter(|kv| kv.lease() != id)
                        .and_then(lease_of),
                );
            }
        }
        false => unused.push(id),
    }
    revoke(store, unused).await;
    Ok(answer.succeeded())
}

/// Ends leases that carry nothing any more. Where that fails they end by themselves.
async fn revoke(store: &Arc<EtcdMembers>, leases: Vec<i64>) {
    for id in leases {
        let _ = lease::revoke(store, id).await;
    }
}

/// The keys of all marks with this prefix.
async fn all(store: &Arc<EtcdMembers>, prefix: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let options = GetOptions::new().with_prefix().with_keys_only();
    let found = read::range(store, prefix, options).await?;
    let keys = found.kvs().iter().map(KeyValue::key);
    let marks = keys.filter(|key| is_mark(key, prefix));
    Ok(marks.map(<[u8]>::to_vec).collect())
}

/// Removes these keys and their leases. How many of them were there.
async fn remove(store: &Arc<EtcdMembers>, keys: &[Vec<u8>]) -> Result<u64, Fault> {
    let with_lease = DeleteOptions::new().with_prev_key();
    let deletes = keys.iter().cloned();
    let deletes = deletes.map(|key| TxnOp::delete(key, Some(with_lease.clone())));
    let txn = Txn::new().and_then(deletes.collect::<Vec<_>>());
    let answer = transact(store, txn).await?;
    let (mut removed, mut unused) = (0, Vec::new());
    for response in answer.op_responses() {
        if let TxnOpResponse::Delete(deleted) = response {
            removed += deleted.deleted() as u64;
            unused.extend(deleted.prev_kvs().iter().filter_map(lease_of));
        }
    }
    revoke(store, unused).await;
    Ok(removed)
}

/// The lease of a mark, which carries nothing else. What is no mark may be on anybody's.
fn lease_of(kv: &KeyValue) -> Option<i64> {
    mark_in(kv)?;
    Some(kv.lease()).filter(|&id| id != 0)
}

fn mark_in(kv: &KeyValue) -> Option<Mark> {
    Mark::from_json(kv.value())
}

/// Whether a key with this prefix is a mark, and no place in the queue of a longer name.
fn is_mark(key: &[u8], prefix: &str) -> bool {
    let rest = key.strip_prefix(prefix.as_bytes());
    rest.is_some_and(|rest| !rest.contains(&b'/'))
}

/// The error for `key`; of a user whose rights are for its queue alone, it says where marks are.
fn denied(fault: Fault, key: &str) -> Error {
    let error = Error::from(fault).of_key(key);
    match (error.kind(), mark_prefix(key)) {
        (ErrorKind::Denied, Ok(prefix)) => {
            error.and(format!(" (its marks are below {})", prefix.escape_debug()))
        }
        _ => error,
    }
}
