//! Taking a place in a queue, or in several at once: the node that stands for us, with the next number.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::calls::{NodeKind, ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::session::ZkSession;
use super::turn::{KnownNodes, Turn};
use super::{names, node, value};
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::Mode;
use crate::locker::fault::Fault;

/// How often the nodes above are made: ZooKeeper may remove them, because they are empty, before we have
/// a node below them.
const ATTEMPTS: usize = 20;

/// Where places are taken: one in the queue of each of these locks.
pub(super) struct PlaceEntry {
    /// The locks' nodes, below the chroot.
    pub(super) locks: Vec<String>,
    /// What our name begins with: nobody else's does.
    pub(super) name: String,
    pub(super) mode: Mode,
    /// Only if the turn would come at once.
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

/// The entry, over a session.
struct Entering<'a> {
    entry: &'a PlaceEntry,
    ensemble: &'a Ensemble,
    session: &'a ZkSession,
    /// The paths of the locks.
    locks: Vec<String>,
}

impl PlaceEntry {
    /// Takes the places, and gives when the request for them left. None if somebody is there, and nobody
    /// should be, or who is there knows no queue. Bounded.
    pub(super) async fn enter(
        &self,
        ensemble: &Arc<Ensemble>,
        session: &ZkSession,
        data: &[u8],
    ) -> Result<(Instant, Option<Vec<ZkPlace>>), Fault> {
        let within = ensemble.command_timeout;
        let entering = Entering {
            entry: self,
            ensemble,
            session,
            locks: self.locks.iter().map(|lock| ensemble.path(lock)).collect(),
        };
        let entered = timeout(within, entering.enter(data)).await;
        entered.unwrap_or_else(|_| Err(Fault::silent(within)))
    }
}

impl Entering<'_> {
    async fn enter(&self, data: &[u8]) -> Result<(Instant, Option<Vec<ZkPlace>>), Fault> {
        let begun = Instant::now();
        if self.entry.alone && !self.is_free().await? {
            return Ok((begun, None));
        }
        // When the request left whose answer was lost: our nodes may be there.
        let mut in_doubt = None;
        let mut attempts = 0..ATTEMPTS;
        loop {
            let sent = in_doubt.unwrap_or_else(Instant::now);
            let places = match in_doubt {
                Some(_) => self.found().await,
                None => self.create(data).await.map(Some),
            };
            match places {
                Ok(Some(places)) => return Ok((sent, Some(places))),
                Ok(None) => in_doubt = None,
                // The lock's node is the holder's own.
                Err(ZkFailure::NoChildren) => return Ok((begun, None)),
                Err(ZkFailure::NoNode) if attempts.next().is_some() => {
                    in_doubt = None;
                    for lock in &self.entry.locks {
                        make(self.ensemble, self.session, lock).await?;
                    }
                }
                Err(ZkFailure::Other(Fault::Broken(_))) if self.session.id() != 0 => {
                    in_doubt = Some(sent);
                    sleep(self.ensemble.pause).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Whether there is none of the queues in which there is something to wait for.
    async fn is_free(&self) -> Result<bool, Fault> {
        for lock in &self.locks {
            let there = contenders(self.session, lock).await?.into_iter();
            let there: Vec<_> = there.map(|(_, name)| name).collect();
            let mut known = KnownNodes::default();
            let turn = known.turn(self.entry.mode, self.session, lock, &there);
            if matches!(turn.await?, Turn::After(_) | Turn::Full) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the nodes, and looks who else is there.
    async fn create(&self, data: &[u8]) -> Result<Vec<ZkPlace>, ZkFailure> {
        let name = &self.entry.name;
        let paths: Vec<_> = self.locks.iter().map(|at| format!("{at}/{name}")).collect();
        match (&*self.locks, &*paths) {
            ([lock], [path]) => Ok(vec![self.create_one(lock, path, data).await?]),
            _ => self.create_all(&paths, data).await,
        }
    }

    /// The look goes along with the making.
    async fn create_one(&self, lock: &str, path: &str, data: &[u8]) -> Result<ZkPlace, ZkFailure> {
        let (kind, access) = (NodeKind::EphemeralSequential, self.ensemble.access());
        let creating = self
            .session
            .submit(ZkCall::create(path, data, kind, access));
        let looking = self.session.submit(ZkCall::get_children(lock));
        let answer = creating.answer().await?;
        let (path, stat) = value::created(&answer.body).ok_or_else(ZkFailure::strange)?;
        let standing = ZkStanding::of(path, stat.czxid).ok_or_else(ZkFailure::strange)?;
        let answer = looking.answer().await?;
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        Ok(ZkPlace { standing, children })
    }

    /// All of the nodes are made in one transaction, and transactions have an order that is the same for
    /// everybody: of two who meet in several queues one is ahead of the other in all of them. So who waits
    /// waits for earlier ones only, and however the keys were ordered nobody waits in a circle.
    async fn create_all(&self, paths: &[String], data: &[u8]) -> Result<Vec<ZkPlace>, ZkFailure> {
        let call = ZkCall::create_all(paths, data, self.ensemble.access());
        let answer = self.session.call(call).await?;
        self.places(value::created_all(&answer.body)?).await
    }

    /// The places of these nodes of ours, one of each lock, and who else is there.
    async fn places(&self, paths: Vec<String>) -> Result<Vec<ZkPlace>, ZkFailure> {
        if paths.len() != self.locks.len() {
            return Err(ZkFailure::strange());
        }
        let asked = self.locks.iter().zip(&paths).map(|(lock, path)| {
            let own = self.session.submit(ZkCall::get_data(path));
            (own, self.session.submit(ZkCall::get_children(lock)))
        });
        let asked: Vec<_> = asked.collect();
        let mut places = Vec::new();
        for (path, (own, looking)) in paths.into_iter().zip(asked) {
            let answer = own.answer().await?;
            let (_, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
            let standing = ZkStanding::of(path, stat.czxid).ok_or_else(ZkFailure::strange)?;
            let answer = looking.answer().await?;
            let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
            places.push(ZkPlace { standing, children });
        }
        Ok(places)
    }

    /// The nodes that were made for us, if they were. Others may have our name: they were asked for over a
    /// connection that broke before it had a session, and end with the one that it began there.
    async fn found(&self) -> Result<Option<Vec<ZkPlace>>, ZkFailure> {
        let mut paths = Vec::new();
        for lock in &self.locks {
            let answer = self.session.call(ZkCall::get_children(lock)).await?;
            let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
            let all = names::contenders(children).into_iter();
            let ours = all.filter(|(_, name)| name.starts_with(&self.entry.name));
            for (_, name) in ours {
                let path = format!("{lock}/{name}");
                if self.is_of_the_session(&path).await? {
                    paths.push(path);
                    break;
                }
            }
        }
        match paths.is_empty() {
            true => Ok(None),
            false => self.places(paths).await.map(Some),
        }
    }

    /// Whether this node is there, and ends with our session.
    async fn is_of_the_session(&self, path: &str) -> Result<bool, ZkFailure> {
        match self.session.call(ZkCall::get_data(path)).await {
            Ok(answer) => {
                let (_, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
                Ok(stat.owner == self.session.id())
            }
            Err(ZkFailure::NoNode) => Ok(false),
            Err(failure) => Err(failure),
        }
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
