//! What a key says of the contender that it stands for: it is `<name>/<lease in hex>`, attached to that
//! lease, or later to another, with which it ends then: a lock that stays held when its holder is gone
//! (outlive.rs).
//!
//! Anybody may write over such a key, and so attach it to no lease. A genlock that holds by it sees that
//! (hold.rs), but needs time to stop; `etcdctl lock`, which watches nothing, goes on. So the contender
//! counts for as long as the key is there and the lease in its name lives.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{
    Event, EventType, GetOptions, KeyValue, LeaseTimeToLiveResponse, ResponseHeader,
};

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use crate::clock::Instant;

/// How often to ask whether the lease of a key that was written over is gone: no watch shows that.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Attempts to ask within one term: elections are rare.
const TERMS: u32 = 3;

/// How many requests follow one another in an attempt.
const QUESTIONS: u32 = 3;

/// Whether a key is as its contender wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is attached to a lease, and ends with that.
    Attached,
    /// It was written over and has no lease, and counts while the one in its name lives.
    WrittenOver,
}

/// A key as a place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand<'a> {
    /// The name of the lock.
    pub(super) name: &'a [u8],
    /// The lease that it ends with.
    pub(super) lease: i64,
    /// Whether that is not the one in its name: whoever that was is gone, or loses the lock.
    pub(super) is_moved: bool,
    pub(super) standing: Standing,
}

impl<'a> Stand<'a> {
    /// `None` if the key stands in no queue: it has another form, or never was attached to that lease.
    pub(super) fn of(kv: &'a KeyValue) -> Option<Self> {
        let (name, named) = parts(kv.key())?;
        if kv.lease() != named && kv.mod_revision() == kv.create_revision() {
            return None;
        }
        let (lease, standing) = match kv.lease() {
            0 => (named, Standing::WrittenOver),
            lease => (lease, Standing::Attached),
        };
        Some(Self {
            name,
            lease,
            is_moved: lease != named,
            standing,
        })
    }
}

/// The name of the lock, and the lease, in a key.
pub(super) fn parts(key: &[u8]) -> Option<(&[u8], i64)> {
    let slash = key.iter().rposition(|&byte| byte == b'/')?;
    Some((&key[..slash], lease_in(&key[slash + 1..])?))
}

/// The lease in the last part of a key, if it is one as it is written there.
fn lease_in(end: &[u8]) -> Option<i64> {
    let end = std::str::from_utf8(end).ok()?;
    let lease = i64::from_str_radix(end, 16)
        .ok()
        .filter(|&lease| lease > 0)?;
    (end == format!("{lease:x}")).then_some(lease)
}

/// Whether an event on the key of a contender says that it was deleted, or written over without
/// a lease.
pub(super) fn is_not_attached(event: &Event) -> ControlFlow<()> {
    let stands = event.event_type() == EventType::Put
        && event
            .kv()
            .and_then(Stand::of)
            .is_some_and(|stand| stand.standing == Standing::Attached);
    if stands {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

/// Whether the lease is gone for certain. `key` is any that may be read.
pub(super) async fn has_ended(
    store: &Arc<EtcdMembers>,
    lease: i64,
    key: &[u8],
) -> Result<bool, Fault> {
    let count = GetOptions::new().with_count_only();
    let lived = lived(store, lease, key, count).await?;
    // etcd says no granted TTL of a lease that is not there. One that has run out may yet be renewed.
    Ok(lived.lease.granted_ttl() <= 0)
}

/// What etcd answers for a lease, and then for a key.
pub(super) struct Lived {
    /// The instant just before the request for the lease left.
    pub(super) sent: Instant,
    pub(super) lease: LeaseTimeToLiveResponse,
    /// The key, by a read that a majority confirmed.
    pub(super) key: Option<KeyValue>,
}

/// Asks for a lease, and then for a key as `options` say.
///
/// A leader that was replaced and does not know it yet answers for leases too (proof.rs), and does not
/// know newer ones: so its answer counts only between two reads of one term. All three requests go to
/// one member, whose term never goes back: otherwise the answer in the middle could be of an older
/// term than the reads before and after it.
pub(super) async fn lived(
    store: &Arc<EtcdMembers>,
    lease: i64,
    key: &[u8],
    options: GetOptions,
) -> Result<Lived, Fault> {
    let key = key.to_vec();
    let ask = move |client: Client| {
        let (key, options) = (key.clone(), options.clone());
        async move {
            let count = GetOptions::new().with_count_only();
            let before = client.kv_client().get(key.clone(), Some(count)).await?;
            let sent = Instant::now();
            let lease = client.lease_client().time_to_live(lease, None).await?;
            let mut after = client.kv_client().get(key, Some(options)).await?;
            let key = after.take_kvs().pop();
            let within_one = term(before.header()) == term(after.header());
            Ok(within_one.then_some(Lived { sent, lease, key }))
        }
    };
    for _ in 0..TERMS {
        let within = store.command_timeout * QUESTIONS;
        if let Some(lived) = store.call(within, ask.clone()).await? {
            return Ok(lived);
        }
    }
    Err(Fault::broken("etcd changes its leaders"))
}

/// The term of the leader that the answering member follows: the number of its election.
fn term(header: Option<&ResponseHeader>) -> u64 {
    header.map_or(0, ResponseHeader::raft_term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_read_as_it_is_written() {
        assert_eq!(lease_in(b"694d"), Some(0x694d));
        for other in [
            &b""[..],
            b"0",
            b"0694d",
            b"694D",
            b"+1",
            b"-1",
            b"config",
            b"\xff",
        ] {
            assert_eq!(lease_in(other), None, "{other:?}");
        }
        assert_eq!(lease_in(b"7fffffffffffffff"), Some(i64::MAX));
        assert_eq!(lease_in(b"8000000000000000"), None);
    }
}
