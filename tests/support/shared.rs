//! A server that several tests use.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The server that the tests which run now share, or one that is started: the last of them ends it.
pub(crate) fn shared<S>(shared: &Mutex<Weak<S>>, start: fn() -> S) -> Arc<S> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let server = shared.upgrade().unwrap_or_else(|| Arc::new(start()));
    *shared = Arc::downgrade(&server);
    server
}
