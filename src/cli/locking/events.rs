//! The events of one lock, from the library and from the verb itself. Each goes to the verb's own state
//! first, by which it decides, and then to the readers that only show something.

use super::state::LockState;
use crate::events::{Event, EventKind, Observer};

/// The events of one lock.
pub(in crate::cli) struct EventStream {
    key: String,
    state: LockState,
    observer: Observer,
}

impl EventStream {
    /// The events of the lock `key`. `reader` is called with each, after the state has taken it in.
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

    /// Whom the library is to tell of events.
    pub(super) fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Tells an event that the library does not know of.
    pub(in crate::cli) fn tell(&self, what: EventKind) {
        self.observer.tell(Some(&self.key), what);
    }
}
