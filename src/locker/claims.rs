//! The keys that one client holds or waits for: taking a key twice through one client would wait
//! for oneself for ever.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// The claims of one client. A clone is the same set.
#[derive(Clone, Default)]
pub(super) struct Claims(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    keys: HashSet<String>,
    closed: bool,
}

/// One key of the set, until dropped.
pub(super) struct Claim {
    claims: Claims,
    key: String,
}

impl Claims {
    /// Takes `key` for this client.
    pub(super) fn claim(&self, key: &str) -> Result<Claim> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::new(
                ErrorKind::Closed,
                format!("{key}: the client has been closed"),
            ));
        }
        if !state.keys.insert(key.to_owned()) {
            return Err(Error::new(
                ErrorKind::AlreadyHeld,
                format!("{key}: this client already holds the lock or waits for it"),
            ));
        }
        Ok(Claim {
            claims: self.clone(),
            key: key.to_owned(),
        })
    }

    /// Refuses every further claim. True the first time.
    pub(super) fn close(&self) -> bool {
        !std::mem::replace(&mut self.state().closed, true)
    }

    pub(super) fn same_client(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.state().keys.remove(&self.key);
    }
}
