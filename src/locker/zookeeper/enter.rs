//! Taking a place in a queue: the node that stands for us, with the next number.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::calls::{NodeKind, ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::session::ZkSession;
use super::{names, node, value};
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::fault::Fault;

/// How often the nodes above are made: ZooKeeper may remove them, because they are empty, before we have
/// a node below them.
const ATTEMPTS: usize = 20;

/// Where a place is taken.
pub(super) struct PlaceEntry {
    /// The lock's node, below the chroot.
    pub(super) lock: String,
    /// What our name begins with: nobody else's does.
    pub(super) name: String,
    /// Only if nobody is there.
    pub(super) alone: bool,
}

/// A place in a queue.
#[derive(Clone, Debug)]
pub(super) struct ZkPlace {
    pub(super) standing: ZkStanding,
    /// The children of the lock, as they were when it had just been taken.
    pub(super) children: Vec<String>,
}

/// The node that stands for us.
#[derive(Clone, Debug)]
pub(super) struct ZkStanding {
    /// With the chroot.
    pub(super) path: String,
    /// The transaction that made it.
    pub(super) czxid: i64,
}

impl PlaceEntry {
    /// Takes a place, and gives when the request for it left. No place if somebody is there, and nobody
    /// should be, or who is there knows no queue. Bounded.
    pub(super) async fn enter(
        &self,
        ensemble: &Arc<Ensemble>,
        session: &ZkSession,
        data: &[u8],
    ) -> Result<(Instant, Option<ZkPlace>), Fault> {
        let within = ensemble.command_timeout;
        let entering = self.enter_at_last(ensemble, session, data);
        let entered = timeout(within, entering).await;
        entered.unwrap_or_else(|_| Err(Fault::silent(within)))
    }

    async fn enter_at_last(
        &self,
        ensemble: &Arc<Ensemble>,
        session: &ZkSession,
        data: &[u8],
    ) -> Result<(Instant, Option<ZkPlace>), Fault> {
        let begun = Instant::now();
        let lock = ensemble.path(&self.lock);
        if self.alone && !contenders(session, &lock).await?.is_empty() {
            return Ok((begun, None));
        }
        // When the request left whose answer was lost: our node may be there.
        let mut in_doubt = None;
        let mut attempts = 0..ATTEMPTS;
        loop {
            let sent = in_doubt.unwrap_or_else(Instant::now);
            let place = match in_doubt {
                Some(_) => self.found(session, &lock).await,
                None => self.create(ensemble, session, &lock, data).await.map(Some),
            };
            match place {
                Ok(Some(place)) => return Ok((sent, Some(place))),
                Ok(None) => in_doubt = None,
                // The lock's node is the holder's own.
                Err(ZkFailure::NoChildren) => return Ok((begun, None)),
                Err(ZkFailure::NoNode) if attempts.next().is_some() => {
                    in_doubt = None;
                    make(ensemble, session, &self.lock).await?;
                }
                Err(ZkFailure::Other(Fault::Broken(_))) if session.id() != 0 => {
                    in_doubt = Some(sent);
                    sleep(ensemble.pause).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Makes the node, and looks who else is there, in one go.
    async fn create(
        &self,
        ensemble: &Ensemble,
        session: &ZkSession,
        lock: &str,
        data: &[u8],
    ) -> Result<ZkPlace, ZkFailure> {
        let path = format!("{lock}/{}", self.name);
        let kind = NodeKind::EphemeralSequential;
        let creating = session.submit(ZkCall::create(&path, data, kind, ensemble.access()));
        let looking = session.submit(ZkCall::get_children(lock));
        let answer = creating.answer().await?;
        let (path, stat) = value::created(&answer.body).ok_or_else(ZkFailure::strange)?;
        let standing = ZkStanding::of(path, stat.czxid).ok_or_else(ZkFailure::strange)?;
        let answer = looking.answer().await?;
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        Ok(ZkPlace { standing, children })
    }

    /// The node that was made for us, if it was.
    async fn found(&self, session: &ZkSession, lock: &str) -> Result<Option<ZkPlace>, ZkFailure> {
        let answer = session.call(ZkCall::get_children(lock)).await?;
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        let all = names::contenders(children.clone()).into_iter();
        let mut ours = all.filter(|(_, name)| name.starts_with(&self.name));
        let Some((_, name)) = ours.next() else {
            return Ok(None);
        };
        let path = format!("{lock}/{name}");
        let answer = session.call(ZkCall::get_data(&path)).await?;
        let (_, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
        let standing = ZkStanding::of(path, stat.czxid).ok_or_else(ZkFailure::strange)?;
        Ok(Some(ZkPlace { standing, children }))
    }
}

impl ZkStanding {
    /// Of the one at this path; `None` if it is no contender's.
    fn of(path: String, czxid: i64) -> Option<Self> {
        node::parts(&path)?;
        Some(Self { path, czxid })
    }
}

/// Who is in the queue of a lock, by number. None if it has no node.
pub(super) async fn contenders(
    session: &ZkSession,
    lock: &str,
) -> Result<Vec<(u64, String)>, Fault> {
    match session.call(ZkCall::get_children(lock)).await {
        Ok(answer) => {
            let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
            Ok(names::contenders(children))
        }
        Err(ZkFailure::NoNode) => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}

/// Makes a lock's node, and all above it. ZooKeeper removes those below the chroot when they have been
/// empty for a while.
pub(super) async fn make(
    ensemble: &Ensemble,
    session: &ZkSession,
    lock: &str,
) -> Result<(), Fault> {
    let chroot = &ensemble.chroot;
    let above = node::down_to(chroot).map(|node| (node.to_owned(), NodeKind::Persistent));
    let below = node::down_to(lock).map(|node| (ensemble.path(node), NodeKind::Container));
    let access = ensemble.access();
    let each = above.chain(below);
    let asked: Vec<_> = each
        .map(|(node, kind)| session.submit(ZkCall::create(&node, b"", kind, access)))
        .collect();
    for asked in asked {
        match asked.answer().await {
            Ok(_) | Err(ZkFailure::NodeExists | ZkFailure::NoNode) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}
