//! What a verb decides by: who is ahead of it, and whether the store answers, by the last events.

use tokio::sync::watch;

use crate::events::{Event, EventKind};
use crate::locker::{Record, TakenAway};

/// The state of one lock. A clone shares it.
#[derive(Clone, Default)]
pub(in crate::cli) struct LockState(watch::Sender<Heard>);

#[derive(Default)]
struct Heard {
    /// Another was seen to hold the lock, at any time.
    has_waited: bool,
    ahead: FirstAhead,
    retrying: Option<String>,
    taken_away: Option<TakenAway>,
}

/// Who was seen to be ahead last.
#[derive(Clone, Default)]
pub(in crate::cli) struct FirstAhead {
    /// The first of them, who holds the lock.
    pub(in crate::cli) owner_key: Option<String>,
    pub(in crate::cli) holder: Option<Record>,
    /// Our own place in the queue, by its token.
    pub(in crate::cli) place: Option<u64>,
}

impl LockState {
    /// Updates the state by this event.
    pub(in crate::cli) fn note(&self, event: &Event) {
        self.0.send_modify(|heard| match &event.what {
            EventKind::Waiting {
                holder,
                owner_key,
                token,
                ..
            } => {
                heard.has_waited = true;
                heard.ahead = FirstAhead {
                    owner_key: owner_key.clone(),
                    holder: holder.clone(),
                    place: *token,
                };
                heard.retrying = None;
            }
            EventKind::Retrying(why) => heard.retrying = Some(why.clone()),
            EventKind::Renewed(_) => heard.retrying = None,
            EventKind::TakenAway(by) => heard.taken_away = Some(by.clone()),
            _ => {}
        });
    }

    /// Whether another held the lock at any time.
    pub(in crate::cli) fn has_waited(&self) -> bool {
        self.0.borrow().has_waited
    }

    /// Why the store had to be asked again, if it has not answered since.
    pub(in crate::cli) fn retrying(&self) -> Option<String> {
        self.0.borrow().retrying.clone()
    }

    /// The operator who took the lock away from us while we held it.
    pub(in crate::cli) fn taken_away(&self) -> Option<TakenAway> {
        self.0.borrow().taken_away.clone()
    }

    /// Ends as soon as `such` is true of those ahead, of whom it is asked with every news once there are
    /// any. Cancel-safe where that is.
    pub(in crate::cli) async fn until(&self, such: impl AsyncFn(FirstAhead) -> bool) {
        let mut news = self.0.subscribe();
        loop {
            let seen = {
                let heard = news.borrow_and_update();
                heard.has_waited.then(|| heard.ahead.clone())
            };
            if let Some(seen) = seen
                && such(seen).await
            {
                return;
            }
            // It fails only if the sender is dropped, and that is `self`.
            let _ = news.changed().await;
        }
    }
}
