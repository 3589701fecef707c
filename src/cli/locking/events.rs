//! The stream of events that belong to one lock: what the library tells of it, and what the verb adds
//! to that, goes to the verb's own state first, and then to those who only show it.

use super::state::LockState;
use crate::events::{Event, EventKind, Observer};

/// The events of one lock.
pub(in crate::cli) struct EventStream {
    key: String,
    state: LockState,
    observer: Observer,
}

impl EventStream {
    /// Of the lock `key`. `reader` is told each event after the state.
    pub(super) fn new(key: &str, reader: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let state = LockState::default();
        let heard = state.clone();
        let observer = Observer::new(move |event| {
            heard.note(event);
            reader(event);
        });
        Self {
            key: key.to_owned(),
            state,
            observer,
        }
    }

    /// What the verb decides by.
    pub(in crate::cli) fn state(&self) -> &LockState {
        &self.state
    }

    /// For the library to tell.
    pub(super) fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Tells what the verb itself sees.
    pub(in crate::cli) fn tell(&self, what: EventKind) {
        self.observer.tell(Some(&self.key), what);
    }
}
