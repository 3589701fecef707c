//! What one client has in its store, or asks for. Each call is a claim of its own, and has a place of
//! its own in the store's queue. But what the client has let go of, and the store has not removed
//! yet, must not make a later call of the client find the lock held.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::request::Request;
use crate::error::{Error, ErrorKind, Result};

/// The claims of one client, of which several may be on one key. A clone is the same set.
#[derive(Clone, Debug, Default)]
pub struct Claims(Arc<ClaimSet>);

#[derive(Debug, Default)]
struct ClaimSet {
    state: Mutex<ClaimsState>,
    /// Notified when one holds the lock, or is gone.
    changed: Notify,
}

#[derive(Debug, Default)]
struct ClaimsState {
    /// By key, and then by number: in the order of the calls.
    keys: HashMap<String, BTreeMap<u64, ClaimStage>>,
    last: u64,
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClaimStage {
    /// A call that does not wait has asked, and has no answer yet.
    Tries,
    /// It waits for the lock, or holds it.
    Stands,
    /// Nobody wants it any more; what the store has of it is being taken away.
    Left,
}

/// What one call asks for and then holds, until this is dropped.
#[derive(Debug)]
pub struct Claim {
    trace: Trace,
}

/// Stands for what the store has, or may have, of a claim: when the last of these is dropped that is
/// gone.
#[derive(Clone)]
pub(super) struct Trace(Arc<Claimed>);

struct Claimed {
    claims: Claims,
    keys: Vec<String>,
    number: u64,
}

impl Claims {
    /// Claims the keys of a request. For a call that waits this ends at once: it queues up in the
    /// store, behind all earlier ones. For a call that does not, it waits until the store has removed
    /// what the client has let go of, which each release bounds; unless an earlier call of the client
    /// holds the lock or waits for it, since then the call cannot get it anyway.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`].
    pub async fn claim(&self, request: &Request) -> Result<Claim> {
        let claim = self.enter(request)?;
        if !request.waits() {
            claim.until_clear().await?;
        }
        Ok(claim)
    }

    fn enter(&self, request: &Request) -> Result<Claim> {
        let mut state = self.state();
        if state.closed {
            return Err(Self::closed(request.key()));
        }
        state.last += 1;
        let number = state.last;
        let stage = match request.waits() {
            true => ClaimStage::Stands,
            false => ClaimStage::Tries,
        };
        for key in request.keys() {
            let of_key = state.keys.entry(key.clone()).or_default();
            of_key.insert(number, stage);
        }
        let claimed = Claimed {
            claims: self.clone(),
            keys: request.keys().to_vec(),
            number,
        };
        let trace = Trace(Arc::new(claimed));
        Ok(Claim { trace })
    }

    /// The error of whoever asks for the lock of `key` after [`Claims::close`], or waits for it then.
    pub fn closed(key: &str) -> Error {
        Error::new(ErrorKind::Closed, "the client has been closed").of_key(key)
    }

    /// Refuses every further claim.
    pub fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_waiters();
    }

    /// Whether both are of one client.
    pub(super) fn same_client(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn state(&self) -> MutexGuard<'_, ClaimsState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The claims of its client.
    pub fn claims(&self) -> &Claims {
        &self.trace.0.claims
    }

    /// To be kept by what the store has of it.
    pub(super) fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// Notes that it holds the lock.
    pub(super) fn stand(&self) {
        self.trace.0.set(ClaimStage::Stands);
        self.claims().0.changed.notify_waiters();
    }

    /// Ends when nothing that its client has let go of is ahead of it, or something that it has not is.
    async fn until_clear(&self) -> Result<()> {
        let claims = self.claims();
        loop {
            let mut changed = pin!(claims.0.changed.notified());
            // A change from here on wakes it.
            changed.as_mut().enable();
            {
                let state = claims.state();
                if state.closed {
                    return Err(Claims::closed(self.trace.key()));
                }
                if state.is_clear(&self.trace.0) {
                    return Ok(());
                }
            }
            changed.await;
        }
    }
}

impl Trace {
    /// The key, as it was asked for; the first, if there are several.
    pub(super) fn key(&self) -> &str {
        self.0.keys.first().map_or("", String::as_str)
    }
}

impl ClaimsState {
    fn is_clear(&self, claimed: &Claimed) -> bool {
        let of_keys = claimed.keys.iter().filter_map(|key| self.keys.get(key));
        let before = of_keys.flat_map(|all| all.range(..claimed.number));
        let mut is_left = false;
        for (_, stage) in before {
            match stage {
                ClaimStage::Stands => return true,
                ClaimStage::Left => is_left = true,
                ClaimStage::Tries => {}
            }
        }
        !is_left
    }
}

impl Claimed {
    fn set(&self, stage: ClaimStage) {
        let mut state = self.claims.state();
        for key in &self.keys {
            if let Some(of_key) = state.keys.get_mut(key) {
                of_key.insert(self.number, stage);
            }
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.keys).finish()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.trace.0.set(ClaimStage::Left);
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut state = self.claims.state();
        for key in &self.keys {
            if let Some(of_key) = state.keys.get_mut(key) {
                of_key.remove(&self.number);
                if of_key.is_empty() {
                    state.keys.remove(key);
                }
            }
        }
        drop(state);
        self.claims.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Claiming<'a> = Pin<Box<dyn Future<Output = Result<Claim>> + 'a>>;

    fn waits() -> Request {
        Request::new("/k")
    }

    fn tries() -> Request {
        Request::new("/k").without_waiting()
    }

    fn claiming<'a>(claims: &'a Claims, request: &'a Request) -> Claiming<'a> {
        Box::pin(claims.claim(request))
    }

    /// What it has come to by now.
    fn polled(claiming: &mut Claiming<'_>) -> Option<Result<Claim>> {
        let mut context = Context::from_waker(Waker::noop());
        match claiming.as_mut().poll(&mut context) {
            Poll::Ready(claimed) => Some(claimed),
            Poll::Pending => None,
        }
    }

    /// At once.
    fn claimed(claims: &Claims, request: &Request) -> Claim {
        let now = polled(&mut claiming(claims, request));
        now.expect("no wait").expect("an open client")
    }

    /// What the store has of a claim that nobody wants any more.
    fn left(claims: &Claims) -> Trace {
        claimed(claims, &waits()).trace()
    }

    #[test]
    fn who_does_not_wait_awaits_what_its_client_has_let_go_of_before() {
        let claims = Claims::default();
        let (first, second) = (left(&claims), left(&claims));
        let tries = tries();
        let mut trying = claiming(&claims, &tries);
        assert!(polled(&mut trying).is_none());
        // What comes later is behind it, and who waits queues up in the store.
        let behind = claimed(&claims, &waits());
        let later = behind.trace();
        drop((behind, first));
        assert!(polled(&mut trying).is_none());
        drop(second);
        assert!(polled(&mut trying).is_some());
        // Of another key, or another client, nothing is in the way.
        claimed(&claims, &Request::new("/l").without_waiting());
        claimed(&Claims::default(), &tries);
        drop((trying, later));
        assert!(claims.state().keys.is_empty(), "something is kept");
    }

    #[test]
    fn who_does_not_wait_goes_on_while_another_waits_or_holds() {
        let claims = Claims::default();
        let waiting = claimed(&claims, &waits());
        let ghost = left(&claims);
        let again = claimed(&claims, &tries());
        drop((waiting, again));
        // One that has no answer yet is in nobody's way; it is when it came to hold.
        let (one, other) = (tries(), tries());
        let mut trying = claiming(&claims, &one);
        let mut behind = claiming(&claims, &other);
        assert!(polled(&mut trying).is_none() && polled(&mut behind).is_none());
        drop(ghost);
        let held = polled(&mut trying).expect("no wait").expect("a claim");
        let _ghost = left(&claims);
        assert!(polled(&mut behind).is_some());
        let mut behind = claiming(&claims, &other);
        assert!(polled(&mut behind).is_none());
        held.stand();
        assert!(polled(&mut behind).is_some());
    }

    #[test]
    fn a_close_ends_it() {
        let claims = Claims::default();
        let _ghost = left(&claims);
        let tries = tries();
        let mut trying = claiming(&claims, &tries);
        assert!(polled(&mut trying).is_none());
        claims.close();
        let refused = polled(&mut trying).expect("an end").err();
        assert_eq!(refused.map(|error| error.kind()), Some(ErrorKind::Closed));
        assert!(polled(&mut claiming(&claims, &waits())).is_some_and(|claimed| claimed.is_err()));
    }
}
