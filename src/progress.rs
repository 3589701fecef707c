//! What is shown while genlock waits for a lock: one live line at a terminal, else a plain line at
//! the start and then seldom. Nothing of it is left when the command starts.

mod live;
mod plain;
mod screen;

use std::future::Future;
use std::io::IsTerminal;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Instant;
use crate::describe;
use crate::events::{Event, EventKind};
use crate::locker::operator::Queue;
use crate::locker::{Mode, Operator, Record};
use crate::stderr;

/// How long a look at who holds the lock may take.
const LOOK: Duration = Duration::from_secs(1);

/// What the lock's events said last, to be shown; nothing is decided by it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Seen(watch::Sender<Last>);

#[derive(Clone, Default)]
struct Last {
    waiting: Option<Waiting>,
    retrying: Option<String>,
    place_lost: Option<String>,
    /// Whether the wait was shown to anybody.
    announced: bool,
}

/// Who is ahead.
#[derive(Clone, Default)]
struct Waiting {
    holder: Option<Record>,
    ahead: Option<u64>,
    /// Our own place.
    token: Option<u64>,
}

impl Waiting {
    /// `held by root@db1 (pid 17: ./backup.sh) since 2026-01-01T00:00:00Z, 2 ahead: a freeze (team=db)`.
    fn text(&self) -> String {
        let holder = describe::holder(self.holder.as_ref());
        let ahead = match self.ahead {
            Some(ahead @ 2..) => format!(", {ahead} ahead"),
            _ => String::new(),
        };
        let notes = describe::notes(self.holder.as_ref());
        format!("held by {holder}{ahead}{notes}")
    }

    /// The same, by the queue as it is now; `None` if nobody holds the lock.
    fn now(&self, queue: &Queue) -> Option<Self> {
        let holder = queue.holder()?.record.clone();
        let mut tokens = queue.contenders.iter().map(|contender| contender.token);
        let place = tokens.position(|token| token.is_some() && token == self.token);
        Some(Self {
            holder,
            ahead: place.map(|ahead| ahead as u64),
            token: self.token,
        })
    }
}

impl Seen {
    /// Notes what an event says.
    pub(crate) fn note(&self, event: &Event) {
        self.0.send_modify(|last| match &event.what {
            EventKind::Waiting {
                holder,
                ahead,
                token,
                ..
            } => {
                last.waiting = Some(Waiting {
                    holder: holder.clone(),
                    ahead: *ahead,
                    token: *token,
                });
                last.retrying = None;
            }
            EventKind::PlaceLost(loss) => last.place_lost = Some(loss.to_string()),
            EventKind::Retrying(why) => last.retrying = Some(why.clone()),
            _ => {}
        });
    }

    /// Who held the lock when it was last seen to be held.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.0.borrow().waiting.as_ref().map(Waiting::text)
    }

    /// The record of who held the lock when it was last seen to be held, if it says that nobody shares it.
    pub(crate) fn alone(&self) -> Option<Record> {
        let last = self.0.borrow();
        let holder = last.waiting.as_ref()?.holder.as_ref()?;
        (holder.locks() == Mode::Exclusive).then(|| holder.clone())
    }

    /// Asks the store who holds the lock now: the last event may be long ago.
    pub(crate) async fn now(&self, key: &str, store: &dyn Operator) -> String {
        let queue = match self.asked(store.glance(key)).await {
            Ok(queue) => queue,
            Err(why) => return why,
        };
        let seen = self.0.borrow().waiting.clone();
        let Some(now) = seen.unwrap_or_default().now(&queue) else {
            return "free by now".to_owned();
        };
        let text = now.text();
        self.0.send_modify(|last| last.waiting = Some(now));
        text
    }

    /// What the store answers to a look, which is bounded in time; else who was seen last, and why there is
    /// no answer.
    pub(crate) async fn asked<T>(
        &self,
        look: impl Future<Output = crate::Result<T>>,
    ) -> Result<T, String> {
        let why = match tokio::time::timeout(LOOK, look).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                let retrying = self.0.borrow().retrying.clone();
                retrying.unwrap_or("the store is silent".to_owned())
            }
        };
        Err(match self.waiting() {
            Some(seen) => format!("last seen {seen}; {why}"),
            None => why,
        })
    }

    /// Whether the wait was shown to anybody.
    pub(crate) fn was_announced(&self) -> bool {
        self.0.borrow().announced
    }

    /// Notes that the wait is shown, without waking those who wait for news.
    fn announce(&self) {
        self.0.send_if_modified(|last| {
            last.announced = true;
            false
        });
    }

    /// Why the place in the queue was lost, if that has not been said yet.
    fn take_place_lost(&self) -> Option<String> {
        let mut lost = None;
        self.0.send_if_modified(|last| {
            lost = last.place_lost.take();
            false
        });
        lost
    }
}

/// Whether a wait is shown by a live line: on a terminal that can erase (not `TERM=dumb`).
pub(crate) fn is_live() -> bool {
    let can = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    can && std::io::stderr().is_terminal()
}

/// Shows the wait for `key` since `start`, which ends after `limit`, until dropped, which clears
/// the live line. `store` is asked who holds the lock.
pub(crate) async fn show(
    key: &str,
    seen: &Seen,
    start: Instant,
    limit: Option<Duration>,
    store: &dyn Operator,
) {
    if is_live() && stderr::is_in_foreground() {
        live::show(key, seen, start, limit, store).await;
    } else {
        plain::show(key, seen, start, store).await;
    }
}

fn whole_seconds(time: Duration) -> impl std::fmt::Display {
    describe::duration(Duration::from_secs(time.as_secs()))
}

fn say_place_lost(key: &str, why: &str) {
    stderr::complain(format_args!(
        "{key}: lost the place in the queue: {why}; queueing anew"
    ));
}
