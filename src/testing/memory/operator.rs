//! What an operator may ask of the store in memory.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{MemoryClient, StoreContents, Stored, StoredChange, parsed};
use crate::clock::{self, Instant};
use crate::locker::operator::{
    Change, ChangeKind, Contender, Queue, Remaining, Removal, Scope, Ttl, not_left,
};
use crate::locker::{BoxFuture, Operator, Record, TakenAway, check_key, margin};
use crate::{Error, ErrorKind, Result};

impl MemoryClient {
    /// Ends when this is so.
    async fn until(&self, is_so: impl Fn(&StoreContents) -> bool) {
        let mut changes = self.store.changes();
        loop {
            changes.mark_unchanged();
            let next = {
                let contents = self.store.contents();
                if is_so(&contents) {
                    return;
                }
                let all = contents.queues.values().flatten();
                all.map(|stored| stored.expiry).min()
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = clock::until(next) => {}
            }
        }
    }

    fn look(&self, key: &str) -> Result<Queue> {
        check_key(key)?;
        let contents = self.store.contents();
        Ok(queue(key, contents.queue(key)))
    }
}

fn queue(key: &str, stored: &[Stored]) -> Queue {
    let contenders = stored.iter().map(|one| one.contender(key));
    let queue = Queue::new(key, contenders.collect());
    match stored.first() {
        Some(holder) => queue.with_ttl(Ttl {
            granted: holder.ttl,
            left: holder.expiry.left(),
        }),
        None => queue,
    }
}

impl Operator for MemoryClient {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(std::future::ready(self.look(key)))
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        self.queue(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        let contents = self.store.contents();
        let all = contents.queues.iter();
        let within = all.filter(|(key, _)| key.starts_with(prefix));
        let found = within.map(|(key, stored)| queue(key, stored)).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            self.until(|contents| !contents.queues.contains_key(key))
                .await;
            Ok(())
        })
    }

    fn left<'a>(&'a self, owner_key: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>> {
        let left = || {
            let (key, number) = parsed(owner_key)?;
            let contents = self.store.contents();
            let holder = contents.find(key, token).filter(|one| one.holds)?;
            let told = Record::from_json(&holder.value)?.taken_away;
            let is_it = number == token && told.is_none();
            is_it.then(|| holder.expiry.left().saturating_sub(margin(holder.ttl)))
        };
        let left = left().map_or(Remaining::Nothing, Remaining::AtLeast);
        Box::pin(std::future::ready(Ok(left)))
    }

    fn take_away<'a>(
        &'a self,
        key: &'a str,
        token: u64,
        by: &'a TakenAway,
        force: bool,
    ) -> BoxFuture<'a, Result<Removal>> {
        let taken = || {
            check_key(key)?;
            let mut contents = self.store.contents();
            // One that waits for another key of several has nothing to stop.
            let everywhere = contents.queues.values().flatten();
            let mut everywhere = everywhere.filter(|one| one.token == token);
            let holds = everywhere.all(|one| one.holds);
            let queue = contents.queues.get_mut(key);
            let all = queue.map_or(&mut [][..], Vec::as_mut_slice);
            let Some(at) = all.iter().position(|stored| stored.token == token) else {
                let why = format!("nobody there has the token {token}");
                return Err(Error::new(ErrorKind::NotHeld, why).of_key(key));
            };
            // The holder may have something to stop first.
            let is_told = holds && !force && !all[at].is_left;
            let marked = is_told.then(|| Record::marked(&all[at].value, by));
            if let Some(value) = marked.flatten() {
                all[at].value = value;
                let told = all[at].clone();
                contents.tell(key, &told, ChangeKind::TakenAway);
                Ok(Removal::Told)
            } else {
                contents.remove(key, token, ChangeKind::Released);
                Ok(Removal::Removed)
            }
        };
        let taken = taken();
        self.store.changed();
        Box::pin(std::future::ready(taken))
    }

    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        let cleared = || {
            check_key(key)?;
            let mut contents = self.store.contents();
            let dead = |one: &&Stored| !one.holds && one.expiry < Instant::now() + one.ttl / 2;
            let dead: Vec<_> = contents.queue(key).iter().filter(dead).cloned().collect();
            for one in &dead {
                contents.remove(key, one.token, ChangeKind::Left);
            }
            Ok(dead.iter().map(|one| one.contender(key)).collect())
        };
        let cleared = cleared();
        self.store.changed();
        Box::pin(std::future::ready(cleared))
    }

    fn extend<'a>(
        &'a self,
        key: &'a str,
        _owner_key: &'a str,
        token: u64,
        time: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        let extended = self.store.extend(token, time);
        let extended = if extended {
            Ok(())
        } else {
            Err(not_left(key, token))
        };
        Box::pin(std::future::ready(extended))
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            self.until(|contents| contents.find(key, token).is_none())
                .await;
            Ok(())
        })
    }

    fn follow<'a>(
        &'a self,
        scope: Scope<'a>,
        tell: &'a mut (dyn FnMut(Change<'_>) + Send),
    ) -> BoxFuture<'a, Result<Infallible>> {
        Box::pin(async move {
            let (sender, mut told) = mpsc::unbounded_channel();
            {
                let mut contents = self.store.contents();
                for (key, queue) in &contents.queues {
                    for stored in queue {
                        let kind = match stored.holds {
                            true => ChangeKind::Holds,
                            false => ChangeKind::Waits,
                        };
                        let contender = stored.contender(key);
                        let key = key.clone();
                        // The other end is here.
                        let _ = sender.send(StoredChange {
                            key,
                            contender,
                            kind,
                        });
                    }
                }
                contents.followers.push(sender);
            }
            loop {
                tokio::select! {
                    Some(change) = told.recv() => {
                        if scope.contains(&change.key) {
                            tell(Change {
                                key: &change.key,
                                contender: &change.contender,
                                what: change.kind,
                            });
                        }
                    }
                    // What runs out is found by who looks.
                    () = self.until(|_| false) => {}
                }
            }
        })
    }
}
