//! Pings of one lease, and the reads that go with them.

use etcd_client::{GetOptions, LeaseKeepAliveStream};

use super::dial::Client;
use crate::clock::Instant;

/// A ping that was answered.
pub(super) struct Pinged {
    /// The instant just before it left.
    pub(super) sent: Instant,
    /// A term that the member knew before it renewed.
    pub(super) term: u64,
    pub(super) over: Client,
    /// What is left of the stream.
    pub(super) rest: LeaseKeepAliveStream,
}

/// Pings, over a stream that ends with the answer: a server limits the streams of a connection
/// (--max-concurrent-streams), and one for each of many leases would take them all.
///
/// The client library does not show the answer's term: the one given is one that was known before.
pub(super) async fn ping(
    client: Client,
    lease: i64,
    key: String,
) -> Result<Pinged, etcd_client::Error> {
    if client.newest_term() == 0 {
        // Nothing is known of its member yet.
        read(client.clone(), key).await?;
    }
    let (term, sent) = (client.newest_term(), Instant::now());
    let (_, rest) = client.lease_client().keep_alive(lease).await?;
    Ok(Pinged {
        sent,
        term,
        over: client,
        rest,
    })
}

/// Makes a read that only a majority can answer; gives its term, and the instant just before it left.
/// The key does not matter: it is the lock's own, which the user is allowed to read.
pub(super) async fn read(
    client: Client,
    key: String,
) -> Result<(u64, Instant), etcd_client::Error> {
    let sent = Instant::now();
    let count = GetOptions::new().with_count_only();
    let answer = client.kv_client().get(key, Some(count)).await?;
    Ok((client.note_term(answer.header()), sent))
}
