//! The events of a run: what the library tells of the lock, and the run of its command, go to the run's
//! own state first, and then to each who reads.

use super::lines::Lines;
use super::state::RunState;
use crate::cli::settings::RunOptions;
use crate::clock::Instant;
use crate::events::{EventKind, Observer};
use crate::progress::Seen;

/// The events of one run.
pub(super) struct RunEvents {
    key: String,
    state: RunState,
    observer: Observer,
}

impl RunEvents {
    /// Of a run that began at `start`. Its readers: what `seen` draws of the wait, and the lines on
    /// stderr.
    pub(super) fn new(options: &RunOptions, seen: &Seen, start: Instant) -> Self {
        let state = RunState::default();
        let (heard, seen) = (state.clone(), seen.clone());
        let lines = Lines::new(options, seen.clone(), start);
        let observer = Observer::new(move |event| {
            heard.note(event);
            seen.note(event);
            lines.read(event);
        });
        Self {
            key: options.key.clone(),
            state,
            observer,
        }
    }

    /// What the run goes by.
    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    /// For the library to tell.
    pub(super) fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Tells what the run itself sees.
    pub(super) fn tell(&self, what: EventKind) {
        self.observer.tell(Some(&self.key), what);
    }
}
