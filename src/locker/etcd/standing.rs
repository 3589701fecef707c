//! What a key says of who stands in a queue with it: `<name>/<lease in hex>`, attached to that lease.
//!
//! Anybody may write over such a key, and so attach it to another lease, or to none. Its owner is
//! told of that (see hold.rs), but needs time to stop; one that watches nothing (`etcdctl lock`) goes
//! on. So the owner stands for as long as the key is there and the lease in its name lives.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Event, EventType, GetOptions, KeyValue, ResponseHeader};

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use super::lease;

/// How often to look whether the lease of a key that was written over is gone: nothing tells of it.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Attempts to ask within one term: elections are rare.
pub(super) const TERMS: u32 = 3;

/// With which right a key stands in the queue of `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is attached to the lease in its name.
    Attached,
    /// It was written over, and stands while the lease in its name lives.
    WrittenOver,
}

/// A key as a place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand<'a> {
    /// The name of the lock.
    pub(super) name: &'a [u8],
    /// The lease in the key's name.
    pub(super) lease: i64,
    pub(super) standing: Standing,
}

impl<'a> Stand<'a> {
    /// `None` if the key stands in no queue: it is somebody's own, or never was attached.
    pub(super) fn of(kv: &'a KeyValue) -> Option<Self> {
        let slash = kv.key().iter().rposition(|&byte| byte == b'/')?;
        let (name, end) = (&kv.key()[..slash], &kv.key()[slash + 1..]);
        let lease = lease_in(end)?;
        let standing = if kv.lease() == lease {
            Standing::Attached
        } else if kv.mod_revision() != kv.create_revision() {
            Standing::WrittenOver
        } else {
            return None;
        };
        Some(Self {
            name,
            lease,
            standing,
        })
    }
}

/// The lease in the last part of a key, if it is one as it is written there.
fn lease_in(end: &[u8]) -> Option<i64> {
    let end = std::str::from_utf8(end).ok()?;
    let lease = i64::from_str_radix(end, 16)
        .ok()
        .filter(|&lease| lease > 0)?;
    (end == format!("{lease:x}")).then_some(lease)
}

/// Whether an event on the key of a contender says that it was deleted or written over.
pub(super) fn shaken(event: &Event) -> ControlFlow<()> {
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
///
/// A leader that was replaced and has not heard of it answers for leases as well (see proof.rs), and
/// does not know those of later: so its answer counts only between two reads of one term.
pub(super) async fn has_ended(store: &Arc<Store>, lease: i64, key: &[u8]) -> Result<bool, Fault> {
    let term = async || {
        let count = GetOptions::new().with_count_only();
        read(store, key, count).await.map(|(_, term)| term)
    };
    for _ in 0..TERMS {
        let before = term().await?;
        if lease::is_known(store, lease).await? {
            return Ok(false);
        }
        if term().await? == before {
            return Ok(true);
        }
    }
    Err(unsettled())
}

/// A key as a majority knows it, and the number of the election that made the leader whom they
/// follow.
pub(super) async fn read(
    store: &Arc<Store>,
    key: &[u8],
    options: GetOptions,
) -> Result<(Option<KeyValue>, u64), Fault> {
    let key = key.to_vec();
    let get = move |client: Client| {
        let (key, options) = (key.clone(), options.clone());
        async move { client.kv_client().get(key, Some(options)).await }
    };
    let mut answer = store.call(store.command_timeout, get).await?;
    let term = answer.header().map_or(0, ResponseHeader::raft_term);
    Ok((answer.take_kvs().pop(), term))
}

/// No attempt was within one term.
pub(super) fn unsettled() -> Fault {
    Fault::Broken("etcd changes its leaders".to_owned())
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
