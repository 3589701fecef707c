//! Which of N holders one is: a node beside the lock's has a child for each number that is taken, which
//! ends with the session of the place that has taken it. So two who hold at once never have the same.

use std::collections::{BTreeSet, HashMap};

use tokio::time::sleep;

use super::calls::{NodeKind, ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::session::ZkSession;
use super::{enter, value};
use crate::locker::fault::Fault;

/// Behind the name of a lock's node: no escape that a key has.
const SUFFIX: &str = "%index";

/// So often it is tried at once, where others take them at the same time.
const SOON: usize = 20;

/// Whether a node of this name has the numbers of holders.
pub(super) fn is_index(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// Takes the lowest number below `holders` that is free, for a place whose turn has come in the queue of
/// this lock. Where none is, a holder whose place is gone is still being stopped: that is waited for, for
/// as long as this is. Cancel-safe: what was taken goes with the session.
pub(super) async fn take(
    ensemble: &Ensemble,
    session: &ZkSession,
    lock: &str,
    holders: u32,
) -> Result<u32, Fault> {
    let taking = Taking {
        ensemble,
        session,
        node: lock.to_owned() + SUFFIX,
    };
    // One that was asked for, but not answered.
    let mut in_doubt = None;
    for attempt in 0usize.. {
        if attempt > SOON {
            sleep(ensemble.pause).await;
        }
        let asked = match in_doubt {
            Some(index) => taking.make(index).await,
            None => taking.step(holders, &mut in_doubt).await,
        };
        match asked {
            Ok(Some(index)) => return Ok(index),
            Ok(None) => in_doubt = None,
            Err(ZkFailure::Other(Fault::Broken(_))) => sleep(ensemble.pause).await,
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Fault::broken("it is never free"))
}

struct Taking<'a> {
    ensemble: &'a Ensemble,
    session: &'a ZkSession,
    /// That of the numbers, below the chroot.
    node: String,
}

impl Taking<'_> {
    /// One look, and the lowest that is free; or the wait for one.
    async fn step(
        &self,
        holders: u32,
        in_doubt: &mut Option<u32>,
    ) -> Result<Option<u32>, ZkFailure> {
        let path = self.ensemble.path(&self.node);
        let answer = match self.session.call(ZkCall::watch_children(&path)).await {
            Err(ZkFailure::NoNode) => {
                let made = enter::make(self.ensemble, self.session, &self.node).await;
                return made.map(|()| None).map_err(ZkFailure::Other);
            }
            answer => answer?,
        };
        let taken = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        let taken: BTreeSet<u32> = taken.iter().filter_map(|name| name.parse().ok()).collect();
        let Some(free) = (0..holders).find(|index| !taken.contains(index)) else {
            let news = answer.news.ok_or_else(ZkFailure::strange)?;
            // It also ends when the connection breaks: the news may have been lost with it.
            let _ = news.await;
            return Ok(None);
        };
        *in_doubt = Some(free);
        self.make(free).await
    }

    /// This one, if it is free or ours already.
    async fn make(&self, index: u32) -> Result<Option<u32>, ZkFailure> {
        let path = format!("{}/{index}", self.ensemble.path(&self.node));
        let access = self.ensemble.access();
        let call = ZkCall::create(&path, b"", NodeKind::Ephemeral, access);
        match self.session.call(call).await {
            Ok(_) => Ok(Some(index)),
            // Emptied and removed between the look and this.
            Err(ZkFailure::NoNode) => Ok(None),
            Err(ZkFailure::NodeExists) => {
                let owner = owner(self.session, &path).await?;
                Ok((owner == Some(self.session.id())).then_some(index))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The session of the node at this path.
async fn owner(session: &ZkSession, path: &str) -> Result<Option<i64>, ZkFailure> {
    let answer = match session.call(ZkCall::get_data(path)).await {
        Err(ZkFailure::NoNode) => return Ok(None),
        answer => answer?,
    };
    let (_, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
    Ok(Some(stat.owner))
}

/// The numbers that are taken of the lock at this path, by session.
pub(super) async fn taken(session: &ZkSession, lock: &str) -> Result<HashMap<i64, u32>, ZkFailure> {
    let above = lock.to_owned() + SUFFIX;
    let answer = match session.call(ZkCall::get_children(&above)).await {
        Err(ZkFailure::NoNode) => return Ok(HashMap::new()),
        answer => answer?,
    };
    let mut taken = HashMap::new();
    for name in value::children(&answer.body).ok_or_else(ZkFailure::strange)? {
        let Ok(index) = name.parse() else { continue };
        let owner = owner(session, &format!("{above}/{name}")).await?;
        taken.extend(owner.map(|owner| (owner, index)));
    }
    Ok(taken)
}
