//! The thread that writes what a run tells while it goes on, so that the run waits for no reader and no
//! disk.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::destination::{Destination, LineOutcome};
use super::event_line::event_line;
use crate::describe;
use crate::events::Event;
use crate::stderr;

/// How many events wait to be written at most: then the oldest are dropped.
const KEPT: usize = 256;

/// How long what must not come before them waits for events: the next holder's are to come after ours.
/// Only a disk that does not answer takes so long.
const BEFORE_RELEASE: Duration = Duration::from_millis(500);

/// The thread's stack: it needs little more than a system call does.
const STACK: usize = 128 * 1024;

/// Tells the events of one run.
pub(super) struct Teller(Arc<Telling>);

#[derive(Default)]
struct Telling {
    state: Mutex<TellingState>,
    /// Is notified of every change.
    changed: Condvar,
}

#[derive(Default)]
struct TellingState {
    events: VecDeque<Untold>,
    /// The beginning of the first event is written.
    is_in_part: bool,
    /// There is something to do.
    is_due: bool,
    /// The thread is at it.
    is_busy: bool,
    is_over: bool,
    /// How many were dropped in all.
    dropped: u64,
}

/// An event that is not written yet.
struct Untold {
    event: Event,
    /// How many were dropped just before it.
    dropped: u64,
}

impl Teller {
    /// Starts the thread, which appends events of the lock `key` to this file.
    pub(super) fn start(key: &str, events: PathBuf) -> io::Result<Self> {
        let telling = Arc::new(Telling::default());
        let (shared, key) = (telling.clone(), key.to_owned());
        let thread = thread::Builder::new().stack_size(STACK);
        thread.spawn(move || shared.write_all(&key, Destination::new(events)))?;
        Ok(Self(telling))
    }

    /// Has this event written soon.
    pub(super) fn tell(&self, event: &Event) {
        self.0.state().add(event.clone());
        self.0.changed.notify_all();
    }

    /// Waits for a moment until all is written that can be.
    pub(super) fn hand_over(&self) {
        self.0.state().is_due = true;
        self.0.changed.notify_all();
        self.0.wait_idle();
    }

    /// The same at the end. Gives how many events were not written in all.
    pub(super) fn finish(&self) -> u64 {
        self.0.state().is_over = true;
        self.hand_over();
        let state = self.0.state();
        state.dropped + state.events.len() as u64
    }
}

impl Telling {
    fn state(&self) -> MutexGuard<'_, TellingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_idle(&self) {
        let is_at_it = |state: &mut TellingState| state.is_due || state.is_busy;
        let waited = self
            .changed
            .wait_timeout_while(self.state(), BEFORE_RELEASE, is_at_it);
        drop(waited);
    }

    /// The thread.
    fn write_all(&self, key: &str, mut destination: Destination) {
        let mut has_complained = false;
        loop {
            {
                let idle = |state: &mut TellingState| !state.is_due && !state.is_over;
                let waited = self.changed.wait_while(self.state(), idle);
                let mut state = waited.unwrap_or_else(PoisonError::into_inner);
                if !state.is_due {
                    return;
                }
                (state.is_due, state.is_busy) = (false, true);
            }
            if let Err(error) = self.write_events(key, &mut destination)
                && !std::mem::replace(&mut has_complained, true)
            {
                let path = describe::escape(&destination.path().display().to_string());
                let why = describe::io_error(&error);
                stderr::complain(format_args!(
                    "warning: events are not written: {path}: {why}"
                ));
            }
            self.state().is_busy = false;
            self.changed.notify_all();
        }
    }

    /// Writes events for as long as they are taken.
    ///
    /// # Errors
    /// They cannot be, and not because nobody reads them.
    fn write_events(&self, key: &str, destination: &mut Destination) -> io::Result<()> {
        loop {
            let Some(line) = self.state().first(key) else {
                return Ok(());
            };
            match destination.write(&line) {
                LineOutcome::Whole => self.state().told(),
                LineOutcome::Part => return Ok(()),
                LineOutcome::Nothing(error) => {
                    self.state().is_in_part = false;
                    return error.map_or(Ok(()), Err);
                }
            }
        }
    }
}

impl TellingState {
    fn add(&mut self, event: Event) {
        let mut added = Untold { event, dropped: 0 };
        if self.events.len() >= KEPT {
            // What is half written has to be written to its end.
            let at = usize::from(self.is_in_part);
            if let Some(oldest) = self.events.remove(at) {
                let dropped = oldest.dropped + 1;
                self.dropped += 1;
                match self.events.get_mut(at) {
                    Some(next) => next.dropped += dropped,
                    None => added.dropped += dropped,
                }
            }
        }
        self.events.push_back(added);
        self.is_due = true;
    }

    /// The line of the first event, which is written from now on.
    fn first(&mut self, key: &str) -> Option<String> {
        let first = self.events.front()?;
        self.is_in_part = true;
        Some(event_line(&first.event, key, first.dropped))
    }

    /// The first event is written.
    fn told(&mut self) {
        self.events.pop_front();
        self.is_in_part = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::Instant;
    use crate::events::EventKind;

    fn event(at: u64) -> Event {
        Event {
            at: SystemTime::UNIX_EPOCH,
            boot: Instant::from_boot(Duration::from_secs(at)),
            key: None,
            what: EventKind::Released,
        }
    }

    #[test]
    fn the_oldest_are_dropped_and_the_next_tells_how_many() {
        let mut state = TellingState::default();
        for at in 0..KEPT as u64 + 3 {
            state.add(event(at));
        }
        assert_eq!((state.events.len(), state.dropped), (KEPT, 3));
        let first = state.events.front().expect("the first");
        assert_eq!((first.event.boot, first.dropped), (event(3).boot, 3));
        // It is half written: those behind it are dropped.
        let line = state.first("/k").expect("a line");
        for at in 0..2 {
            state.add(event(at));
        }
        assert_eq!(state.first("/k"), Some(line));
        state.told();
        let next = state.events.front().expect("the next");
        assert_eq!((next.event.boot, next.dropped), (event(6).boot, 2));
        assert_eq!((state.events.len(), state.dropped), (KEPT - 1, 5));
    }
}
