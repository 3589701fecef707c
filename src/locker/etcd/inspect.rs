//! Reading queues from outside: of one lock, and of all below a prefix.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{GetOptions, KeyValue, Txn, TxnOp};
use tokio::time::{sleep, timeout};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::recipe::{create_revision, gets};
use super::standing::{self, Stand, Standing};
use super::{lease, watch};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::operator::{Contender, Queue, Remaining};
use crate::locker::{Record, margin};

/// How many keys one request reads, without their values.
const PAGE: i64 = 5_000;

/// How many values one transaction reads (etcd takes 128 operations, its --max-txn-ops). Anybody can
/// write values of a megabyte and a half, so that it is bounded in memory too.
const VALUES: usize = 64;

/// One key of a queue.
#[derive(Clone, Debug)]
pub(super) struct QueueKey {
    pub(super) key: Vec<u8>,
    pub(super) revision: i64,
    lease: i64,
    is_moved: bool,
    /// Whether the key was written over, so that it stands only while the lease lives.
    in_doubt: bool,
    pub(super) record: Option<Record>,
}

impl QueueKey {
    /// The name of the lock that a key stands in the queue of, and the key; `None` if it stands in
    /// none.
    pub(super) fn of(kv: &KeyValue) -> Option<(Vec<u8>, Self)> {
        let stand = Stand::of(kv)?;
        let entry = Self {
            key: kv.key().to_vec(),
            revision: kv.create_revision(),
            lease: stand.lease,
            is_moved: stand.is_moved,
            in_doubt: stand.standing == Standing::WrittenOver,
            record: Record::from_json(kv.value()),
        };
        Some((stand.name.to_vec(), entry))
    }

    pub(super) fn contender(&self) -> Contender {
        Contender {
            owner_key: String::from_utf8_lossy(&self.key).into_owned(),
            token: Some(self.revision as u64),
            lease: Some(format!("{:x}", self.lease)),
            record: self.record.clone(),
        }
    }

    pub(super) fn in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// The lease that the key ends with.
    pub(super) fn lease(&self) -> i64 {
        self.lease
    }

    /// Whether that is not the one of its holder.
    pub(super) fn is_moved(&self) -> bool {
        self.is_moved
    }
}

/// The queues of several locks by name; each by the create revision, the holder first.
pub(super) type Queues = BTreeMap<Vec<u8>, BTreeMap<i64, QueueKey>>;

/// Every queue below a prefix, at one revision, and that revision. The records are still to be read.
/// Contenders whose key was written over are left out: to ask for the lease of each would take too
/// long.
pub(super) async fn queues(
    store: &Arc<EtcdMembers>,
    prefix: &[u8],
) -> Result<(Queues, i64), Fault> {
    let (mut found, at) = read_keys(store, prefix).await?;
    found.retain(|_, queue| {
        queue.retain(|_, entry| !entry.in_doubt);
        !queue.is_empty()
    });
    Ok((found, at))
}

async fn read_keys(store: &Arc<EtcdMembers>, prefix: &[u8]) -> Result<(Queues, i64), Fault> {
    let mut found = Queues::new();
    let mut at = 0;
    let (mut from, end) = range(prefix);
    loop {
        let options = GetOptions::new()
            .with_range(end.clone())
            .with_keys_only()
            .with_limit(PAGE)
            .with_revision(at);
        let first = from.clone();
        let page = move |client: Client| {
            let (first, options) = (first.clone(), options.clone());
            async move { client.kv_client().get(first, Some(options)).await }
        };
        let answer = store.call(store.command_timeout, page).await?;
        if at == 0 {
            at = answer.header().map_or(0, |header| header.revision());
        }
        for (name, entry) in answer.kvs().iter().filter_map(QueueKey::of) {
            found.entry(name).or_default().insert(entry.revision, entry);
        }
        match answer.kvs().last() {
            Some(last) if answer.more() => {
                from = last.key().to_vec();
                from.push(0);
            }
            _ => return Ok((found, at)),
        }
    }
}

/// The queue of one name.
pub(super) async fn queue(
    store: &Arc<EtcdMembers>,
    key: &str,
) -> Result<(BTreeMap<i64, QueueKey>, i64), Fault> {
    let (mut found, at) = read_keys(store, format!("{key}/").as_bytes()).await?;
    let mut queue = found.remove(key.as_bytes()).unwrap_or_default();
    let in_doubt: Vec<_> = queue.values().filter(|e| e.in_doubt).cloned().collect();
    for entry in in_doubt {
        if standing::has_ended(store, entry.lease, &entry.key).await? {
            queue.remove(&entry.revision);
        }
    }
    Ok((queue, at))
}

/// The first key of a prefix, and the end of its range; of the empty one all keys (etcd's
/// `range_end`, api/etcdserverpb/rpc.proto).
pub(super) fn range(prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return (prefix.to_vec(), end);
        }
    }
    let first = if prefix.is_empty() { &[0] } else { prefix };
    (first.to_vec(), vec![0])
}

/// Reads the records of these entries, which stay `None` where the key is gone by now.
pub(super) async fn read_records<'a>(
    store: &Arc<EtcdMembers>,
    entries: impl Iterator<Item = &'a mut QueueKey>,
) -> Result<(), Fault> {
    let mut entries: Vec<_> = entries.collect();
    for part in entries.chunks_mut(VALUES) {
        let reads: Vec<_> = part.iter().map(|e| TxnOp::get(&*e.key, None)).collect();
        let read = move |client: Client| {
            let txn = Txn::new().and_then(reads.clone());
            async move {
                let kv = client.kv_client();
                let mut kv = kv.max_decoding_message_size(usize::MAX);
                kv.txn(txn).await
            }
        };
        let answer = store.call(store.command_timeout, read).await?;
        for (entry, kvs) in part.iter_mut().zip(gets(&answer)) {
            if create_revision(&kvs) == Some(entry.revision) {
                entry.record = kvs.first().and_then(|kv| Record::from_json(kv.value()));
            }
        }
    }
    Ok(())
}

/// What [`Operator::queue`](crate::locker::Operator::queue) gives.
pub(super) async fn look(store: &Arc<EtcdMembers>, key: &str) -> Result<Queue, Fault> {
    let (mut entries, _) = queue(store, key).await?;
    read_records(store, entries.values_mut()).await?;
    let mut ttl = None;
    if let Some(holder) = entries.values().next() {
        ttl = lease::ttl(store, holder.lease).await?;
    }
    Ok(Queue {
        key: key.to_owned(),
        contenders: entries.values().map(QueueKey::contender).collect(),
        ttl,
    })
}

/// What [`Operator::glance`](crate::locker::Operator::glance) gives.
pub(super) async fn glance(store: &Arc<EtcdMembers>, key: &str) -> Result<Queue, Fault> {
    let (mut entries, _) = queue(store, key).await?;
    read_records(store, entries.values_mut().take(1)).await?;
    Ok(Queue {
        key: key.to_owned(),
        contenders: entries.values().map(QueueKey::contender).collect(),
        ttl: None,
    })
}

/// What [`Operator::list`](crate::locker::Operator::list) gives.
pub(super) async fn list(store: &Arc<EtcdMembers>, prefix: &str) -> Result<Vec<Queue>, Fault> {
    let (mut found, _) = queues(store, prefix.as_bytes()).await?;
    // The prefix may reach into the last part of a shorter name's keys.
    found.retain(|name, _| name.starts_with(prefix.as_bytes()));
    let holders = found.values_mut().filter_map(|q| q.values_mut().next());
    read_records(store, holders).await?;
    let queues = found.into_iter().map(|(name, entries)| Queue {
        key: String::from_utf8_lossy(&name).into_owned(),
        contenders: entries.values().map(QueueKey::contender).collect(),
        ttl: None,
    });
    Ok(queues.collect())
}

/// Ends when the queue is empty. The last one in it is watched; if others are left when it goes, the
/// next last one is.
pub(super) async fn until_free(store: &Arc<EtcdMembers>, key: &str, pause: Duration) -> Result<()> {
    until_none(store, key, pause, |entries| entries.values().next_back()).await
}

/// Ends when nobody with this token is in the queue.
pub(super) async fn until_gone(
    store: &Arc<EtcdMembers>,
    key: &str,
    token: u64,
    pause: Duration,
) -> Result<()> {
    until_none(store, key, pause, |entries| entries.get(&(token as i64))).await
}

/// Ends when `pick` finds none in the queue.
async fn until_none(
    store: &Arc<EtcdMembers>,
    key: &str,
    pause: Duration,
    pick: impl Fn(&BTreeMap<i64, QueueKey>) -> Option<&QueueKey> + Send,
) -> Result<()> {
    loop {
        match queue(store, key).await {
            Ok((entries, at)) => {
                let Some(picked) = pick(&entries) else {
                    return Ok(());
                };
                let written = watch::written(store, &picked.key, at + 1);
                let within = if picked.in_doubt {
                    standing::LOOK
                } else {
                    Duration::MAX
                };
                if !matches!(timeout(within, written).await, Ok(Err(_))) {
                    continue;
                }
            }
            // An etcd that has answered before and does not now is asked again, as by a waiter.
            Err(Fault::Broken(_)) if store.heard() => {}
            Err(fault) => return Err(Error::from(fault)),
        }
        sleep(pause).await;
    }
}

/// What [`Operator::left`](crate::locker::Operator::left) gives.
pub(super) async fn left(
    store: &Arc<EtcdMembers>,
    own: &str,
    token: u64,
) -> Result<Remaining, Fault> {
    let Some((_, lease)) = standing::parts(own.as_bytes()) else {
        return Ok(Remaining::Nothing);
    };
    let lived = standing::lived(store, lease, own.as_bytes(), GetOptions::new()).await?;
    let (Some(ttl), Some(kv)) = (lease::ttl_in(&lived.lease), lived.key) else {
        return Ok(Remaining::Nothing);
    };
    // A lock whose key was written over is lost: its holder sees it so too.
    let stand = Stand::of(&kv);
    let attached = stand.is_some_and(|s| s.standing == Standing::Attached && !s.is_moved);
    let record = Record::from_json(kv.value());
    let overwritten = record.is_none() && kv.mod_revision() != kv.create_revision();
    let taken_away = record.is_some_and(|record| record.taken_away.is_some());
    if kv.create_revision() as u64 != token || !attached || overwritten || taken_away {
        return Ok(Remaining::Nothing);
    }
    let gone = Instant::now().since(lived.sent) + margin(ttl.granted);
    let left = ttl.left.checked_sub(gone);
    Ok(left.map_or(Remaining::Nothing, Remaining::AtLeast))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_prefix_is_etcds() {
        assert_eq!(range(b"a/"), (b"a/".to_vec(), b"a0".to_vec()));
        assert_eq!(range(b"a\xff"), (b"a\xff".to_vec(), b"b".to_vec()));
        assert_eq!(range(b""), (vec![0], vec![0]));
        assert_eq!(range(b"\xff"), (vec![0xff], vec![0]));
    }
}
