//! Why a connection broke or will break, kept beside it: the client libraries above TLS drop the
//! reason.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::locker::fault::Fault;

/// The reason of one connection. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Refusal(Arc<Reason>);

#[derive(Default)]
struct Reason {
    fault: OnceLock<Fault>,
    beneath: OnceLock<String>,
    is_taken: AtomicBool,
}

impl Refusal {
    /// Keeps the first one: it is the reason for those that follow.
    pub(crate) fn set(&self, fault: Fault) {
        let _ = self.0.fault.set(fault);
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.0.fault.get()
    }

    /// Keeps what a dependency says itself, where our words do not say all.
    pub(crate) fn set_beneath(&self, text: Option<String>) {
        if let Some(text) = text {
            let _ = self.0.beneath.set(text);
        }
    }

    /// That text, the first time.
    pub(crate) fn take_beneath(&self) -> Option<&str> {
        let text = self.0.beneath.get()?;
        (!self.0.is_taken.swap(true, Ordering::Relaxed)).then_some(text)
    }
}
