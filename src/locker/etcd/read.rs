//! Reading keys: each request is one range.
//!
//! A transaction that only reads would show several keys at one revision. But an etcd of 3.5.0 to 3.5.6 panics
//! when the caller of one goes away while it is served (etcd-io/etcd#14110, #14891), and callers do: they are
//! killed, and every wait has a bound. A range is given up without harm, and a transaction with a write in
//! it is carried out whoever asked for it.

use std::sync::Arc;

use etcd_client::{GetOptions, GetResponse, KeyValue};
use tokio::task::JoinSet;

use super::answer;
use super::dial::{Client, EtcdMembers};
use super::fault::Fault;

/// How many keys are read at once. Anybody can write values of a megabyte and a half, so that this is a
/// bound on memory too.
pub(super) const AT_ONCE: usize = 64;

/// Reads the key `from`, or with the options those after it.
pub(super) async fn range(
    store: &Arc<EtcdMembers>,
    from: impl Into<Vec<u8>>,
    options: GetOptions,
) -> Result<GetResponse, Fault> {
    let from = from.into();
    let get = move |client: Client| {
        let (from, options) = (from.clone(), options.clone());
        async move {
            // Others decide how long the answer is: 4 MiB are read else.
            let kv = client.kv_client();
            let mut kv = kv.max_decoding_message_size(answer::LARGEST);
            kv.get(from, Some(options)).await
        }
    };
    store.call(store.command_timeout, get).await
}

/// Reads one key, with its value; `None` if it is not there.
pub(super) async fn key(
    store: &Arc<EtcdMembers>,
    key: impl Into<Vec<u8>>,
) -> Result<Option<KeyValue>, Fault> {
    let mut answer = range(store, key, GetOptions::new()).await?;
    Ok(answer.take_kvs().pop())
}

/// Reads keys with their values, each at a revision of its own, in their order.
pub(super) async fn keys(
    store: &Arc<EtcdMembers>,
    keys: Vec<Vec<u8>>,
) -> Result<Vec<Option<KeyValue>>, Fault> {
    let mut keys = keys.into_iter().enumerate();
    let mut reading = JoinSet::new();
    let mut found = Vec::new();
    loop {
        while reading.len() < AT_ONCE
            && let Some((at, name)) = keys.next()
        {
            found.push(None);
            let store = store.clone();
            reading.spawn(async move { (at, key(&store, name).await) });
        }
        match reading.join_next().await {
            Some(Ok((at, kv))) => found[at] = kv?,
            // A task that panicked, or whose runtime ends.
            Some(Err(_)) => return Err(Fault::broken("a read was broken off")),
            None => return Ok(found),
        }
    }
}

/// The revision that the answer is of.
pub(super) fn revision(answer: &GetResponse) -> i64 {
    answer.header().map_or(0, |header| header.revision())
}
