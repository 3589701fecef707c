//! Waiting in the queue: the last of those ahead that is in the way is watched, until there is none.
//! Where anybody may be, it is all of the queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::calls::{ZkCall, ZkFailure};
use super::enter::ZkStanding;
use super::session::ZkSession;
use super::turn::{KnownNodes, Turn};
use super::{ZkShared, found, names, node, value};
use crate::events::EventKind;
use crate::locker::fault::Fault;
use crate::locker::{QueuePolicy, Request};
use crate::loss::Loss;

/// A wait that is shorter than this sends no event.
pub(super) const SOON: Duration = Duration::from_millis(100);

/// How the wait of a place ends.
pub(super) enum ZkWaitEnd {
    /// Its turn has come; `at_once` if there was nothing to wait for.
    HasTurn { at_once: bool },
    /// The place itself is gone.
    Lost(Loss),
}

/// A contender that waits, and the node that stands for it.
pub(super) struct ZkWaiter<'a> {
    pub(super) shared: &'a Arc<ZkShared>,
    pub(super) session: &'a ZkSession,
    /// As it was asked for.
    pub(super) key: &'a str,
    pub(super) request: &'a Request,
    /// What the names of all nodes begin with that stand for us, or did.
    pub(super) taking: &'a str,
    pub(super) own: &'a ZkStanding,
}

/// What a wait has come to know.
#[derive(Default)]
struct WaitMemory {
    known: KnownNodes,
    /// Whether whoever comes or leaves next may matter.
    watches_all: bool,
    /// What was told of the queue last: the one just ahead, and where all of it is followed who holds and
    /// how many there are.
    told: Option<(String, Option<(String, usize)>)>,
}

/// Those around us in the queue, by number.
#[derive(Debug, PartialEq, Eq)]
struct Neighbours {
    ahead: Vec<String>,
    behind: Vec<String>,
    /// Those among them that are of this taking: nobody waits there any more.
    outlived: Vec<String>,
}

impl Neighbours {
    /// `None` if a node of this name is not among them.
    fn of(taking: &str, own: &str, children: Vec<String>) -> Option<Self> {
        let all = names::contenders(children).into_iter();
        let mut ahead: Vec<_> = all.map(|(_, name)| name).collect();
        let at = ahead.iter().position(|name| name == own)?;
        let mut behind = ahead.split_off(at + 1);
        ahead.truncate(at);
        let of_ours = |name: &&String| name.starts_with(taking);
        let outlived = ahead.iter().chain(&behind).filter(of_ours);
        let outlived = outlived.cloned().collect();
        // A second node of ours, made where the answer to the first was lost, is not waited for. Nor is one
        // behind a newer one, of whichever session: what was asked for in an earlier one may come to be later.
        let prefix = &own[..own.len().saturating_sub(10)];
        ahead.retain(|name| !name.starts_with(prefix));
        behind.retain(|name| !name.starts_with(taking));
        Some(Self {
            ahead,
            behind,
            outlived,
        })
    }
}

impl ZkWaiter<'_> {
    fn lock(&self) -> &str {
        node::parts(&self.own.path).map_or("", |(lock, _)| lock)
    }

    /// Whether it tells of all that moves ahead.
    fn follows(&self) -> bool {
        self.request.follows_queue(&self.shared.options)
    }

    fn is_for_the_latest(&self) -> bool {
        self.request.queue() == QueuePolicy::Latest
    }

    fn other_limit(&self, other: u32) -> ZkFailure {
        ZkFailure::Other(Fault::Refused(self.request.other_limit(self.key, other)))
    }

    /// Those around us among these; `None` if we are not there ourselves. What is of earlier places of ours
    /// is deleted: it would be waited for until its session ends, which is in no one's hands any more.
    async fn around(&self, children: Vec<String>) -> Option<Neighbours> {
        let (_, own) = node::parts(&self.own.path)?;
        let around = Neighbours::of(self.taking, own, children)?;
        let asked = around.outlived.iter().map(|name| {
            let path = format!("{}/{name}", self.lock());
            self.session.submit(ZkCall::delete(&path, -1))
        });
        for asked in asked.collect::<Vec<_>>() {
            // What is not deleted goes with its session.
            if let Err(ZkFailure::Other(Fault::Broken(_))) = asked.answer().await {
                break;
            }
        }
        Some(around)
    }

    /// Whether the turn has come, with these in the queue; `None` if we are not there ourselves.
    pub(super) async fn has_turn(&self, children: Vec<String>) -> Result<Option<bool>, ZkFailure> {
        let Some(Neighbours { ahead, .. }) = self.around(children).await else {
            return Ok(None);
        };
        let mut known = KnownNodes::default();
        let turn = known.turn(self.request.mode(), self.session, self.lock(), &ahead);
        match turn.await? {
            Turn::OtherLimit(other) => Err(self.other_limit(other)),
            turn => Ok(Some(turn == Turn::Come)),
        }
    }

    /// Waits until the turn has come.
    ///
    /// # Errors
    /// When ZooKeeper refuses for good, and when a newer one came that sends this one away. A ZooKeeper that is away
    /// is waited for.
    pub(super) async fn wait(&self) -> Result<ZkWaitEnd, Fault> {
        let mut waited = WaitMemory {
            watches_all: self.follows() || self.is_for_the_latest(),
            ..WaitMemory::default()
        };
        let mut at_once = true;
        loop {
            match self.step(&mut waited, at_once).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(ZkFailure::Other(fault)) => {
                    let what = EventKind::Retrying(fault.may_pass()?.to_string());
                    self.shared.options.notify(Some(self.key), what);
                    sleep(self.shared.options.retry_interval).await;
                }
                // The lock's node is gone, and with it must be ours, which was below it.
                Err(ZkFailure::NoNode) => return Ok(ZkWaitEnd::Lost(Loss::KeyDeleted)),
                Err(failure) => return Err(failure.into()),
            }
            at_once = false;
        }
    }

    /// One look, and the wait until something has happened after it.
    async fn step(
        &self,
        waited: &mut WaitMemory,
        at_once: bool,
    ) -> Result<Option<ZkWaitEnd>, ZkFailure> {
        let lock = self.lock();
        let call = if waited.watches_all {
            ZkCall::watch_children(lock)
        } else {
            ZkCall::get_children(lock)
        };
        let answer = self.session.call(call).await?;
        let children = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
        waited.known.keep(&children);
        let Some(Neighbours { ahead, behind, .. }) = self.around(children).await else {
            return Ok(Some(ZkWaitEnd::Lost(Loss::KeyDeleted)));
        };
        if self.is_for_the_latest() {
            self.check_newest(&mut waited.known, &behind).await?;
        }
        let turn = waited
            .known
            .turn(self.request.mode(), self.session, lock, &ahead);
        let moved = match (turn.await?, answer.news) {
            (Turn::OtherLimit(other), _) => return Err(self.other_limit(other)),
            (Turn::Come, _) => return Ok(Some(ZkWaitEnd::HasTurn { at_once })),
            (_, Some(news)) => news,
            (Turn::After(name), None) => match self.until_left(&name).await? {
                Some(news) => news,
                None => return Ok(None),
            },
            (Turn::Full, None) => {
                waited.watches_all = true;
                return Ok(None);
            }
        };
        self.tell_and_wait(waited, &ahead, moved).await?;
        Ok(None)
    }

    /// Tells of the queue, if it is another one than was told of last, and waits until it `moved`.
    async fn tell_and_wait(
        &self,
        waited: &mut WaitMemory,
        ahead: &[String],
        mut moved: oneshot::Receiver<()>,
    ) -> Result<(), ZkFailure> {
        let (Some(first), Some(next)) = (ahead.first(), ahead.last()) else {
            return Ok(());
        };
        let all = self.follows().then(|| (first.clone(), ahead.len()));
        let state = Some((next.clone(), all));
        if waited.told != state {
            if waited.told.is_none() && timeout(SOON, &mut moved).await.is_ok() {
                return Ok(());
            }
            self.tell(first, ahead.len()).await?;
            waited.told = state;
        }
        let _ = moved.await;
        Ok(())
    }

    /// Gives up where one of those behind is a newer one that is for the latest too. Nobody sends away
    /// others: who holds by now is not touched, and the newer one waits for it.
    async fn check_newest(
        &self,
        known: &mut KnownNodes,
        behind: &[String],
    ) -> Result<(), ZkFailure> {
        let said = known.said(self.session, self.lock(), behind).await?;
        let mut queues = said.iter().map(|(_, said)| said.queue);
        if queues.any(|queue| queue == QueuePolicy::Latest) {
            let error = self.request.superseded(self.key);
            return Err(ZkFailure::Other(Fault::Refused(error)));
        }
        Ok(())
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
        let found = found::one(&self.shared.ensemble, self.session, &path).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_node_of_ours_is_not_waited_for() {
        let children = [
            "a-1-lock-0000000002",
            "b-1-lock-0000000003",
            "a-1-lock-0000000005",
            "b-2-lock-0000000006",
        ];
        let of = |taking, own| {
            let children = children.map(str::to_owned).to_vec();
            Neighbours::of(taking, own, children)
        };
        let around = of("a-", "a-1-lock-0000000005").expect("a place");
        assert_eq!(around.ahead, ["b-1-lock-0000000003"]);
        assert_eq!(around.outlived, ["a-1-lock-0000000002"]);
        assert_eq!(around.behind, ["b-2-lock-0000000006"]);
        // What is of an earlier session is no newer one, but stands in the way of all behind it, and goes.
        let around = of("b-", "b-1-lock-0000000003").expect("a place");
        assert_eq!(around.outlived, ["b-2-lock-0000000006"]);
        assert_eq!(around.ahead, ["a-1-lock-0000000002"]);
        assert_eq!(around.behind, ["a-1-lock-0000000005"]);
        let around = of("b-", "b-2-lock-0000000006").expect("a place");
        assert_eq!(around.ahead, [children[0], children[1], children[2]]);
        assert_eq!(around.outlived, ["b-1-lock-0000000003"]);
        assert_eq!(of("c-", "c-1-lock-0000000001"), None);
    }
}
