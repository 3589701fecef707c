//! When a server is told that we live, and how long it may be silent before another one is tried.

use std::sync::Arc;
use std::time::Duration;

use super::SessionState;
use crate::clock::Instant;
use crate::locker::fault::Fault;

/// The signs of life of one connection, ours and the server's.
pub(super) struct Heartbeat {
    state: Arc<SessionState>,
    /// Whether the server has answered for the session.
    pub(super) is_open: bool,
    begun: Instant,
    /// When something came last.
    pub(super) heard: Instant,
    /// When something left last.
    sent: Instant,
}

impl Heartbeat {
    pub(super) fn new(state: &Arc<SessionState>) -> Self {
        let now = Instant::now();
        Self {
            state: state.clone(),
            is_open: false,
            begun: now,
            heard: now,
            sent: now,
        }
    }

    /// Something leaves at this moment: no ping is needed for a while.
    pub(super) fn sends(&mut self) -> Instant {
        self.sent = Instant::now();
        self.sent
    }

    fn timeout(&self) -> Duration {
        self.state.known().timeout
    }

    /// How often the server hears of us at least: a lock's deadline counts on it.
    fn pace(&self) -> Duration {
        (self.timeout() / 12).max(Duration::from_millis(5))
    }

    /// How long an answer is waited for. A server that has lost the others answers pings for as long as
    /// it does not know that, and nothing else, where another one would do. It is left in time for a
    /// renewal, which begins at a third of a lock's TTL, to be done by another before the grace begins.
    fn patience(&self) -> Duration {
        match self.state.ensemble.count() {
            1 => self.timeout(),
            _ => self.timeout() / 6,
        }
    }

    /// When it has to be looked again, where the oldest call without an answer left at `oldest`.
    pub(super) fn next_look(&self, oldest: Option<Instant>) -> Instant {
        if !self.is_open {
            return Instant::now() + self.pace();
        }
        let next = if self.state.is_kept() {
            self.sent + self.pace()
        } else {
            Instant::now() + self.pace()
        };
        oldest.map_or(next, |oldest| next.min(oldest + self.patience()))
    }

    /// Whether the server answers as soon as it should.
    pub(super) fn is_well(&self, oldest: Option<Instant>) -> Result<(), Fault> {
        let now = Instant::now();
        if !self.is_open {
            let within = self.state.ensemble.dial_timeout;
            return match now.since(self.begun) > within {
                true => Err(Fault::silent(within)),
                false => Ok(()),
            };
        }
        let (silence, patience) = (self.timeout() / 3, self.patience());
        if oldest.is_some_and(|oldest| now.since(oldest) >= patience) {
            return Err(Fault::silent(patience));
        }
        if self.state.is_kept() && now.since(self.heard) > silence {
            return Err(Fault::silent(silence));
        }
        Ok(())
    }

    /// Whether a ping has to leave.
    pub(super) fn is_due(&self) -> bool {
        let is_quiet = Instant::now().since(self.sent) >= self.pace();
        self.is_open && self.state.is_kept() && is_quiet
    }
}
