//! The last runs under a lock, each in a key `<name>.history:<token>`, without a lease. That is not below
//! `<name>/`, where etcd's own recipe takes every key for a contender.

use std::sync::Arc;

use etcd_client::{
    Compare, CompareOp, DeleteOptions, GetOptions, KeyValue, SortOrder, SortTarget, Txn, TxnOp,
};

use super::Etcd;
use super::answer;
use super::dial::EtcdMembers;
use super::fault::Fault;
use super::read;
use super::recipe::{gets, transact};
use crate::error::{Error, Result};
use crate::locker::history::{MOST_KEPT, surplus};
use crate::locker::limits::check_key;
use crate::locker::{BoxFuture, History, PastRun};

/// How many runs one request reads: anybody can write values of a megabyte and a half.
const PAGE: i64 = 64;

/// Before the token in the key of each run.
fn prefix(key: &str) -> String {
    format!("{key}.history:")
}

/// The key of the run with this token: all digits that one can have, so that keys are in the order of
/// tokens.
fn key_of(key: &str, token: u64) -> String {
    format!("{}{token:020}", prefix(key))
}

fn token_in(key: &[u8], prefix: &str) -> Option<u64> {
    let digits = key.strip_prefix(prefix.as_bytes())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl History for Etcd {
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        Box::pin(async move {
            let key = &run.report.key;
            check_key(key)?;
            let begun = begin(&self.shared.store, run, keep).await;
            begun.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = &run.report.key;
            check_key(key)?;
            let ended = end(&self.shared.store, run, surplus).await;
            ended.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        Box::pin(async move {
            check_key(key)?;
            let read = newest(&self.shared.store, key).await;
            read.map_err(|fault| Error::from(fault).of_key(key))
        })
    }
}

async fn begin(store: &Arc<EtcdMembers>, run: &PastRun, keep: u32) -> Result<Vec<u64>, Fault> {
    let key = &run.report.key;
    let (own, prefix) = (key_of(key, run.token()), prefix(key));
    let absent = Compare::create_revision(&*own, CompareOp::Equal, 0);
    let all = GetOptions::new().with_prefix().with_keys_only();
    let read = TxnOp::get(&*prefix, Some(all));
    let put = TxnOp::put(&*own, run.to_json(), None);
    // Absent no more if this was sent twice, or the end was written before.
    let txn = Txn::new().when([absent]);
    let txn = txn.and_then([put, read.clone()]).or_else([read]);
    let answer = transact(store, txn).await?;
    let found = gets(&answer).into_iter().flatten();
    let tokens = found.filter_map(|kv| token_in(kv.key(), &prefix));
    Ok(surplus(tokens, keep))
}

async fn end(store: &Arc<EtcdMembers>, run: &PastRun, surplus: &[u64]) -> Result<(), Fault> {
    let key = &run.report.key;
    let mut ops = vec![TxnOp::put(key_of(key, run.token()), run.to_json(), None)];
    if let Some([from, to]) = range_of(key, run.token(), surplus) {
        let range = DeleteOptions::new().with_range(to);
        ops.push(TxnOp::delete(from, Some(range)));
    }
    transact(store, Txn::new().and_then(ops)).await.map(drop)
}

/// From which key up to which those are that are too many: the oldest, so that one range has them. It
/// begins with the first of them, since a lock may be called as their prefix and more.
fn range_of(key: &str, own: u64, surplus: &[u64]) -> Option<[String; 2]> {
    let older = || surplus.iter().filter(|&&token| token < own);
    let (first, last) = (older().min()?, older().max()?);
    Some([key_of(key, *first), key_of(key, last + 1)])
}

/// Reads from the newest to the oldest, since the oldest may be removed meanwhile.
async fn newest(store: &Arc<EtcdMembers>, key: &str) -> Result<Vec<PastRun>, Fault> {
    let prefix = prefix(key);
    let mut runs = Vec::new();
    let mut before = key_of(key, u64::MAX).into_bytes();
    loop {
        let page = GetOptions::new()
            .with_range(before.clone())
            .with_sort(SortTarget::Key, SortOrder::Descend)
            .with_limit(PAGE);
        let answer = read::range(store, &*prefix, page).await?;
        let found = answer.kvs().iter();
        runs.extend(found.filter_map(|kv| run_in(kv, &prefix)));
        match answer.kvs().last() {
            Some(last) if answer.more() && runs.len() < MOST_KEPT as usize => {
                if last.key() >= &before[..] {
                    return Err(Fault::broken(answer::NO_WAY_ON));
                }
                before = last.key().to_vec();
            }
            _ => break,
        }
    }
    runs.truncate(MOST_KEPT as usize);
    runs.reverse();
    Ok(runs)
}

fn run_in(kv: &KeyValue, prefix: &str) -> Option<PastRun> {
    let token = token_in(kv.key(), prefix)?;
    PastRun::from_json(kv.value()).filter(|run| run.token() == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lock_is_removed_with_the_runs_that_are_too_many() {
        let [from, to] = range_of("/k", 17, &[12, 9, 17, 18]).expect("a range");
        let is_in = |key: &str| *from <= *key && *key < *to;
        assert!(is_in(&key_of("/k", 9)) && is_in(&key_of("/k", 12)));
        assert!(!is_in(&key_of("/k", 8)) && !is_in(&key_of("/k", 13)));
        for lock in [
            "/k.history:",
            "/k.history:0",
            "/k.history:2026",
            "/k.history:x",
        ] {
            assert!(!is_in(&format!("{lock}/694d")), "{lock}");
        }
        assert_eq!(range_of("/k", 17, &[17]), None);
    }
}
