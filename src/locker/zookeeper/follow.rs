//! Telling of what happens to locks: whenever something happens to a node, the queues that it may be of
//! are read anew, and what differs is told.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::calls::{ZkCall, ZkFailure};
use super::found::FoundNode;
use super::inspect::{Looking, QueuePart};
use super::{ZkShared, node, value};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::locker::fault::Fault;
use crate::locker::operator::{Change, Contender, Scope, changes};

/// What [`Operator::follow`](crate::locker::Operator::follow) does.
pub(super) async fn follow(
    shared: &Arc<ZkShared>,
    scope: Scope<'_>,
    tell: &mut (dyn FnMut(Change<'_>) + Send),
) -> Result<Infallible> {
    let mut view = View {
        shared,
        scope,
        queues: BTreeMap::new(),
        began: false,
        tell,
    };
    loop {
        let failure = match view.keep_up().await {
            Ok(never) => match never {},
            Err(failure) => failure,
        };
        match Fault::from(failure) {
            Fault::Broken(why) if shared.ensemble.was_heard() => {
                let what = EventKind::Retrying(why.to_string());
                shared.options.notify(None, what);
            }
            // The session that listened has ended: another one will do.
            Fault::LeaseNotFound => {}
            fault => return Err(Error::from(fault)),
        }
        sleep(shared.options.retry_interval).await;
    }
}

/// What is known of the queues, by the nodes of their locks, below the chroot.
struct View<'a> {
    shared: &'a Arc<ZkShared>,
    scope: Scope<'a>,
    queues: BTreeMap<String, Vec<FoundNode>>,
    /// Whether there was a picture before: what comes later is news.
    began: bool,
    tell: &'a mut (dyn FnMut(Change<'_>) + Send),
}

impl View<'_> {
    /// For as long as one connection tells of all.
    async fn keep_up(&mut self) -> Result<Infallible, ZkFailure> {
        let (sender, mut news) = mpsc::unbounded_channel();
        // What is told of is read in the same session: another server may not know of it yet.
        let looking = Looking::new(&self.shared.ensemble, Some(sender));
        let top = match self.scope {
            Scope::Key(key) => node::of_key(key),
            Scope::Prefix(prefix) => node::above(prefix),
        };
        // What happens from now on is told. There must be no other watch of this path: before 3.9 that
        // one would replace this one (ZOOKEEPER-4466).
        let watching = ZkCall::watch_all(&self.shared.ensemble.path(&top));
        let watching = looking.call(watching).await?.news;
        let mut broken = watching.ok_or_else(ZkFailure::strange)?;
        let mut all = listed(&looking, self.scope)
            .await
            .map_err(ZkFailure::Other)?;
        // Those that were known before the connection broke may be gone.
        all.extend(self.queues.keys().cloned());
        self.read(&looking, all).await?;
        self.began = true;
        loop {
            let mut changed = BTreeSet::new();
            tokio::select! {
                _ = &mut broken => {
                    return Err(ZkFailure::Other(Fault::broken("the connection broke")));
                }
                path = news.recv() => changed.extend(path),
            }
            while let Ok(path) = news.try_recv() {
                changed.insert(path);
            }
            let locks = changed.iter().filter_map(|path| self.lock_of(path));
            let locks = locks.collect();
            self.read(&looking, locks).await?;
        }
    }

    /// The lock whose queue may be another now that something has happened at this path: to a contender,
    /// or to the lock's own node, which may be that of a holder without a queue.
    fn lock_of(&self, path: &str) -> Option<String> {
        let node = self.shared.ensemble.node(path)?;
        if let Some((lock, _)) = node::parts(node) {
            return Some(lock.to_owned());
        }
        let is_followed = matches!(self.scope, Scope::Key(key) if node::of_key(key) == node);
        (is_followed || self.queues.contains_key(node)).then(|| node.to_owned())
    }

    /// Reads these anew.
    async fn read(&mut self, looking: &Looking, locks: BTreeSet<String>) -> Result<(), ZkFailure> {
        for lock in locks {
            let path = self.shared.ensemble.path(&lock);
            let found = looking.queue(&path, QueuePart::All).await?;
            self.replace(&lock, found);
        }
        Ok(())
    }

    /// Takes a new picture of one queue, and tells of what differs.
    fn replace(&mut self, lock: &str, fresh: Vec<FoundNode>) {
        let Some(key) = node::key(lock).filter(|key| self.scope.contains(key)) else {
            return;
        };
        let before = self.queues.remove(lock);
        let before = before.or_else(|| self.began.then(Vec::new));
        let old = before.as_deref().map(contenders);
        let now = contenders(&fresh);
        let has_run_out = |gone: &Contender| {
            let mut before = before.iter().flatten();
            let found = before.find(|found| found.contender.owner_key == gone.owner_key);
            found.is_some_and(has_run_out)
        };
        for (contender, what) in changes(old.as_deref(), &now, has_run_out) {
            (self.tell)(Change {
                key: &key,
                contender,
                what,
            });
        }
        if !fresh.is_empty() {
            self.queues.insert(lock.to_owned(), fresh);
        }
    }
}

/// The locks that there are.
async fn listed(looking: &Looking, scope: Scope<'_>) -> Result<BTreeSet<String>, Fault> {
    let prefix = match scope {
        Scope::Key(key) => return Ok(BTreeSet::from([node::of_key(key)])),
        Scope::Prefix(prefix) => prefix,
    };
    let queues = looking.list(prefix).await?.into_iter();
    Ok(queues.map(|queue| node::of_key(&queue.key)).collect())
}

fn contenders(queue: &[FoundNode]) -> Vec<&Contender> {
    queue.iter().map(|found| &found.contender).collect()
}

/// Whether its last renewal is so long ago, by the leader's clock and ours, that its session must have
/// ended by itself.
fn has_run_out(found: &FoundNode) -> bool {
    let Some(ttl) = value::ttl(&found.data) else {
        return false;
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let written = Duration::from_millis(found.stat.mtime.max(0).unsigned_abs());
    now.is_ok_and(|now| now.saturating_sub(written) >= ttl)
}
