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

/// The held lock of a place whose turn has come.
pub(super) fn held(
    shared: &Arc<ZkShared>,
    key: &str,
    (lease, granted): (SessionLease, Granted),
    standing: ZkStanding,
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
    let own = shared.ensemble.node(&standing.path).unwrap_or_default();
    let grant = Grant::new(key, standing.czxid as u64).with_owner_key(own);
    let watched = HeldNode {
        shared: shared.clone(),
        key: key.to_owned(),
        standing,
        lease: lease.calls().clone(),
    };
    watching.spawn(watched.lose_with_node(owner.clone()));
    let holding = LeaseHolding::new(lease, watching, claim);
    Held::new(grant, [], owner, Box::new(holding))
        .with_ttl(ttl)
        .with_variable(LEASE, session)
        .told(&shared.options)
}

/// The node that stands for a holder.
struct HeldNode {
    shared: Arc<ZkShared>,
    key: String,
    standing: ZkStanding,
    lease: Arc<ZkLease>,
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
    /// Ownership goes with the node, or with what somebody else writes to it.
    async fn lose_with_node(self, owner: Owner) {
        let loss = match self.until_taken().await {
            // It was lost or released before.
            _ if owner.ownership().loss().is_some() => return,
            NodeChange::WrittenOver => Loss::KeyOverwritten,
            NodeChange::Away(by) => {
                let told = Some(self.key.as_str());
                self.shared.options.notify(told, EventKind::TakenAway(by));
                Loss::TakenAway
            }
            NodeChange::Ended => Loss::LeaseGone,
            NodeChange::Gone => Loss::KeyDeleted,
        };
        owner.lose(loss);
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
