//! What an operator may ask of the board.

use std::convert::Infallible;

use genlock::locker::operator::{Change, ChangeKind, Contender, Queue, Remaining, Removal, Scope};
use genlock::locker::{BoxFuture, Record, TakenAway, check_key};
use genlock::{Error, ErrorKind, Operator, Result};

use super::{BoardClient, Note};

impl BoardClient {
    /// Ends when this is so of the notes below the key.
    async fn until(&self, key: &str, is_so: impl Fn(&[Note]) -> bool) -> Result<()> {
        check_key(key)?;
        let mut changes = self.board.changes();
        while !is_so(&self.board.read(key)) {
            let _ = changes.changed().await;
        }
        Ok(())
    }

    fn look(&self, key: &str) -> Queue {
        let notes = self.board.read(key);
        let contenders = notes.iter().map(|note| note.contender(key));
        Queue::new(key, contenders.collect())
    }

    /// All queues in `scope`.
    fn queues(&self, scope: Scope<'_>) -> Vec<Queue> {
        let keys: Vec<_> = self.board.keys().keys().cloned().collect();
        let within = keys.iter().filter(|key| scope.contains(key));
        within.map(|key| self.look(key)).collect()
    }
}

impl Operator for BoardClient {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        let queue = check_key(key).map(|()| self.look(key));
        Box::pin(std::future::ready(queue))
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        self.queue(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        let queues = self.queues(Scope::Prefix(prefix));
        Box::pin(std::future::ready(Ok(queues)))
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.until(key, <[Note]>::is_empty))
    }

    fn left<'a>(&'a self, own: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>> {
        let queues = self.queues(Scope::Prefix(""));
        let mut holders = queues.iter().filter_map(Queue::holder);
        let holder = holders.find(|holder| holder.owner_key == own);
        let record = holder.filter(|holder| holder.token == Some(token));
        let record = record.and_then(|holder| holder.record.as_ref());
        let left = match record {
            Some(record) if record.taken_away.is_none() => Remaining::NoEnd,
            _ => Remaining::Nothing,
        };
        Box::pin(std::future::ready(Ok(left)))
    }

    fn take_away<'a>(
        &'a self,
        key: &'a str,
        token: u64,
        by: &'a TakenAway,
        force: bool,
    ) -> BoxFuture<'a, Result<Removal>> {
        Box::pin(async move {
            check_key(key)?;
            let notes = self.board.read(key);
            let Some(at) = notes.iter().position(|note| note.token == token) else {
                let why = format!("nobody there has the token {token}");
                return Err(Error::new(ErrorKind::NotHeld, why).of_key(key));
            };
            // A holder is told: it may have something to stop first.
            let marked = (at == 0 && !force).then(|| Record::marked(&notes[at].text, by));
            let (found, removal) = match marked.flatten() {
                Some(text) => (self.board.rewrite(key, token, text), Removal::Told),
                None => (self.board.wipe(key, token), Removal::Removed),
            };
            match found {
                true => Ok(removal),
                false => Err(Error::new(ErrorKind::NotHeld, "it has let go").of_key(key)),
            }
        })
    }

    /// Who is on the board lives: a note is wiped off with its process at the latest.
    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        Box::pin(std::future::ready(check_key(key).map(|()| Vec::new())))
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        let is_gone = move |notes: &[Note]| notes.iter().all(|note| note.token != token);
        Box::pin(self.until(key, is_gone))
    }

    fn follow<'a>(
        &'a self,
        scope: Scope<'a>,
        tell: &'a mut (dyn FnMut(Change<'_>) + Send),
    ) -> BoxFuture<'a, Result<Infallible>> {
        Box::pin(async move {
            let mut changes = self.board.changes();
            let mut before = seen(&self.queues(scope));
            for (key, contender, holds) in &before {
                let what = match holds {
                    true => ChangeKind::Holds,
                    false => ChangeKind::Waits,
                };
                tell(Change {
                    key,
                    contender,
                    what,
                });
            }
            loop {
                let _ = changes.changed().await;
                let now = seen(&self.queues(scope));
                differences(&before, &now, tell);
                before = now;
            }
        })
    }
}

/// Each key and contender, and whether it holds the lock.
type Seen = Vec<(String, Contender, bool)>;

fn seen(queues: &[Queue]) -> Seen {
    let each = queues.iter().flat_map(|queue| {
        let contenders = queue.contenders.iter().enumerate();
        contenders.map(|(at, contender)| (queue.key.clone(), contender.clone(), at == 0))
    });
    each.collect()
}

fn differences(before: &Seen, now: &Seen, tell: &mut (dyn FnMut(Change<'_>) + Send)) {
    let in_it = |all: &Seen, one: &Contender| {
        let mut found = all
            .iter()
            .filter(|(_, other, _)| other.owner_key == one.owner_key);
        found.next().cloned()
    };
    for (key, contender, held) in before {
        let what = match (in_it(now, contender), held) {
            (None, true) => ChangeKind::Released,
            (None, false) => ChangeKind::Left,
            (Some(_), _) => continue,
        };
        tell(Change {
            key,
            contender,
            what,
        });
    }
    for (key, contender, holds) in now {
        let told = |one: &Contender| {
            let record = one.record.as_ref();
            record.is_some_and(|record| record.taken_away.is_some())
        };
        let what = match (in_it(before, contender), holds) {
            (None, false) => ChangeKind::Queued,
            (None, true) | (Some((.., false)), true) => ChangeKind::Acquired,
            (Some((_, earlier, _)), _) if told(contender) && !told(&earlier) => {
                ChangeKind::TakenAway
            }
            (Some(_), _) => continue,
        };
        tell(Change {
            key,
            contender,
            what,
        });
    }
}
