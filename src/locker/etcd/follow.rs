//! Telling of what happens to locks: a picture of the queues, which a watch keeps up to date, and what
//! changes in it.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use etcd_client::{Event as EtcdEvent, EventType, KeyValue, WatchOptions};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::contenders::{self, QueueKey, Queues};
use super::expiry::Expiry;
use super::fault::Fault;
use super::{Shared, watch};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::locker::operator::{Change, ChangeKind, Scope};

/// What [`Operator::follow`](crate::locker::Operator::follow) does.
pub(super) async fn follow(
    shared: &Arc<Shared>,
    scope: Scope<'_>,
    tell: &mut (dyn FnMut(Change<'_>) + Send),
) -> Result<Infallible> {
    let store = &shared.store;
    let prefix = match scope {
        Scope::Key(key) => format!("{key}/"),
        Scope::Prefix(prefix) => prefix.to_owned(),
    };
    let mut picture = Picture {
        scope,
        queues: Queues::new(),
        expiry: Expiry::new(store),
        began: false,
        tell,
    };
    loop {
        let read = async {
            let (mut queues, at) = contenders::queues(store, prefix.as_bytes()).await?;
            let entries = queues.values_mut().flat_map(|queue| queue.values_mut());
            contenders::read_records(store, entries).await?;
            Ok((queues, at))
        };
        let fault = match read.await {
            Ok((queues, at)) => {
                picture.replace(queues);
                picture.keep_up(shared, &prefix, at + 1).await
            }
            Err(fault) => fault,
        };
        match fault {
            Fault::Broken(why) if store.heard() => {
                let what = EventKind::Retrying(why.to_string());
                let key = match scope {
                    Scope::Key(key) => Some(key),
                    Scope::Prefix(_) => None,
                };
                shared.options.notify(key, what);
            }
            fault => return Err(Error::from(fault)),
        }
        sleep(shared.options.retry_interval).await;
    }
}

/// What is known of the queues.
struct Picture<'a> {
    scope: Scope<'a>,
    queues: Queues,
    expiry: Expiry,
    /// Whether the first picture is there: what is in that is no change.
    began: bool,
    tell: &'a mut (dyn FnMut(Change<'_>) + Send),
}

/// What happened to a key.
enum News {
    Put(KeyValue),
    Deleted(Vec<u8>),
}

impl News {
    fn of(event: &EtcdEvent) -> Option<Self> {
        let kv = event.kv()?.clone();
        Some(match event.event_type() {
            EventType::Put => Self::Put(kv),
            EventType::Delete => Self::Deleted(kv.into_key_value().0),
        })
    }
}

impl Picture<'_> {
    /// Follows the watch from this revision for as long as it goes on.
    async fn keep_up(&mut self, shared: &Arc<Shared>, prefix: &str, from: i64) -> Fault {
        let (first, end) = contenders::range(prefix.as_bytes());
        let options = WatchOptions::new()
            .with_range(end)
            .with_start_revision(from);
        let (sender, mut news) = mpsc::unbounded_channel();
        let pass_on = move |event: &EtcdEvent| {
            if let Some(event) = News::of(event) {
                // Its receiver lives as long as this.
                let _ = sender.send(event);
            }
            ControlFlow::<Infallible>::Continue(())
        };
        let watching = watch::follow(&shared.store, &first, options, pass_on);
        tokio::pin!(watching);
        loop {
            tokio::select! {
                biased;
                Some(event) = news.recv() => match event {
                    News::Put(kv) => self.put(&kv),
                    News::Deleted(key) => self.deleted(&key),
                },
                // It ends with a fault only: `pass_on` never breaks it off.
                Err(fault) = &mut watching => return fault,
                () = self.expiry.ask() => {}
            }
        }
    }

    /// Takes a whole new picture, and tells of what differs.
    fn replace(&mut self, fresh: Queues) {
        let gone: Vec<_> = self
            .queues
            .iter()
            .flat_map(|(name, queue)| queue.keys().rev().map(|&at| (name.clone(), at)))
            .filter(|(name, at)| !fresh.get(name).is_some_and(|queue| queue.contains_key(at)))
            .collect();
        for (name, revision) in gone {
            self.remove(&name, revision);
        }
        for (name, queue) in fresh {
            for entry in queue.into_values() {
                self.insert(&name, entry);
            }
        }
        self.began = true;
    }

    fn put(&mut self, kv: &KeyValue) {
        // A key that was written over stays in the picture as it was.
        if let Some((name, entry)) = QueueKey::of(kv)
            && !entry.in_doubt()
        {
            self.insert(&name, entry);
        }
    }

    fn deleted(&mut self, key: &[u8]) {
        let Some(slash) = key.iter().rposition(|&byte| byte == b'/') else {
            return;
        };
        let name = &key[..slash];
        let queue = self.queues.get(name);
        let entry = queue.and_then(|queue| queue.values().find(|entry| entry.key == key));
        if let Some(revision) = entry.map(|entry| entry.revision) {
            self.remove(name, revision);
        }
    }

    fn insert(&mut self, name: &[u8], mut entry: QueueKey) {
        if !self.scope.contains(&String::from_utf8_lossy(name)) {
            return;
        }
        let queue = self.queues.entry(name.to_vec()).or_default();
        let before = queue.remove(&entry.revision);
        if entry.record.is_none() {
            // The key was gone when the record was to be read: what was known of it is kept.
            entry.record = before.as_ref().and_then(|before| before.record.clone());
        }
        queue.insert(entry.revision, entry.clone());
        let mut holders = queue.keys().take(contenders::held(queue));
        let holds = holders.any(|&at| at == entry.revision);
        let what = match before {
            Some(before) if taken_away(&before) == taken_away(&entry) => return,
            Some(_) => ChangeKind::TakenAway,
            None if !self.began && holds => ChangeKind::Holds,
            None if !self.began => ChangeKind::Waits,
            None if holds => ChangeKind::Acquired,
            None => ChangeKind::Queued,
        };
        if holds {
            self.expiry.holds(entry.revision, entry.lease());
        }
        self.tell(name, &entry, what);
    }

    fn remove(&mut self, name: &[u8], revision: i64) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let mut held = contenders::held(queue);
        let holds = queue.keys().take(held).any(|&at| at == revision);
        let Some(entry) = queue.remove(&revision) else {
            return;
        };
        held -= usize::from(holds);
        let next = queue.values().take(contenders::held(queue)).skip(held);
        let next: Vec<_> = next.cloned().collect();
        if queue.is_empty() {
            self.queues.remove(name);
        }
        if !holds {
            self.tell(name, &entry, ChangeKind::Left);
            return self.acquired(name, next);
        }
        let let_go = entry.record.as_ref();
        let let_go = let_go.is_some_and(|record| record.min_hold_ends_at.is_some());
        let what = if self.expiry.ran_out(revision) && !let_go {
            ChangeKind::Expired
        } else {
            ChangeKind::Released
        };
        self.tell(name, &entry, what);
        self.acquired(name, next);
    }

    fn acquired(&mut self, name: &[u8], by: Vec<QueueKey>) {
        for next in by {
            self.expiry.holds(next.revision, next.lease());
            self.tell(name, &next, ChangeKind::Acquired);
        }
    }

    fn tell(&mut self, name: &[u8], entry: &QueueKey, what: ChangeKind) {
        (self.tell)(Change {
            key: &String::from_utf8_lossy(name),
            contender: &entry.contender(),
            what,
        });
    }
}

fn taken_away(entry: &QueueKey) -> bool {
    let record = entry.record.as_ref();
    record.is_some_and(|record| record.taken_away.is_some())
}
