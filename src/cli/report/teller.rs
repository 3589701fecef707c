//! The thread that writes what a run tells while it goes on, so that the run waits for no reader and no
//! disk.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::destination::{Destination, LineOutcome};
use super::event_line::event_line;
use super::metrics::{MetricsChange, MetricsFile};
use crate::describe;
use crate::events::Event;
use crate::stderr;

/// How many events wait to be written at most: then the oldest are dropped.
const KEPT: usize = 256;

/// How long the release waits for events, since the next holder's are to come after ours.
/// Only a disk that does not answer takes so long.
const BEFORE_RELEASE: Duration = Duration::from_millis(500);

/// The same for the end of the process.
const AT_THE_END: Duration = Duration::from_secs(2);

/// The thread's stack: it needs little more than a system call does.
const STACK: usize = 128 * 1024;

/// Tells the events of one run, and what changes by it.
pub(super) struct Teller(Arc<Telling>);

#[derive(Default)]
struct Telling {
    has_events: bool,
    state: Mutex<TellingState>,
    /// Is notified of every change.
    changed: Condvar,
}

#[derive(Default)]
struct TellingState {
    events: VecDeque<Untold>,
    /// What is to be changed in the metrics.
    changes: Vec<MetricsChange>,
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

/// Where it is told.
pub(super) struct Places {
    pub(super) events: Option<Destination>,
    pub(super) metrics: Option<MetricsFile>,
}

impl Teller {
    /// Starts the thread, for the lock `key`; none if there is nowhere to tell.
    pub(super) fn start(key: &str, places: Places) -> io::Result<Option<Self>> {
        if places.events.is_none() && places.metrics.is_none() {
            return Ok(None);
        }
        let telling = Telling {
            has_events: places.events.is_some(),
            ..Telling::default()
        };
        let telling = Arc::new(telling);
        let (shared, key) = (telling.clone(), key.to_owned());
        let thread = thread::Builder::new().stack_size(STACK);
        thread.spawn(move || shared.write_all(&key, places))?;
        Ok(Some(Self(telling)))
    }

    /// Has this event written soon.
    pub(super) fn tell(&self, event: &Event) {
        if self.0.has_events {
            self.0.state().add(event.clone());
            self.0.changed.notify_all();
        }
    }

    /// Has the metrics changed soon.
    pub(super) fn change(&self, change: MetricsChange) {
        let mut state = self.0.state();
        state.changes.push(change);
        state.is_due = true;
        self.0.changed.notify_all();
    }

    /// Waits for a moment until all is written that can be.
    pub(super) fn hand_over(&self) {
        self.0.write_within(BEFORE_RELEASE);
    }

    /// The same at the end. Gives how many events were not written in all, if any were to be.
    pub(super) fn finish(&self) -> Option<u64> {
        self.0.state().is_over = true;
        self.0.write_within(AT_THE_END);
        let state = self.0.state();
        let dropped = state.dropped + state.events.len() as u64;
        self.0.has_events.then_some(dropped)
    }
}

impl Telling {
    fn state(&self) -> MutexGuard<'_, TellingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread write all that it can, and waits for that, but no longer.
    fn write_within(&self, limit: Duration) {
        let mut state = self.state();
        state.is_due = true;
        self.changed.notify_all();
        let is_at_it = |state: &mut TellingState| state.is_due || state.is_busy;
        drop(self.changed.wait_timeout_while(state, limit, is_at_it));
    }

    /// The thread.
    fn write_all(&self, key: &str, mut places: Places) {
        let mut complaints = Complaints::default();
        while let Some(changes) = self.next() {
            if let Some(metrics) = &places.metrics {
                for change in changes {
                    if let Err(error) = metrics.apply(&change) {
                        complaints.say("the metrics", metrics.path(), &error);
                    }
                }
            }
            if let Some(events) = &mut places.events
                && let Err(error) = self.write_events(key, events)
            {
                complaints.say("events", events.path(), &error);
            }
            self.state().is_busy = false;
            self.changed.notify_all();
        }
    }

    /// Waits until there is something to do, and gives what is to be changed; `None` if all is over.
    fn next(&self) -> Option<Vec<MetricsChange>> {
        let idle = |state: &mut TellingState| !state.is_due && !state.is_over;
        let waited = self.changed.wait_while(self.state(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.is_due {
            return None;
        }
        (state.is_due, state.is_busy) = (false, true);
        Some(std::mem::take(&mut state.changes))
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

/// What was said of files that cannot be written.
#[derive(Default)]
struct Complaints(BTreeSet<&'static str>);

impl Complaints {
    /// Says so, once.
    fn say(&mut self, what: &'static str, path: &Path, error: &io::Error) {
        if self.0.insert(what) {
            let path = describe::escape(&path.display().to_string());
            let why = describe::io_error(error);
            stderr::complain(format_args!(
                "warning: {what} are not written: {path}: {why}"
            ));
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
