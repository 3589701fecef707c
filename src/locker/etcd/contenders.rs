//! Reading the queues of locks: who stands in them, with what they say of themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_client::{GetOptions, KeyValue};

use super::answer;
use super::dial::EtcdMembers;
use super::fault::Fault;
use super::index;
use super::read;
use super::standing::{self, Stand, Standing};
use crate::locker::operator::Contender;
use crate::locker::{Mode, QueuePolicy, Record};

/// How many keys one request reads, without their values.
const PAGE: i64 = 5_000;

/// One key of a queue.
#[derive(Clone, Debug)]
pub(super) struct QueueKey {
    pub(super) key: Vec<u8>,
    pub(super) revision: i64,
    /// The revision of the last write to it.
    pub(super) modified: i64,
    lease: i64,
    is_moved: bool,
    /// Whether the key was written over, so that it stands only while the lease lives.
    in_doubt: bool,
    pub(super) record: Option<Record>,
    /// Which of several holders it is, where that was asked for.
    pub(super) index: Option<u32>,
}

impl QueueKey {
    /// The name of the lock that a key stands in the queue of, and the key; `None` if it stands in
    /// none.
    pub(super) fn of(kv: &KeyValue) -> Option<(Vec<u8>, Self)> {
        let stand = Stand::of(kv)?;
        let entry = Self {
            key: kv.key().to_vec(),
            revision: kv.create_revision(),
            modified: kv.mod_revision(),
            lease: stand.lease,
            is_moved: stand.is_moved,
            in_doubt: stand.standing == Standing::WrittenOver,
            record: Record::from_json(kv.value()),
            index: None,
        };
        Some((stand.name.to_vec(), entry))
    }

    pub(super) fn contender(&self) -> Contender {
        Contender {
            owner_key: self.owner_key(),
            token: Some(self.revision as u64),
            lease: Some(format!("{:x}", self.lease)),
            index: self.index,
            mode: None,
            record: self.record.clone(),
        }
    }

    pub(super) fn owner_key(&self) -> String {
        String::from_utf8_lossy(&self.key).into_owned()
    }

    /// In which mode it holds or waits. Who says nothing is exclusive.
    pub(super) fn mode(&self) -> Mode {
        let record = self.record.as_ref();
        record.map_or(Mode::Exclusive, Record::locks)
    }

    /// Whether it sends older waiters of its kind away.
    pub(super) fn is_latest(&self) -> bool {
        let policy = self.record.as_ref().map(Record::queues);
        policy == Some(QueuePolicy::Latest)
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
    let mut indexes = Vec::new();
    let mut at = 0;
    let (mut from, end) = range(prefix);
    loop {
        let options = GetOptions::new()
            .with_range(end.clone())
            .with_keys_only()
            .with_limit(PAGE)
            .with_revision(at);
        let answer = read::range(store, &*from, options).await?;
        if at == 0 {
            at = read::revision(&answer);
        }
        for kv in answer.kvs() {
            if let Some((name, entry)) = QueueKey::of(kv) {
                found.entry(name).or_default().insert(entry.revision, entry);
            } else if let Some((name, index)) = index::named(kv.key()) {
                indexes.push((name.to_owned(), kv.lease(), index));
            }
        }
        match answer.kvs().last() {
            Some(last) if answer.more() => {
                let next = [last.key(), &[0]].concat();
                if next <= from {
                    return Err(Fault::broken(answer::NO_WAY_ON));
                }
                from = next;
            }
            _ => {
                note_indexes(&mut found, indexes);
                return Ok((found, at));
            }
        }
    }
}

/// Notes which of several holders those are that have these indexes, each of a name and with its lease.
fn note_indexes(found: &mut Queues, indexes: Vec<(String, i64, u32)>) {
    for (name, lease, index) in indexes {
        let queue = found.get_mut(name.as_bytes()).into_iter();
        let mut entries = queue.flat_map(BTreeMap::values_mut);
        if let Some(entry) = entries.find(|entry| entry.lease == lease) {
            entry.index = Some(index);
        }
    }
}

/// The queue of one name, with its records: by one request, if it is short.
pub(super) async fn with_records(
    store: &Arc<EtcdMembers>,
    key: &str,
) -> Result<(BTreeMap<i64, QueueKey>, i64), Fault> {
    let page = GetOptions::new().with_prefix();
    let page = page.with_limit(read::AT_ONCE as i64);
    let answer = read::range(store, format!("{key}/"), page).await?;
    if answer.more() {
        let (mut queue, at) = queue(store, key).await?;
        read_records(store, queue.values_mut()).await?;
        return Ok((queue, at));
    }
    let found = answer.kvs().iter().filter_map(QueueKey::of);
    let found = found.filter(|(name, _)| name == key.as_bytes());
    let mut queue: BTreeMap<_, _> = found.map(|(_, one)| (one.revision, one)).collect();
    drop_ended(store, &mut queue).await?;
    Ok((queue, read::revision(&answer)))
}

/// The queue of one name. The records are still to be read.
pub(super) async fn queue(
    store: &Arc<EtcdMembers>,
    key: &str,
) -> Result<(BTreeMap<i64, QueueKey>, i64), Fault> {
    let (mut found, at) = read_keys(store, format!("{key}/").as_bytes()).await?;
    let mut queue = found.remove(key.as_bytes()).unwrap_or_default();
    drop_ended(store, &mut queue).await?;
    Ok((queue, at))
}

/// Leaves out those whose key was written over and whose lease is gone.
async fn drop_ended(
    store: &Arc<EtcdMembers>,
    queue: &mut BTreeMap<i64, QueueKey>,
) -> Result<(), Fault> {
    let in_doubt: Vec<_> = queue.values().filter(|e| e.in_doubt).cloned().collect();
    for entry in in_doubt {
        if standing::has_ended(store, entry.lease, &entry.key).await? {
            queue.remove(&entry.revision);
        }
    }
    Ok(())
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
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    for part in entries.chunks_mut(read::AT_ONCE) {
        let keys = part.iter().map(|entry| entry.key.clone()).collect();
        for (entry, kv) in part.iter_mut().zip(read::neighbours(store, keys).await?) {
            let kv = kv.filter(|kv| kv.create_revision() == entry.revision);
            if let Some(kv) = kv {
                entry.record = Record::from_json(kv.value());
            }
        }
    }
    Ok(())
}

/// Reads the records of those who hold, in each of these queues, and of a few behind them.
pub(super) async fn read_holders(
    store: &Arc<EtcdMembers>,
    queues: impl Iterator<Item = &mut BTreeMap<i64, QueueKey>>,
) -> Result<(), Fault> {
    let mut queues: Vec<_> = queues.map(|queue| (0, queue)).collect();
    loop {
        let mut next = Vec::new();
        for (known, queue) in &mut queues {
            let mut modes = queue.values().take(*known).map(QueueKey::mode);
            let more = match modes.clone().next() {
                None => 1,
                Some(first) if first.may_hold(modes.by_ref()) => read::AT_ONCE,
                Some(_) => 0,
            };
            next.extend(queue.values_mut().skip(*known).take(more));
            *known += more;
        }
        if next.is_empty() {
            return Ok(());
        }
        read_records(store, next.into_iter()).await?;
    }
}

/// How many of a queue hold: the oldest, as far as the rule goes.
pub(super) fn held(queue: &BTreeMap<i64, QueueKey>) -> usize {
    let modes: Vec<_> = queue.values().map(QueueKey::mode).collect();
    Mode::holders(&modes)
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
