//! The keys that one client holds or waits for: taking a key twice through one client would wait
//! for oneself for ever. One that is being released in the background is waited for.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

/// The claims of one client. A clone is the same set.
#[derive(Clone, Default)]
pub struct Claims(Arc<ClaimSet>);

#[derive(Default)]
struct ClaimSet {
    state: Mutex<ClaimsState>,
    /// Told whenever a key is taken no more.
    freed: Notify,
}

#[derive(Default)]
struct ClaimsState {
    /// Whether somebody has it still, or there is only what the store has of it.
    keys: HashMap<String, bool>,
    closed: bool,
}

/// One key of the set, until dropped.
pub struct Claim {
    trace: Trace,
}

/// What the store has, or may have, of a claimed key: it stays taken until the last of these is
/// dropped.
#[derive(Clone)]
pub(super) struct Trace(Arc<TakenKey>);

struct TakenKey {
    claims: Claims,
    key: String,
}

impl Claims {
    /// Takes `key` for this client, as soon as the store has nothing of an earlier claim.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyHeld`], [`ErrorKind::Closed`].
    pub async fn claim(&self, key: &str) -> Result<Claim> {
        loop {
            let mut freed = pin!(self.0.freed.notified());
            // What happens from here on wakes it.
            freed.as_mut().enable();
            if let Some(claim) = self.try_claim(key)? {
                return Ok(claim);
            }
            freed.await;
        }
    }

    /// `None` while it is being released.
    fn try_claim(&self, key: &str) -> Result<Option<Claim>> {
        let mut state = self.state();
        if state.closed {
            return Err(Self::closed(key));
        }
        match state.keys.get(key) {
            Some(true) => Err(Error::new(
                ErrorKind::AlreadyHeld,
                "this client already holds the lock or waits for it",
            )
            .of_key(key)),
            Some(false) => Ok(None),
            None => {
                state.keys.insert(key.to_owned(), true);
                let taken = TakenKey {
                    claims: self.clone(),
                    key: key.to_owned(),
                };
                let trace = Trace(Arc::new(taken));
                Ok(Some(Claim { trace }))
            }
        }
    }

    /// The error of whoever asks for the lock of `key` after [`Claims::close`], or waits for it then.
    pub fn closed(key: &str) -> Error {
        Error::new(ErrorKind::Closed, "the client has been closed").of_key(key)
    }

    /// Refuses every further claim. True the first time.
    pub fn close(&self) -> bool {
        let first = !std::mem::replace(&mut self.state().closed, true);
        self.0.freed.notify_waiters();
        first
    }

    /// Whether it is the same set: that of the same client.
    pub fn same_client(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn state(&self) -> MutexGuard<'_, ClaimsState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The set that it is of.
    pub fn claims(&self) -> &Claims {
        &self.trace.0.claims
    }

    /// For what the store has of it.
    #[cfg(feature = "net")]
    pub(super) fn trace(&self) -> Trace {
        self.trace.clone()
    }
}

#[cfg(feature = "net")]
impl Trace {
    /// Of which lock it is, as it was asked for.
    pub(super) fn key(&self) -> &str {
        &self.0.key
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let TakenKey { claims, key } = &*self.trace.0;
        if let Some(held) = claims.state().keys.get_mut(key) {
            *held = false;
        }
    }
}

impl Drop for TakenKey {
    fn drop(&mut self) {
        self.claims.state().keys.remove(&self.key);
        self.claims.0.freed.notify_waiters();
    }
}
