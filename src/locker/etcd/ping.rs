//! Pings of one lease, and the reads that go with them.

use etcd_client::{GetOptions, LeaseKeepAliveStream};

use super::dial::Client;
use crate::clock::Instant;

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

/// Reads what only a majority can answer: when that began to leave, and the term. The key is of no
/// concern: a user may be allowed to read no other.
pub(super) async fn read(
    client: Client,
    key: String,
) -> Result<(u64, Instant), etcd_client::Error> {
    let sent = Instant::now();
    let count = GetOptions::new().with_count_only();
    let answer = client.kv_client().get(key, Some(count)).await?;
    Ok((client.note_term(answer.header()), sent))
}
