//! Whose turn it is: the rule for those ahead in the queue, by the modes of their nodes.

use std::collections::{HashMap, HashSet};

use super::calls::{ZkCall, ZkFailure};
use super::session::ZkSession;
use super::{names, value};
use crate::locker::{Mode, QueuePolicy, Record};

/// So many questions are under way at most.
const AT_ONCE: usize = 256;

/// Whether a turn has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Come,
    /// Not before this one has left.
    After(String),
    /// Not before any of those ahead has left, of whom there are as many as may hold.
    Full,
    /// Never: one ahead is one of another number of holders.
    OtherLimit(u32),
}

/// What a node says of the one that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) mode: Mode,
    pub(super) queue: QueuePolicy,
}

/// What the nodes of a queue say, by their names. A node says the same for as long as it is there, and no
/// other ever has its name: each is read once.
#[derive(Debug, Default)]
pub(super) struct KnownNodes(HashMap<String, Said>);

impl Said {
    /// What a node of this name says by what is in it. What is not known is exclusive.
    pub(super) fn of(name: &str, data: &[u8]) -> Self {
        let record = Record::from_json(data);
        let record = record.as_ref();
        Self {
            mode: match names::is_reader(name) {
                true => Mode::Shared,
                false => record.map_or(Mode::Exclusive, Record::locks),
            },
            queue: record.map_or(QueuePolicy::Fifo, Record::queues),
        }
    }
}

impl KnownNodes {
    /// What those of these names below `lock` say who are still there, in their order.
    pub(super) async fn said<'a>(
        &mut self,
        session: &ZkSession,
        lock: &str,
        names: &'a [String],
    ) -> Result<Vec<(&'a str, Said)>, ZkFailure> {
        let unknown = names.iter().filter(|name| !self.0.contains_key(*name));
        let unknown: Vec<_> = unknown.collect();
        let mut gone = HashSet::new();
        for part in unknown.chunks(AT_ONCE) {
            let asked = part.iter().map(|&name| {
                let path = format!("{lock}/{name}");
                (name, session.submit(ZkCall::get_data(&path)))
            });
            for (name, asked) in asked.collect::<Vec<_>>() {
                match asked.answer().await {
                    Ok(answer) => {
                        let (data, _) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
                        self.0.insert(name.clone(), Said::of(name, &data));
                    }
                    Err(ZkFailure::NoNode) => {
                        gone.insert(&**name);
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
        let there = names.iter().filter(|name| !gone.contains(&***name));
        let said = there.filter_map(|name| Some((&**name, *self.0.get(name)?)));
        Ok(said.collect())
    }

    /// Forgets all but those of these names.
    pub(super) fn keep(&mut self, names: &[String]) {
        if self.0.len() > names.len() {
            let names: HashSet<_> = names.iter().collect();
            self.0.retain(|name, _| names.contains(name));
        }
    }

    /// Whether the turn has come of one in this mode with those of these names ahead, in order. Without
    /// sharing nothing is read: nobody may be ahead.
    pub(super) async fn turn(
        &mut self,
        mode: Mode,
        session: &ZkSession,
        lock: &str,
        ahead: &[String],
    ) -> Result<Turn, ZkFailure> {
        let Some(last) = ahead.last() else {
            return Ok(Turn::Come);
        };
        if mode == Mode::Exclusive {
            return Ok(Turn::After(last.clone()));
        }
        let said = self.said(session, lock, ahead).await?;
        let modes = || said.iter().map(|(_, said)| said.mode);
        if let Some(other) = mode.other_limit(modes()) {
            return Ok(Turn::OtherLimit(other));
        }
        if mode.may_hold(modes()) {
            return Ok(Turn::Come);
        }
        // Whoever is ahead of that one, we have to wait for it too.
        let other = said.iter().rev().find(|(_, said)| said.mode != mode);
        Ok(other.map_or(Turn::Full, |(name, _)| Turn::After((*name).to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_exclusive() {
        let record = |mode| Record::of_this_process().locking(mode, QueuePolicy::Latest);
        let mode = |name, data: &[u8]| Said::of(name, data).mode;
        for known in [Mode::Exclusive, Mode::Shared, Mode::OneOf(2)] {
            let said = Said::of("_c_x-lock-0000000001", &record(known).to_json());
            assert_eq!((said.mode, said.queue), (known, QueuePolicy::Latest));
        }
        for other in [&b""[..], b"10.0.0.1", br#"{"mode":"later"}"#] {
            assert_eq!(mode("_c_x-lock-0000000001", other), Mode::Exclusive);
            assert_eq!(mode("_c_x-__WRIT__0000000001", other), Mode::Exclusive);
            // Those of others, who say nothing more.
            assert_eq!(mode("_c_x-__READ__0000000001", other), Mode::Shared);
            assert_eq!(mode("x__rlock__0000000001", other), Mode::Shared);
        }
    }
}
