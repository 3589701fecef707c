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
    owner_key: Option<String>,
    holder: Option<Record>,
    retrying: Option<String>,
    taken_away: Option<TakenAway>,
}

impl LockState {
    /// Updates the state by this event.
    pub(in crate::cli) fn note(&self, event: &Event) {
        self.0.send_modify(|heard| match &event.what {
            EventKind::Waiting {
                holder, owner_key, ..
            } => {
                heard.has_waited = true;
                heard.owner_key.clone_from(owner_key);
                heard.holder.clone_from(holder);
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

    /// Ends as soon as `such` is true of the holder: of its owner key and its record, as far as those are
    /// known. Cancel-safe.
    pub(in crate::cli) async fn held_by(
        &self,
        such: impl Fn(Option<&String>, Option<&Record>) -> bool,
    ) {
        let held = |heard: &Heard| such(heard.owner_key.as_ref(), heard.holder.as_ref());
        // It fails only if the sender is dropped, and that is `self`.
        let _ = self.0.subscribe().wait_for(held).await;
    }
}
