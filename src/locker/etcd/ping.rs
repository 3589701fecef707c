//! Pings of one lease, and the reads that go with them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use etcd_client::{GetOptions, LeaseKeepAliveStream, ResponseHeader};

use super::dial::Client;
use crate::clock::Instant;

/// The newest term that was heard over each connection: its member knows that one at least.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Term>>>);

/// A term, and the connection over which it was heard.
type Term = (Weak<etcd_client::Client>, u64);

impl Heard {
    /// An answer over this connection was of that term.
    pub(super) fn note(&self, client: &Client, header: Option<&ResponseHeader>) {
        let term = header.map_or(0, ResponseHeader::raft_term);
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|(client, _)| client.strong_count() > 0);
        let is_this = |(other, _): &&mut Term| Weak::as_ptr(other) == Arc::as_ptr(client);
        match heard.iter_mut().find(is_this) {
            Some((_, newest)) => *newest = term.max(*newest),
            None => heard.push((Arc::downgrade(client), term)),
        }
    }

    /// The newest term over this connection; 0 if nothing was heard.
    fn of(&self, client: &Client) -> u64 {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = heard.iter();
        let found = heard.find(|(other, _)| Weak::as_ptr(other) == Arc::as_ptr(client));
        found.map_or(0, |(_, term)| *term)
    }
}

/// A ping that was answered.
pub(super) struct Pinged {
    /// When it began to leave.
    pub(super) sent: Instant,
    /// A term that the member knew before it renewed.
    pub(super) term: u64,
    pub(super) over: Client,
    /// What is left of the stream.
    pub(super) rest: LeaseKeepAliveStream,
}

/// Pings, over a stream that ends with the answer: a server bounds how many streams a connection may
/// have (its --max-concurrent-streams), and one for each of many leases would take them all.
///
/// The client library does not show the answer: the term is one that was heard before.
pub(super) async fn ping(
    client: Client,
    lease: i64,
    key: String,
    heard: Heard,
) -> Result<Pinged, etcd_client::Error> {
    if heard.of(&client) == 0 {
        // Nothing is known of its member yet.
        read(client.clone(), key, heard.clone()).await?;
    }
    let (term, sent) = (heard.of(&client), Instant::now());
    let (_, rest) = client.lease_client().keep_alive(lease).await?;
    Ok(Pinged {
        sent,
        term,
        over: client,
        rest,
    })
}

/// Reads what only a majority can answer: when that began to leave, and the term. The key is of no
/// concern: a user may be allowed to read no other.
pub(super) async fn read(
    client: Client,
    key: String,
    heard: Heard,
) -> Result<(u64, Instant), etcd_client::Error> {
    let sent = Instant::now();
    let count = GetOptions::new().with_count_only();
    let answer = client.kv_client().get(key, Some(count)).await?;
    heard.note(&client, answer.header());
    Ok((answer.header().map_or(0, ResponseHeader::raft_term), sent))
}
