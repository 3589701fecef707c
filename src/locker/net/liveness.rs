//! Signs of life of a member: one that is slow, because thousands ask it at once, is not silent.
//!
//! Over HTTP/2 a server says something as soon as it has read a request, long before the answer: how
//! much more it would read, and a ping that measures the way (Go's transport/http2_server.go).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how often anything was heard of a member.
#[derive(Clone, Default)]
pub(crate) struct Liveness(Arc<AtomicUsize>);

impl Liveness {
    /// Something was heard.
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often so far.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there was anything since it counted so much.
    pub(crate) fn beats_since(&self, count: usize) -> bool {
        self.count() != count
    }
}
