//! What a verb decides by, as the events told it last: for whom it waits, and what was heard of the store.

use tokio::sync::watch;

use crate::events::{Event, EventKind};
use crate::locker::{Record, TakenAway};

/// A clone is the same.
#[derive(Clone, Default)]
pub(in crate::cli) struct LockState(watch::Sender<Heard>);

#[derive(Default)]
struct Heard {
    /// The lock was seen to be another's.
    has_waited: bool,
    owner_key: Option<String>,
    holder: Option<Record>,
    retrying: Option<String>,
    taken_away: Option<TakenAway>,
}

impl LockState {
    /// Takes one event in.
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

    /// Why the store was asked again, if the last that was heard of it is that.
    pub(in crate::cli) fn retrying(&self) -> Option<String> {
        self.0.borrow().retrying.clone()
    }

    /// The operator who took the held lock away.
    pub(in crate::cli) fn taken_away(&self) -> Option<TakenAway> {
        self.0.borrow().taken_away.clone()
    }

    /// Ends when the lock is told to be held by such a one: it has an owner key, and has left a
    /// record, as far as they are known. Cancel-safe.
    pub(in crate::cli) async fn held_by(
        &self,
        such: impl Fn(Option<&String>, Option<&Record>) -> bool,
    ) {
        let held = |heard: &Heard| such(heard.owner_key.as_ref(), heard.holder.as_ref());
        // It fails only when the sender is gone, which is ours.
        let _ = self.0.subscribe().wait_for(held).await;
    }
}
