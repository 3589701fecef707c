//! A lock that is held: its node is watched, and its session is the lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ZkShared;
use super::calls::ZkFailure;
use super::enter::ZkStanding;
use super::lease::{SessionLease, ZkLease};
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::fault::Fault;
use crate::locker::keeper::{Granted, LeaseHolding};
use crate::locker::ownership::Owner;
use crate::locker::{Grant, Held, Record, TakenAway};
use crate::loss::Loss;

/// How long after the grant our own node is watched: the locks of short commands are released before, and
/// the question is saved.
const UNWATCHED: Duration = Duration::from_millis(100);

/// The session, as ZooKeeper writes it.
pub(super) const LEASE: &str = "GENLOCK_HELD_LEASE";

/// A session's number as ZooKeeper writes it.
pub(super) fn session_name(id: i64) -> String {
    format!("{id:#x}")
}

/// The held lock of places whose turn has come, one for each key, each as this one of N holders.
pub(super) fn held(
    shared: &Arc<ZkShared>,
    (lease, granted): (SessionLease, Granted),
    (nodes, indexes): (Vec<HeldNode>, Vec<u32>),
    (waited, claim): (bool, Claim),
) -> Held {
    let Granted { ttl, owner } = granted;
    let mut watching = JoinSet::new();
    if waited {
        let calls = lease.calls().clone();
        watching.spawn(async move {
            sleep(UNWATCHED).await;
            calls.stamp().await;
        });
    }
    let session = session_name(lease.calls().session.id());
    let mut indexes = indexes.into_iter();
    let mut grants = Vec::new();
    for node in nodes {
        grants.push(match indexes.next() {
            Some(index) => node.grant().with_index(index),
            None => node.grant(),
        });
        watching.spawn(node.lose_with_node(owner.clone()));
    }
    let mut grants = grants.into_iter();
    // There is one for each key, and a key at least.
    let first = grants.next().unwrap_or_else(|| Grant::new("", 0));
    let holding = LeaseHolding::new(lease, watching, claim);
    Held::new(first, grants, owner, Box::new(holding))
        .with_ttl(ttl)
        .with_variable(LEASE, session)
        .told(&shared.options)
}

/// Ends when something has happened to one of these.
pub(super) async fn until_taken(nodes: Vec<HeldNode>) -> Loss {
    let each = nodes.into_iter().map(|node| async move {
        let change = node.until_taken().await;
        node.loss(change)
    });
    let mut watching: JoinSet<_> = each.collect();
    match watching.join_next().await {
        Some(Ok(loss)) => loss,
        // Only if the runtime ends.
        _ => std::future::pending().await,
    }
}

/// The node that stands for a holder.
pub(super) struct HeldNode {
    pub(super) shared: Arc<ZkShared>,
    pub(super) key: String,
    pub(super) standing: ZkStanding,
    pub(super) lease: Arc<ZkLease>,
}

/// What can happen to it.
enum NodeChange {
    /// It is gone.
    Gone,
    /// Its session is.
    Ended,
    /// It is there, with an operator's word in it.
    Away(TakenAway),
    /// It is there, with what we did not write.
    WrittenOver,
}

impl HeldNode {
    fn grant(&self) -> Grant {
        let own = self.shared.ensemble.node(&self.standing.path);
        Grant::new(&*self.key, self.standing.czxid as u64).with_owner_key(own.unwrap_or_default())
    }

    /// Ownership goes with the node, or with what somebody else writes to it.
    async fn lose_with_node(self, owner: Owner) {
        let change = self.until_taken().await;
        // Otherwise it was lost or released before.
        if owner.ownership().loss().is_none() {
            owner.lose(self.loss(change));
        }
    }

    /// What such a change is to its holder, and tells of an operator's.
    fn loss(&self, change: NodeChange) -> Loss {
        match change {
            NodeChange::WrittenOver => Loss::KeyOverwritten,
            NodeChange::Away(by) => {
                let told = Some(self.key.as_str());
                self.shared.options.notify(told, EventKind::TakenAway(by));
                Loss::TakenAway
            }
            NodeChange::Ended => Loss::LeaseGone,
            NodeChange::Gone => Loss::KeyDeleted,
        }
    }

    /// Ends when something has happened to the node.
    async fn until_taken(&self) -> NodeChange {
        sleep(UNWATCHED).await;
        loop {
            match self.lease.read(&self.standing.path).await {
                Ok((data, answer)) => {
                    if let Some(taken) = self.taken(&data) {
                        return taken;
                    }
                    if let Some(news) = answer.news {
                        // It also ends when the connection breaks: the news may have been lost with it.
                        let _ = news.await;
                        continue;
                    }
                }
                Err(ZkFailure::NoNode) => return self.gone().await,
                Err(ZkFailure::Other(Fault::LeaseNotFound)) => return NodeChange::Ended,
                Err(_) => {}
            }
            sleep(self.shared.options.retry_interval).await;
        }
    }

    /// Whether the session has ended, and the node with it: the next question tells.
    async fn gone(&self) -> NodeChange {
        match self.lease.read(&self.standing.path).await {
            Err(ZkFailure::Other(Fault::LeaseNotFound)) => NodeChange::Ended,
            _ => NodeChange::Gone,
        }
    }

    /// What it means for us that these are the node's data; `None` if they are as we write them.
    fn taken(&self, data: &[u8]) -> Option<NodeChange> {
        match Record::from_json(data) {
            Some(record) if self.lease.has_written(&record) => None,
            Some(Record {
                taken_away: Some(by),
                ..
            }) => Some(NodeChange::Away(by)),
            _ => Some(NodeChange::WrittenOver),
        }
    }
}
