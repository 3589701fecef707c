//! Renewing a lease, and being sure that it is.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{GetOptions, LeaseKeepAliveStream, LeaseKeeper, ResponseHeader};
use tokio::time::sleep;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use crate::clock::Instant;

/// A renewal is given at least so long before it is tried again. After as long a silence on the
/// stream that was open before, another is opened; the first goes on.
pub(super) const LEAST_PATIENCE: Duration = Duration::from_millis(300);

/// The renewals of one lease. Their stream is kept from one to the next.
pub(super) struct Pings {
    lease: i64,
    /// The key that is attached to the lease.
    own: String,
    stream: Option<Stream>,
}

struct Stream {
    client: Client,
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
}

impl Pings {
    pub(super) fn new(lease: i64, own: String) -> Self {
        let stream = None;
        Self { lease, own, stream }
    }

    /// Renews once; gives when the request that was answered began to leave.
    pub(super) async fn renew(
        &mut self,
        store: &Arc<Store>,
        ttl: Duration,
    ) -> Result<Instant, Fault> {
        let (lease, own) = (self.lease, self.own.clone());
        let op = move |client: Client| {
            let own = own.clone();
            async move { Stream::open(client, lease, &own).await }
        };
        let patience = (ttl / 3).min(store.command_timeout).max(LEAST_PATIENCE);
        let mut fresh = Box::pin(store.call(patience, op));
        // Dropped unless it answers: its next answer could be that to an older ping.
        if let Some(mut stream) = self.stream.take() {
            let quiet = async {
                sleep(LEAST_PATIENCE).await;
                (&mut fresh).await
            };
            tokio::select! {
                biased;
                sent = stream.ping(&self.own) => match sent.map_err(Fault::from) {
                    Ok(Some(sent)) => {
                        self.stream = Some(stream);
                        return Ok(sent);
                    }
                    Err(fault @ Fault::LeaseNotFound) => return Err(fault),
                    _ => {}
                },
                opened = quiet => return self.take_up(opened?),
            }
        }
        let opened = fresh.await?;
        self.take_up(opened)
    }

    fn take_up(&mut self, (stream, sent): (Stream, Option<Instant>)) -> Result<Instant, Fault> {
        self.stream = Some(stream);
        sent.ok_or_else(|| Fault::Broken("etcd has changed its leader".to_owned()))
    }
}

/// A renewal counts only if the leader that answered was still the leader. One that was replaced,
/// and was too slow or too lonely to hear of it, answers pings as well: etcd renews without asking
/// the other members (etcd-io/etcd#15247; newer releases ask). So a ping is followed by a read,
/// which only a majority can answer, and what came before must be of the same term. Then who
/// renewed had heard of this term at least, and the leader that the majority confirmed after the
/// renewal has no later one: so that one had renewed itself.
impl Stream {
    /// Opens it, which renews once. The client does not show the answer, so what comes before is a
    /// read as well. `None` in place of the moment of sending if the terms differ.
    async fn open(
        client: Client,
        lease: i64,
        own: &str,
    ) -> Result<(Self, Option<Instant>), etcd_client::Error> {
        let sent = Instant::now();
        let before = term(&client, own).await?;
        let (keeper, answers) = client.lease_client().keep_alive(lease).await?;
        let confirmed = term(&client, own).await?;
        let stream = Self {
            client,
            keeper,
            answers,
        };
        Ok((stream, (before == confirmed).then_some(sent)))
    }

    /// Renews once. The term in the answer is from before the renewal (leaseKeepAlive,
    /// server/etcdserver/api/v3rpc/lease.go). `None` if the terms differ.
    async fn ping(&mut self, own: &str) -> Result<Option<Instant>, etcd_client::Error> {
        let sent = Instant::now();
        self.keeper.keep_alive().await?;
        let failed = |why: &str| etcd_client::Error::LeaseKeepAliveError(why.to_owned());
        let answer = self.answers.message().await?;
        let answer = answer.ok_or_else(|| failed("the stream was closed"))?;
        if answer.ttl() <= 0 {
            return Err(failed("lease not found"));
        }
        let renewed = answer.header().map_or(0, ResponseHeader::raft_term);
        let confirmed = term(&self.client, own).await?;
        Ok((renewed == confirmed).then_some(sent))
    }
}

/// The number of the election that made the present leader, as a majority confirms it. The key is
/// of no concern: a user may be allowed to read no other.
async fn term(client: &Client, key: &str) -> Result<u64, etcd_client::Error> {
    let count = GetOptions::new().with_count_only();
    let answer = client.kv_client().get(key, Some(count)).await?;
    Ok(answer.header().map_or(0, ResponseHeader::raft_term))
}
