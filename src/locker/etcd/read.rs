//! Reading keys: each request is one range.
//!
//! A transaction that only reads would show several keys at one revision. But an etcd of 3.5.0 to 3.5.6 panics
//! when the caller of one goes away while it is served (etcd-io/etcd#14110, #14891), and callers do: they are
//! killed, and every wait has a bound. A range is given up without harm, and a transaction with a write in
//! it is carried out whoever asked for it.

use std::collections::BTreeMap;
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

/// The same of at most [`AT_ONCE`] keys in etcd's order that mostly stand beside each other, as those who hold
/// many locks do: by one request, and one more for each that others keep from the reach of it (waiters, and
/// past runs where many are kept).
pub(super) async fn neighbours(
    store: &Arc<EtcdMembers>,
    names: Vec<Vec<u8>>,
) -> Result<Vec<Option<KeyValue>>, Fault> {
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return Ok(Vec::new());
    };
    let end = [last, &[0][..]].concat();
    let all = GetOptions::new().with_range(end).with_limit(AT_ONCE as i64);
    let mut answer = range(store, first.clone(), all).await?;
    let is_all = !answer.more();
    let read = answer.take_kvs().into_iter();
    let mut read: BTreeMap<_, _> = read.map(|kv| (kv.key().to_vec(), kv)).collect();
    let reach = read.keys().next_back().cloned();
    let is_read = |name: &Vec<u8>| is_all || Some(name) <= reach.as_ref();
    let rest = names.iter().filter(|name| !is_read(name)).cloned();
    let mut rest = keys(store, rest.collect()).await?.into_iter();
    let found = names.iter().map(|name| match is_read(name) {
        true => read.remove(name),
        false => rest.next().flatten(),
    });
    Ok(found.collect())
}

/// The revision that the answer is of.
pub(super) fn revision(answer: &GetResponse) -> i64 {
    answer.header().map_or(0, |header| header.revision())
}
