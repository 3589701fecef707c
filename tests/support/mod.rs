//! What several test programs share.

// Each of them uses its own part.
#![allow(dead_code)]
// Why something is skipped is printed.
#![allow(clippy::print_stdout)]

pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod etcd;
pub(crate) mod faketime;
pub(crate) mod network;
pub(crate) mod redis;
pub(crate) mod secret;
pub(crate) mod server_process;
pub(crate) mod zookeeper;

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The server that the tests which run now share, or one that is started: the last of them ends it.
pub(crate) fn shared<S>(shared: &Mutex<Weak<S>>, start: fn() -> S) -> Arc<S> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let server = shared.upgrade().unwrap_or_else(|| Arc::new(start()));
    *shared = Arc::downgrade(&server);
    server
}
