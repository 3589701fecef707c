//! Nodes that stand for holders and waiters, as they are read.

use super::calls::{NodeStat, ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::session::{ZkAnswer, ZkSession};
use super::turn::Said;
use super::{enter, hold, node, value};
use crate::locker::fault::Fault;
use crate::locker::operator::Contender;
use crate::locker::{Mode, Record};

/// A node that stands for a holder or a waiter.
#[derive(Clone, Debug)]
pub(super) struct FoundNode {
    /// With the chroot.
    pub(super) path: String,
    pub(super) data: Vec<u8>,
    pub(super) stat: NodeStat,
    pub(super) contender: Contender,
}

impl FoundNode {
    /// The one at this path, from what was answered; `None` if it is not below the chroot.
    pub(super) fn read(
        ensemble: &Ensemble,
        path: &str,
        answer: &[u8],
    ) -> Result<Option<Self>, ZkFailure> {
        let (data, stat) = value::data(answer).ok_or_else(ZkFailure::strange)?;
        let Some(own) = ensemble.node(path) else {
            return Ok(None);
        };
        let mut contender = Contender::new(own)
            .with_token(stat.czxid as u64)
            .with_record(Record::from_json(&data));
        if let Some((_, name)) = node::parts(path) {
            contender.mode = Some(Said::of(name, &data).mode);
        }
        if stat.owner != 0 {
            contender.lease = Some(hold::session_name(stat.owner));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            data,
            stat,
            contender,
        }))
    }

    /// One of which no more is known than that it is there.
    pub(super) fn unread(ensemble: &Ensemble, path: &str) -> Option<Self> {
        Some(Self {
            path: path.to_owned(),
            data: Vec::new(),
            stat: NodeStat::default(),
            contender: Contender::new(ensemble.node(path)?),
        })
    }

    /// Whether it is one of several holders, or waits to be one.
    pub(super) fn is_one_of_several(&self) -> bool {
        matches!(self.contender.locks(), Mode::OneOf(_))
    }

    pub(super) fn ends_with_a_session(&self) -> bool {
        self.stat.owner != 0
    }
}

/// How many of those in a queue hold its lock.
pub(super) fn holders(queue: &[FoundNode]) -> usize {
    let modes: Vec<_> = queue.iter().map(|found| found.contender.locks()).collect();
    Mode::holders(&modes)
}

/// The one at this path, if it is there.
pub(super) async fn one(
    ensemble: &Ensemble,
    session: &ZkSession,
    path: &str,
) -> Result<Option<FoundNode>, ZkFailure> {
    answered(ensemble, path, session.call(ZkCall::get_data(path)).await)
}

/// What such an answer says of the one at this path.
pub(super) fn answered(
    ensemble: &Ensemble,
    path: &str,
    answer: Result<ZkAnswer, ZkFailure>,
) -> Result<Option<FoundNode>, ZkFailure> {
    let answer = match answer {
        Err(ZkFailure::NoNode) => return Ok(None),
        answer => answer?,
    };
    FoundNode::read(ensemble, path, &answer.body)
}

/// Who holds the lock at this path, but for ourselves.
pub(super) async fn holder(
    ensemble: &Ensemble,
    session: &ZkSession,
    lock: &str,
    own: Option<String>,
) -> Result<Option<Contender>, Fault> {
    for (_, name) in enter::contenders(session, lock).await? {
        let path = format!("{lock}/{name}");
        if Some(&path) != own.as_ref()
            && let Some(found) = one(ensemble, session, &path).await?
        {
            return Ok(Some(found.contender));
        }
    }
    let holder = without_queue(ensemble, session, lock).await?;
    Ok(holder.map(|found| found.contender))
}

/// Who holds the lock at this path without a queue: its node is the holder's own.
pub(super) async fn without_queue(
    ensemble: &Ensemble,
    session: &ZkSession,
    lock: &str,
) -> Result<Option<FoundNode>, ZkFailure> {
    match session.call(ZkCall::get_data(lock)).await {
        Ok(answer) => {
            Ok(FoundNode::read(ensemble, lock, &answer.body)?
                .filter(FoundNode::ends_with_a_session))
        }
        Err(ZkFailure::NoNode) => Ok(None),
        Err(failure) => Err(failure),
    }
}
