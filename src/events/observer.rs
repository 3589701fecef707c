//! The observer of events.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Event, EventKind};

/// A function that is called with every [`Event`]: with one at a time, in order, in a task or thread in
/// which events happen. It must not block, and may do with the lock whatever it likes. If it panics,
/// that ends nothing else. Clones share the function.
#[derive(Clone)]
pub struct Observer(Arc<ObserverState>);

struct ObserverState {
    observe: Box<dyn Fn(&Event) + Send + Sync>,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    events: VecDeque<Event>,
    /// Whether a call of [`Observer::pass_on`] is under way: it goes on until none is left.
    is_passed_on: bool,
}

impl Observer {
    /// Calls `observe` with each event.
    pub fn new(observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(ObserverState {
            observe: Box::new(observe),
            pending: Mutex::default(),
        }))
    }

    /// Calls it with an event of this moment, of the lock of `key` or of the connection.
    pub fn tell(&self, key: Option<&str>, what: EventKind) {
        self.note(key, what);
        self.pass_on();
    }

    /// Keeps an event of this moment for the next [`Observer::pass_on`]: for a caller that has a mutex
    /// locked which the function may lock too.
    pub(crate) fn note(&self, key: Option<&str>, what: EventKind) {
        let mut pending = self.pending();
        // The time is taken under the mutex: so no later event in the list has an earlier one.
        let event = Event::now(key, what);
        pending.events.push_back(event);
    }

    /// Calls the function with all events that were kept, unless another call of this does.
    pub(crate) fn pass_on(&self) {
        if std::mem::replace(&mut self.pending().is_passed_on, true) {
            return;
        }
        while let Some(event) = self.next() {
            // A panic of the function's must not end what tells the event: a renewal, say.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.0.observe)(&event)));
        }
    }

    fn next(&self) -> Option<Event> {
        let mut pending = self.pending();
        let next = pending.events.pop_front();
        pending.is_passed_on = next.is_some();
        next
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        let pending = self.0.pending.lock();
        pending.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    #[test]
    fn what_an_observer_tells_itself_comes_behind_and_a_panic_ends_nothing() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let itself = Arc::new(OnceLock::<Observer>::new());
        let (noted, own) = (told.clone(), itself.clone());
        let observer = Observer::new(move |event| {
            if let (EventKind::Retrying(_), Some(own)) = (&event.what, own.get()) {
                own.tell(Some("/k"), EventKind::Released);
            }
            let mut noted = noted.lock().expect("no panic meanwhile");
            noted.push((event.what.name(), event.boot));
            drop(noted);
            assert_eq!(event.what.name(), "released", "a panic of the observer's");
        });
        itself.set(observer.clone()).expect("the first");
        observer.tell(None, EventKind::Retrying("gone".to_owned()));
        let told = told.lock().expect("no panic meanwhile");
        assert_eq!(
            told.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["trouble", "released"]
        );
        assert!(told.is_sorted_by_key(|(_, boot)| *boot));
    }
}
