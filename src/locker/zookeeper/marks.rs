//! Marks in ZooKeeper: a node each, below one beside the lock's, whose name is no key's. They have no
//! session, and ZooKeeper has no clock for them: one that was kept long enough is none, and is removed by
//! whoever sets a later one.

use std::time::Duration;

use super::calls::{NodeKind, NodeStat, ZkCall, ZkFailure};
use super::inspect::Looking;
use super::session::ZkAnswer;
use super::{ZooKeeper, names, node, value};
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::limits::check_key;
use crate::locker::marks::{check_held, check_name, not_held};
use crate::locker::{BoxFuture, Held, Mark, Marks};

/// So many are looked at when one is set, whether they can go: the first by name, which mostly is by time.
const CLEANED: usize = 100;

/// So many questions are under way at most.
const AT_ONCE: usize = 100;

/// The marks of one key.
struct MarksOf<'a> {
    looking: &'a Looking,
    /// The path of the node above them.
    above: String,
}

impl<'a> MarksOf<'a> {
    fn new(looking: &'a Looking, key: &str) -> Result<Self> {
        check_key(key)?;
        let above = looking
            .ensemble()
            .path(&(node::of_key(key) + names::OF_MARKS));
        Ok(Self { looking, above })
    }

    fn path(&self, name: &str) -> String {
        // No part of a key has a slash.
        let part = name.replace('%', "%25").replace('/', "%2F");
        format!("{}/{}", self.above, names::plain(&part))
    }

    /// The mark at this path, if there is one.
    async fn read(&self, path: &str) -> Result<Option<(Mark, NodeStat)>, Fault> {
        mark_in(self.looking.call(ZkCall::get_data(path)).await)
    }

    /// The marks at these paths that are there.
    async fn read_all<'b>(
        &self,
        paths: &'b [String],
    ) -> Result<Vec<(&'b str, Mark, NodeStat)>, Fault> {
        let mut found = Vec::new();
        for part in paths.chunks(AT_ONCE) {
            let session = self.looking.session();
            let asked = part.iter().map(|path| {
                let read = session.submit(ZkCall::get_data(path));
                (&**path, read)
            });
            for (path, read) in asked.collect::<Vec<_>>() {
                let mark = mark_in(read.answer().await)?;
                found.extend(mark.map(|(mark, stat)| (path, mark, stat)));
            }
        }
        Ok(found)
    }

    /// The paths of all, in the order of their names.
    async fn all(&self) -> Result<Vec<String>, Fault> {
        let answer = match self.looking.call(ZkCall::get_children(&self.above)).await {
            Err(ZkFailure::NoNode) => return Ok(Vec::new()),
            answer => answer?,
        };
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        let paths = children.iter().map(|name| format!("{}/{name}", self.above));
        let mut paths: Vec<_> = paths.collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// The newest that still counts.
    async fn last(&self) -> Result<Option<Mark>, Fault> {
        let paths = self.all().await?;
        let marks = self.read_all(&paths).await?.into_iter();
        let counting = marks.filter(|(_, mark, _)| !mark.is_over());
        let last = counting.max_by_key(|(.., stat)| stat.mzxid);
        Ok(last.map(|(_, mark, _)| mark))
    }

    /// Sets a mark, if the node of the holder is still there. Whether it is.
    async fn set(&self, owner: &str, name: &str, data: &[u8]) -> Result<bool, Fault> {
        let (path, access) = (self.path(name), self.looking.ensemble().access());
        // Without data it is no mark.
        let nodes = [
            (&*self.above, NodeKind::Container),
            (&*path, NodeKind::Persistent),
        ];
        for (node, kind) in nodes {
            let created = self.looking.call(ZkCall::create(node, b"", kind, access));
            match created.await {
                Ok(_) | Err(ZkFailure::NodeExists) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        let set = ZkCall::set_if((owner, ANY), (&path, data, ANY));
        let answer = self.looking.call(set).await.map_err(Fault::from)?;
        match value::first_failed(&answer.body) {
            None => Ok(true),
            Some((0, _)) => {
                // It has no data yet, unless it was there before.
                let _ = self.looking.call(ZkCall::delete(&path, 0)).await;
                Ok(false)
            }
            Some((_, error)) => Err(ZkFailure::of(error).into()),
        }
    }

    /// Removes those that were kept long enough. No harm where that fails.
    async fn clean(&self) -> Result<(), Fault> {
        let mut paths = self.all().await?;
        paths.truncate(CLEANED);
        for (path, mark, stat) in self.read_all(&paths).await? {
            if mark.is_over() {
                let _ = self.looking.call(ZkCall::delete(path, stat.version)).await;
            }
        }
        Ok(())
    }

    /// Removes the one at this path. Whether it was a mark that still counts.
    async fn remove(&self, path: &str) -> Result<bool, Fault> {
        let counts = self.read(path).await?;
        let counts = counts.is_some_and(|(mark, _)| !mark.is_over());
        match self.looking.call(ZkCall::delete(path, ANY)).await {
            Ok(_) => Ok(counts),
            Err(ZkFailure::NoNode) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Any version of a node.
const ANY: i32 = -1;

/// What such an answer says of a mark.
fn mark_in(answer: Result<ZkAnswer, ZkFailure>) -> Result<Option<(Mark, NodeStat)>, Fault> {
    let answer = match answer {
        Err(ZkFailure::NoNode) => return Ok(None),
        answer => answer?,
    };
    let (data, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
    Ok(Mark::from_json(&data).map(|mark| (mark, stat)))
}

fn of_key(fault: Fault, key: &str) -> Error {
    Error::from(fault).of_key(key)
}

impl Marks for ZooKeeper {
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            check_name(name)?;
            let marks = MarksOf::new(&self.shared.looking, key)?;
            let path = marks.path(name);
            let found = marks
                .read(&path)
                .await
                .map_err(|fault| of_key(fault, key))?;
            Ok(found.map(|(mark, _)| mark).filter(|mark| !mark.is_over()))
        })
    }

    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            let marks = MarksOf::new(&self.shared.looking, key)?;
            marks.last().await.map_err(|fault| of_key(fault, key))
        })
    }

    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_name(&mark.slot)?;
            check_held(held)?;
            let key = held.key();
            let marks = MarksOf::new(&self.shared.looking, key)?;
            let owner = held.owner_key().unwrap_or_default();
            let owner = self.shared.ensemble.path(owner);
            let set = marks.set(&owner, &mark.slot, &mark.to_json(keep)).await;
            if !set.map_err(|fault| of_key(fault, key))? {
                return Err(not_held(held));
            }
            let _ = marks.clean().await;
            Ok(())
        })
    }

    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            name.map_or(Ok(()), check_name)?;
            let marks = MarksOf::new(&self.shared.looking, key)?;
            let paths = match name {
                Some(name) => vec![marks.path(name)],
                None => marks.all().await.map_err(|fault| of_key(fault, key))?,
            };
            let mut removed = 0;
            for path in paths {
                let was = marks.remove(&path).await;
                removed += u64::from(was.map_err(|fault| of_key(fault, key))?);
            }
            Ok(removed)
        })
    }
}
