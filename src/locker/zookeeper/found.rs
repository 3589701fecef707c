//! A node that stands for a holder or a waiter, as it was read.

use super::calls::{NodeStat, ZkFailure};
use super::ensemble::Ensemble;
use super::{hold, value};
use crate::locker::Record;
use crate::locker::operator::Contender;

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

    pub(super) fn ends_with_a_session(&self) -> bool {
        self.stat.owner != 0
    }
}
