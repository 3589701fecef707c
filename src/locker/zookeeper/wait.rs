//! Waiting in the queue: the contender just ahead is watched, until there is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::calls::{ZkCall, ZkFailure};
use super::enter::ZkStanding;
use super::session::ZkSession;
use super::{ZkShared, inspect, names, node, value};
use crate::events::EventKind;
use crate::locker::fault::Fault;
use crate::loss::Loss;

/// A wait that is shorter than this sends no event.
pub(super) const SOON: Duration = Duration::from_millis(100);

/// How the wait of a place ends.
pub(super) enum ZkWaitEnd {
    /// Nobody is ahead.
    IsFirst,
    /// The place itself is gone.
    Lost(Loss),
}

/// A contender that waits, and the node that stands for it.
pub(super) struct ZkWaiter<'a> {
    pub(super) shared: &'a Arc<ZkShared>,
    pub(super) session: &'a ZkSession,
    /// As it was asked for.
    pub(super) key: &'a str,
    /// Whether it tells of all that moves ahead.
    pub(super) follows: bool,
    pub(super) own: &'a ZkStanding,
}

/// What was told of the queue last: the one just ahead, and where all of it is followed who holds and
/// how many there are.
type ToldQueue = (String, Option<(String, usize)>);

impl ZkWaiter<'_> {
    /// Who is ahead, by number; `None` if we are not there ourselves.
    pub(super) fn ahead(&self, children: Vec<String>) -> Option<Vec<(u64, String)>> {
        let (_, own) = node::parts(&self.own.path)?;
        let mut all = names::contenders(children);
        // A second node of ours, made where the answer to the first was lost, is not waited for.
        let prefix = &own[..own.len().saturating_sub(10)];
        let at = all.iter().position(|(_, name)| name == own)?;
        all.truncate(at);
        all.retain(|(_, name)| !name.starts_with(prefix));
        Some(all)
    }

    fn lock(&self) -> &str {
        node::parts(&self.own.path).map_or("", |(lock, _)| lock)
    }

    /// Waits until nobody is ahead.
    ///
    /// # Errors
    /// When ZooKeeper refuses. One that is away is waited for.
    pub(super) async fn wait(&self) -> Result<ZkWaitEnd, Fault> {
        let mut told = None;
        loop {
            match self.step(&mut told).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(ZkFailure::Other(Fault::Broken(reason))) => {
                    let what = EventKind::Retrying(reason.to_string());
                    self.shared.options.notify(Some(self.key), what);
                    sleep(self.shared.options.retry_interval).await;
                }
                // The lock's node is gone, and with it must be ours, which was below it.
                Err(ZkFailure::NoNode) => return Ok(ZkWaitEnd::Lost(Loss::KeyDeleted)),
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// One look, and the wait until something has happened after it.
    async fn step(&self, told: &mut Option<ToldQueue>) -> Result<Option<ZkWaitEnd>, ZkFailure> {
        let lock = self.lock();
        let call = if self.follows {
            ZkCall::watch_children(lock)
        } else {
            ZkCall::get_children(lock)
        };
        let answer = self.session.call(call).await?;
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        let Some(ahead) = self.ahead(children) else {
            return Ok(Some(ZkWaitEnd::Lost(Loss::KeyDeleted)));
        };
        let (Some(first), Some(next)) = (ahead.first(), ahead.last()) else {
            return Ok(Some(ZkWaitEnd::IsFirst));
        };
        let moved = match answer.news {
            Some(news) => news,
            None => match self.until_left(&next.1).await? {
                Some(news) => news,
                None => return Ok(None),
            },
        };
        let all = self.follows.then(|| (first.1.clone(), ahead.len()));
        let state = (next.1.clone(), all);
        if told.as_ref() == Some(&state) {
            let _ = moved.await;
            return Ok(None);
        }
        let mut moved = moved;
        if told.is_none() && timeout(SOON, &mut moved).await.is_ok() {
            return Ok(None);
        }
        self.tell(&first.1, ahead.len()).await?;
        *told = Some(state);
        let _ = moved.await;
        Ok(None)
    }

    /// News of the end of this one; `None` if it has left already. Its children are watched, of which a
    /// node that ends with a session has none: so its end is told, and not each write of its holder.
    async fn until_left(&self, name: &str) -> Result<Option<oneshot::Receiver<()>>, ZkFailure> {
        let path = format!("{}/{name}", self.lock());
        match self.session.call(ZkCall::watch_children(&path)).await {
            Ok(answer) => Ok(answer.news),
            Err(ZkFailure::NoNode) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Tells who holds, if it is still there.
    async fn tell(&self, holder: &str, ahead: usize) -> Result<(), ZkFailure> {
        let path = format!("{}/{holder}", self.lock());
        let found = inspect::one(&self.shared.ensemble, self.session, &path).await?;
        if let Some(holder) = found {
            let what = EventKind::Waiting {
                owner_key: Some(holder.contender.owner_key),
                holder: holder.contender.record,
                ahead: Some(ahead as u64),
                token: Some(self.own.czxid as u64),
            };
            self.shared.options.notify(Some(self.key), what);
        }
        Ok(())
    }
}
