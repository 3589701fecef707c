//! Which of N holders one is: a key `<name>.index:<i>` on the lock's lease, so that it goes with what
//! stands for the holder, and no two who hold at the same time have the same. It is not below `<name>/`,
//! where etcd's own recipe takes every key for a contender.

use std::collections::BTreeSet;
use std::sync::Arc;

use etcd_client::{Compare, CompareOp, GetOptions, KeyValue, PutOptions, Txn, TxnOp};

use super::dial::EtcdMembers;
use super::fault::Fault;
use super::read;
use super::recipe::{Recipe, gets, header_revision, loss, transact};
use crate::error::ErrorKind;
use crate::locker::Loss;

/// An index that is ours.
#[derive(Clone, Debug)]
pub(super) struct IndexKey {
    pub(super) index: u32,
    pub(super) key: String,
    /// Its create revision.
    pub(super) revision: i64,
}

/// What an attempt to have one comes to.
pub(super) enum IndexClaim {
    Ours(IndexKey),
    /// Each is another's, who may not hold any more, and is still to be stopped.
    NoneIsFree,
    /// Our place is gone.
    Lost(Loss),
}

/// Takes the lowest that is free of `most`, for the place that was created at `revision`. May be
/// repeated.
pub(super) async fn claim(
    store: &Arc<EtcdMembers>,
    recipe: &Recipe,
    (lease, revision): (i64, i64),
    most: u32,
) -> Result<IndexClaim, Fault> {
    let own = recipe.own(lease);
    let prefix = prefix(recipe.name());
    let mut index = 0;
    // Whenever it is taken by another first, one less is free.
    loop {
        let key = format!("{prefix}{index}");
        let free = Compare::create_revision(&*key, CompareOp::Equal, 0);
        let place = Compare::mod_revision(&*own, CompareOp::Equal, revision);
        let options = PutOptions::new().with_lease(lease);
        let put = TxnOp::put(&*key, recipe.holder().to_json(), Some(options));
        let all = GetOptions::new().with_prefix().with_keys_only();
        let txn = Txn::new().when([free, place]).and_then([put]).or_else([
            TxnOp::get(&*own, Some(GetOptions::new().with_keys_only())),
            TxnOp::get(&*prefix, Some(all)),
        ]);
        let answer = match transact(store, txn).await {
            Err(Fault::LeaseNotFound) => return Ok(IndexClaim::Lost(Loss::LeaseGone)),
            answer => answer?,
        };
        if answer.succeeded() {
            let revision = header_revision(&answer);
            return Ok(IndexClaim::Ours(IndexKey {
                index,
                key,
                revision,
            }));
        }
        let mut found = gets(&answer);
        let taken = found.pop().unwrap_or_default();
        let place = found.pop().and_then(|mut kvs| kvs.pop());
        if let Some(loss) = loss(place.as_ref(), revision) {
            return Ok(IndexClaim::Lost(loss));
        }
        // An earlier request may have taken it, whose answer was lost.
        let ours = taken.iter().filter(|kv| kv.lease() == lease);
        if let Some(ours) = ours.filter_map(|kv| ours_in(kv, &prefix)).next() {
            return Ok(IndexClaim::Ours(ours));
        }
        let taken: BTreeSet<_> = taken
            .iter()
            .filter_map(|kv| index_in(kv.key(), &prefix))
            .collect();
        match (0..most).find(|index| !taken.contains(index)) {
            Some(lowest) => index = lowest,
            None => return Ok(IndexClaim::NoneIsFree),
        }
    }
}

/// The fault; of a user whose rights are for the queue alone, it says where the indexes are.
pub(super) fn denied(fault: Fault, recipe: &Recipe) -> Fault {
    match fault {
        Fault::Refused(error) if error.kind() == ErrorKind::Denied => {
            let prefix = prefix(recipe.name());
            let where_to = format!(" (its indexes are below {})", prefix.escape_debug());
            Fault::Refused(error.and(where_to))
        }
        fault => fault,
    }
}

/// The indexes that are taken under a name, each with the lease that it ends with.
pub(super) async fn taken(store: &Arc<EtcdMembers>, name: &str) -> Result<Vec<(i64, u32)>, Fault> {
    let prefix = prefix(name);
    let all = GetOptions::new().with_prefix().with_keys_only();
    let answer = read::range(store, &*prefix, all).await?;
    let each = answer.kvs().iter();
    let each = each.filter_map(|kv| Some((kv.lease(), index_in(kv.key(), &prefix)?)));
    Ok(each.collect())
}

/// The name of the lock that a key is an index of, and the index; `None` if it is of none.
pub(super) fn named(key: &[u8]) -> Option<(&str, u32)> {
    let text = std::str::from_utf8(key).ok()?;
    let (name, _) = text.rsplit_once(INFIX)?;
    Some((name, index_in(key, &prefix(name))?))
}

/// Between the name and the index.
const INFIX: &str = ".index:";

/// Before the index in each key.
fn prefix(name: &str) -> String {
    format!("{name}{INFIX}")
}

fn ours_in(kv: &KeyValue, prefix: &str) -> Option<IndexKey> {
    Some(IndexKey {
        index: index_in(kv.key(), prefix)?,
        key: String::from_utf8_lossy(kv.key()).into_owned(),
        revision: kv.create_revision(),
    })
}

/// The index in a key with this prefix, as it is written there. Others may be of a lock with such a name.
pub(super) fn index_in(key: &[u8], prefix: &str) -> Option<u32> {
    let digits = std::str::from_utf8(key.strip_prefix(prefix.as_bytes())?).ok()?;
    let index: u32 = digits.parse().ok()?;
    (digits == index.to_string()).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_as_it_is_written() {
        let read = |key: &str| index_in(key.as_bytes(), "/k.index:");
        assert_eq!(read("/k.index:0"), Some(0));
        assert_eq!(read("/k.index:17"), Some(17));
        for other in ["", "00", "+1", "1/694d", "-1", "x"] {
            assert_eq!(read(&format!("/k.index:{other}")), None, "{other}");
            assert_eq!(named(format!("/k.index:{other}").as_bytes()), None);
        }
    }
}
