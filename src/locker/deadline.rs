//! The arithmetic of the deadline, free of I/O.
//!
//! ```text
//! sent      CLOCK_BOOTTIME just before the grant or renewal left, never when its answer came
//! expiry    sent + the TTL that the server granted
//! deadline  expiry - margin
//! ```

use std::time::Duration;

use crate::clock::Instant;

/// What is taken off the end of a TTL: a tenth of a second for scheduling, and a twentieth of the
/// TTL for clocks that do not run at the same rate.
pub fn margin(ttl: Duration) -> Duration {
    Duration::from_millis(100) + ttl / 20
}

/// What the acknowledged renewals of one lease amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    sent: Instant,
    ttl: Duration,
}

impl Deadline {
    /// The grant that left at `sent` was answered with this TTL.
    pub(super) fn granted(sent: Instant, ttl: Duration) -> Self {
        Self { sent, ttl }
    }

    /// A renewal that left at `sent` was answered. An answer to an older one than the newest
    /// answered says nothing new.
    pub(super) fn renewed(&mut self, sent: Instant, ttl: Duration) {
        if sent > self.sent {
            *self = Self { sent, ttl };
        }
    }

    /// When the request left that it counts from.
    pub(super) fn sent(&self) -> Instant {
        self.sent
    }

    /// When the next renewal should leave: at a third of the TTL.
    pub(super) fn renew_at(&self) -> Instant {
        self.sent + self.ttl / 3
    }

    /// From here on another could hold the lock, but for the margin.
    pub(super) fn instant(&self) -> Instant {
        self.sent + self.ttl.saturating_sub(margin(self.ttl))
    }

    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }
}

/// Whether two thirds of the TTL are left: what is started with less might have to be stopped before
/// a renewal is answered.
pub(super) fn is_fresh(deadline: Instant, ttl: Duration) -> bool {
    deadline.left() + margin(ttl) >= ttl * 2 / 3
}

/// How long what a lock covers may take to end, if so much was `said`.
pub fn grace(ttl: Duration, said: Option<Duration>) -> Duration {
    said.unwrap_or(ttl / 5)
}

/// How much must be left up to the deadline for something to be started: the grace at its end, and
/// the time that a renewal takes, if there are any. Where the store is always slow there will never
/// be much more.
pub fn start_needs(ttl: Duration, said: Option<Duration>, renewed: bool) -> Duration {
    let renewal = if renewed { ttl / 10 } else { Duration::ZERO };
    grace(ttl, said) + renewal
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn counts_from_the_sending_and_stays_a_margin_short() {
        let ttl = Duration::from_secs(10);
        let deadline = Deadline::granted(at(100), ttl);
        assert_eq!(deadline.instant(), at(110) - Duration::from_millis(600));
        assert!(deadline.renew_at() < deadline.instant());
    }

    proptest! {
        /// Pings leave at any time, and are answered in any order, twice or never.
        #[test]
        fn no_order_of_answers_goes_past_what_the_newest_answered_ping_allows(
            first in 1..60u64,
            answers in vec((0..100_000u64, 1..60u64), 0..40),
        ) {
            let sent = |milliseconds: u64| at(1_000) + Duration::from_millis(milliseconds);
            let mut deadline = Deadline::granted(sent(0), Duration::from_secs(first));
            let mut newest = (0, first);
            for (left, ttl) in answers {
                deadline.renewed(sent(left), Duration::from_secs(ttl));
                if left > newest.0 {
                    newest = (left, ttl);
                }
                let ttl = Duration::from_secs(newest.1);
                let expiry = sent(newest.0) + ttl;
                prop_assert_eq!(deadline.instant(), expiry - margin(ttl));
                prop_assert!(deadline.instant() < expiry);
                prop_assert!(deadline.renew_at() < deadline.instant());
            }
        }
    }

    #[test]
    fn a_fresh_lock_has_what_a_start_needs() {
        for ttl in (1..600).map(Duration::from_secs) {
            let fresh = (ttl * 2 / 3).saturating_sub(margin(ttl));
            assert!(start_needs(ttl, None, true) < fresh, "{ttl:?}");
        }
    }

    #[test]
    fn an_answer_to_an_older_ping_moves_nothing() {
        let ttl = Duration::from_secs(10);
        let mut deadline = Deadline::granted(at(100), ttl);
        deadline.renewed(at(103), ttl);
        let newest = deadline;
        deadline.renewed(at(102), ttl * 9);
        deadline.renewed(at(103), ttl * 9);
        assert_eq!(deadline, newest);
    }
}
