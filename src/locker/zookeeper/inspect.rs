//! QueuePart queues from outside: of one lock, and of all below a prefix.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

use super::calls::{ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use super::found::{self, FoundNode};
use super::session::{ZkAnswer, ZkSession};
use super::{history, index, names, node, value};
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::operator::{Contender, Queue, Ttl};

/// The timeout of a session that has nothing to lose.
const IDLE: Duration = Duration::from_secs(10);

/// So many questions are under way at most.
const AT_ONCE: usize = 256;

/// So many are read at once of those who may share a lock with its first holder.
const SHARING: usize = 32;

/// Who of a queue is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueuePart {
    /// Nobody: it is only known that they are there.
    None,
    /// Those who hold the lock.
    Holders,
    All,
}

/// The session of who only looks, once there is one.
pub(super) struct Looking {
    ensemble: Arc<Ensemble>,
    /// Told of what [`ZkCall::watch_all`] tells.
    news: Option<UnboundedSender<String>>,
    session: Mutex<Option<Arc<ZkSession>>>,
}

impl Looking {
    pub(super) fn new(ensemble: &Arc<Ensemble>, news: Option<UnboundedSender<String>>) -> Self {
        Self {
            ensemble: ensemble.clone(),
            news,
            session: Mutex::new(None),
        }
    }

    pub(super) fn ensemble(&self) -> &Arc<Ensemble> {
        &self.ensemble
    }

    /// Another one, if the last has ended: it had nothing to lose.
    pub(super) fn session(&self) -> Arc<ZkSession> {
        let session = self.session.lock();
        let mut session = session.unwrap_or_else(PoisonError::into_inner);
        match &*session {
            Some(session) if !session.has_ended() => session.clone(),
            _ => {
                let news = self.news.clone();
                let fresh = ZkSession::with_news(&self.ensemble, IDLE, None, news);
                session.insert(Arc::new(fresh)).clone()
            }
        }
    }

    /// The answer to a call, in another session if the last turns out to have ended.
    pub(super) async fn call(&self, call: ZkCall) -> Result<ZkAnswer, ZkFailure> {
        match self.session().call(call.clone()).await {
            Err(ZkFailure::Other(Fault::LeaseNotFound)) => self.session().call(call).await,
            answer => answer,
        }
    }

    /// Leaves no session behind, if ZooKeeper answers.
    pub(super) async fn close(&self) {
        let taken = {
            let session = self.session.lock();
            session.unwrap_or_else(PoisonError::into_inner).take()
        };
        if let Some(session) = taken
            && session.id() != 0
        {
            let _ = session.close().await;
        }
    }

    /// The queue of the lock at this path, with who is in it, as far as they are read.
    pub(super) async fn queue(
        &self,
        lock: &str,
        reading: QueuePart,
    ) -> Result<Vec<FoundNode>, ZkFailure> {
        let answer = match self.call(ZkCall::get_children(lock)).await {
            Err(ZkFailure::NoNode) => return Ok(Vec::new()),
            answer => answer?,
        };
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        let session = self.session();
        if children.is_empty() {
            let holder = found::without_queue(&self.ensemble, &session, lock).await?;
            return Ok(holder.into_iter().collect());
        }
        let all = names::contenders(children).into_iter();
        let paths: Vec<_> = all.map(|(_, name)| format!("{lock}/{name}")).collect();
        let mut found = Vec::new();
        let mut rest = &paths[..];
        while let Some(count) = more(reading, &found) {
            let (part, others) = rest.split_at(count.min(rest.len()));
            if part.is_empty() {
                break;
            }
            found.extend(self.read(&session, part).await?);
            rest = others;
        }
        let unread = rest.iter();
        let unread = unread.filter_map(|path| FoundNode::unread(&self.ensemble, path));
        found.extend(unread);
        Ok(found)
    }

    /// Those of these nodes that are there.
    async fn read(
        &self,
        session: &ZkSession,
        paths: &[String],
    ) -> Result<Vec<FoundNode>, ZkFailure> {
        let asked: Vec<_> = paths
            .iter()
            .map(|path| session.submit(ZkCall::get_data(path)))
            .collect();
        let mut found = Vec::new();
        for (path, asked) in paths.iter().zip(asked) {
            found.extend(found::answered(&self.ensemble, path, asked.answer().await)?);
        }
        Ok(found)
    }

    /// What [`Operator::queue`](crate::locker::Operator::queue) gives.
    pub(super) async fn look(&self, key: &str) -> Result<Queue, Fault> {
        let lock = self.ensemble.path(&node::of_key(key));
        let mut found = self.queue(&lock, QueuePart::All).await?;
        self.read_indexes(&lock, &mut found).await?;
        let left = found.first().and_then(left_by_our_clock);
        let queue = Queue::new(key, contenders(found));
        Ok(match left {
            Some(left) => queue.with_ttl(left),
            None => queue,
        })
    }

    /// Asks which of several holders each is, where there may be several.
    async fn read_indexes(&self, lock: &str, found: &mut [FoundNode]) -> Result<(), ZkFailure> {
        if found.iter().any(FoundNode::is_one_of_several) {
            let taken = index::taken(&self.session(), lock).await?;
            for found in found {
                found.contender.index = taken.get(&found.stat.owner).copied();
            }
        }
        Ok(())
    }

    /// What [`Operator::glance`](crate::locker::Operator::glance) gives.
    pub(super) async fn glance(&self, key: &str) -> Result<Queue, Fault> {
        let lock = self.ensemble.path(&node::of_key(key));
        Ok(Queue::new(
            key,
            contenders(self.queue(&lock, QueuePart::Holders).await?),
        ))
    }

    /// What [`Operator::list`](crate::locker::Operator::list) gives.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Queue>, Fault> {
        let mut queues = BTreeMap::new();
        let mut level = vec![node::above(prefix)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for part in level.chunks(AT_ONCE) {
                for (above, names) in self.children(part).await? {
                    let (ours, others): (Vec<_>, Vec<_>) = names
                        .into_iter()
                        .partition(|name| names::number(name).is_some());
                    let key = node::key(&above).filter(|key| key.starts_with(prefix));
                    if let Some(key) = key.filter(|_| !ours.is_empty()) {
                        queues.insert(key, above.clone());
                    }
                    let others = others.into_iter().filter(|name| {
                        // ZooKeeper's own, and what there is of marks, past runs and numbers.
                        let is_own = self.ensemble.path(&above) == "/" && name == "zookeeper";
                        let is_mark = name.ends_with(names::OF_MARKS);
                        !is_own && !is_mark && !history::is_history(name) && !index::is_index(name)
                    });
                    next.extend(others.map(|name| format!("{above}/{name}")));
                }
            }
            level = next;
        }
        let mut found = Vec::new();
        for (key, node) in queues {
            let lock = self.ensemble.path(&node);
            let mut queue = self.queue(&lock, QueuePart::Holders).await?;
            self.read_indexes(&lock, &mut queue).await?;
            if !queue.is_empty() {
                found.push(Queue::new(key, contenders(queue)));
            }
        }
        Ok(found)
    }

    /// The children of these nodes below the chroot.
    async fn children(&self, nodes: &[String]) -> Result<Vec<(String, Vec<String>)>, Fault> {
        // Opens a session, if need be.
        let session = self.session();
        let asked: Vec<_> = nodes
            .iter()
            .map(|node| session.submit(ZkCall::get_children(&self.ensemble.path(node))))
            .collect();
        let mut found = Vec::new();
        for (node, asked) in nodes.iter().zip(asked) {
            match asked.answer().await {
                Ok(answer) => {
                    let names = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
                    found.push((node.clone(), names));
                }
                Err(ZkFailure::NoNode) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(found)
    }

    /// Ends when none of the queue of `key` is picked.
    pub(super) async fn until_none(
        &self,
        key: &str,
        reading: QueuePart,
        pick: impl Fn(&FoundNode) -> bool + Send,
    ) -> Result<()> {
        let lock = self.ensemble.path(&node::of_key(key));
        loop {
            // Whatever happens after it is news.
            let looked = async {
                let answer = self.call(ZkCall::watch_children(&lock)).await?;
                let found = self.queue(&lock, reading).await?;
                Ok((found.iter().any(&pick), answer.news))
            };
            match looked.await {
                Ok((false, _)) | Err(ZkFailure::NoNode) => return Ok(()),
                Ok((true, Some(news))) => {
                    let _ = news.await;
                    continue;
                }
                Ok((true, None)) => {}
                // Once it has answered, a store that is away is waited for as a waiter does.
                Err(ZkFailure::Other(Fault::Broken(_))) if self.ensemble.was_heard() => {}
                Err(failure) => return Err(Error::from(Fault::from(failure))),
            }
            sleep(self.ensemble.pause).await;
        }
    }
}

/// How many more are to be read of a queue, where these of it were; `None` if these are enough.
fn more(reading: QueuePart, found: &[FoundNode]) -> Option<usize> {
    match (reading, found) {
        (QueuePart::None, _) => None,
        (QueuePart::All, _) => Some(AT_ONCE),
        (QueuePart::Holders, []) => Some(1),
        (QueuePart::Holders, found) => {
            let modes = || found.iter().map(|found| found.contender.locks());
            let next = found[0].contender.locks();
            let first = next.may_hold(modes());
            first.then_some(SHARING)
        }
    }
}

fn contenders(found: Vec<FoundNode>) -> Vec<Contender> {
    found.into_iter().map(|found| found.contender).collect()
}

/// What is left of a holder's time, for people: as long as the clock of the leader and ours agree.
fn left_by_our_clock(holder: &FoundNode) -> Option<Ttl> {
    let granted = value::ttl(&holder.data)?;
    let written = Duration::from_millis(u64::try_from(holder.stat.mtime).ok()?);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let gone = now.ok()?.saturating_sub(written);
    Some(Ttl {
        granted,
        // As it is shown.
        left: Duration::from_secs(granted.saturating_sub(gone).as_secs()),
    })
}
