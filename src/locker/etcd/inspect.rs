//! Looking at queues from outside: at that of one lock, and at all below a prefix.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{GetOptions, KeyValue};
use tokio::time::{sleep, timeout};

use super::contenders::{QueueKey, queue, queues, read_holders, with_records};
use super::dial::EtcdMembers;
use super::fault::Fault;
use super::standing::{self, Stand, Standing};
use super::{extend, index, lease, watch};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::operator::{Queue, Remaining};
use crate::locker::{Mode, Record, margin};

/// What [`Operator::queue`](crate::locker::Operator::queue) gives.
pub(super) async fn look(store: &Arc<EtcdMembers>, key: &str) -> Result<Queue, Fault> {
    let (mut entries, _) = with_records(store, key).await?;
    read_indexes(store, key, &mut entries).await?;
    let mut ttl = None;
    if let Some(holder) = entries.values().next() {
        ttl = lease::ttl(store, holder.lease()).await?;
    }
    Ok(Queue {
        ttl,
        ..of_entries(key, &entries)
    })
}

/// What [`Operator::glance`](crate::locker::Operator::glance) gives.
pub(super) async fn glance(store: &Arc<EtcdMembers>, key: &str) -> Result<Queue, Fault> {
    let (mut entries, _) = queue(store, key).await?;
    read_holders(store, std::iter::once(&mut entries)).await?;
    read_indexes(store, key, &mut entries).await?;
    Ok(of_entries(key, &entries))
}

/// What [`Operator::list`](crate::locker::Operator::list) gives.
pub(super) async fn list(store: &Arc<EtcdMembers>, prefix: &str) -> Result<Vec<Queue>, Fault> {
    let (mut found, _) = queues(store, prefix.as_bytes()).await?;
    // The prefix may reach into the last part of a shorter name's keys.
    found.retain(|name, _| name.starts_with(prefix.as_bytes()));
    read_holders(store, found.values_mut()).await?;
    let queues = found.iter();
    let queues = queues.map(|(name, entries)| of_entries(&String::from_utf8_lossy(name), entries));
    Ok(queues.collect())
}

fn of_entries(key: &str, entries: &BTreeMap<i64, QueueKey>) -> Queue {
    Queue::new(key, entries.values().map(QueueKey::contender).collect())
}

/// Asks which of several holders each is, where there may be several.
async fn read_indexes(
    store: &Arc<EtcdMembers>,
    key: &str,
    entries: &mut BTreeMap<i64, QueueKey>,
) -> Result<(), Fault> {
    let first = entries.values().next().map(QueueKey::mode);
    if !matches!(first, Some(Mode::OneOf(_))) {
        return Ok(());
    }
    for (lease, index) in index::taken(store, key).await? {
        let mut entries = entries.values_mut();
        if let Some(entry) = entries.find(|entry| entry.lease() == lease) {
            entry.index = Some(index);
        }
    }
    Ok(())
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
                let within = if picked.in_doubt() {
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
    let mut lived = standing::lived(store, lease, own.as_bytes(), GetOptions::new()).await?;
    if let Some(kv) = lived.key.take_if(|kv| extend::is_left(kv, token)) {
        return left_to_etcd(store, own, token, kv.lease()).await;
    }
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

/// The same of a lock whose holder is gone, with the lease that it has now.
async fn left_to_etcd(
    store: &Arc<EtcdMembers>,
    own: &str,
    token: u64,
    lease: i64,
) -> Result<Remaining, Fault> {
    let lived = standing::lived(store, lease, own.as_bytes(), GetOptions::new()).await?;
    let is_it = |kv: &KeyValue| kv.lease() == lease && extend::is_left(kv, token);
    let (Some(ttl), Some(_)) = (lease::ttl_in(&lived.lease), lived.key.filter(is_it)) else {
        return Ok(Remaining::Nothing);
    };
    // Nobody renews it: the clocks have to agree for as long as is left.
    let gone = Instant::now().since(lived.sent) + margin(ttl.left);
    let left = ttl.left.checked_sub(gone);
    Ok(left.map_or(Remaining::Nothing, Remaining::AtLeast))
}
