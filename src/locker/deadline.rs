//! The arithmetic of the deadline, free of I/O.
//!
//! ```text
//! sent      CLOCK_BOOTTIME just before the grant or renewal left, never when its answer came
//! expiry    sent + the TTL that the server granted, less what its bookkeeping may take
//! deadline  expiry - margin
//! ```

use std::time::Duration;

use crate::clock::Instant;

/// What is taken off the end of a TTL: a tenth of a second for scheduling, and a twentieth of the
/// TTL for clocks that do not run at the same rate.
pub fn margin(ttl: Duration) -> Duration {
    SCHEDULING + ttl / 20
}

const SCHEDULING: Duration = Duration::from_millis(100);

/// How often a lock is renewed: at every third of its TTL.
pub fn renewed_every(ttl: Duration) -> Duration {
    ttl / 3
}

/// From the sending of the last answered renewal until what the lock covers is killed.
pub fn killed_after(ttl: Duration) -> Duration {
    ttl.saturating_sub(margin(ttl))
}

/// From that sending until what the lock covers has to be asked to end, where that may take `grace`.
pub fn stopped_after(ttl: Duration, grace: Duration) -> Duration {
    killed_after(ttl).saturating_sub(grace)
}

/// What a grace must be less than. Renewals leave at a third of the TTL, and one that gets lost must
/// not end what the lock covers before half of it is over.
pub fn room_for_grace(ttl: Duration, renewed: bool) -> Duration {
    let undisturbed = if renewed { ttl / 2 } else { Duration::ZERO };
    killed_after(ttl).saturating_sub(undisturbed)
}

/// The least TTL, in whole seconds, that has [room](room_for_grace) for the grace.
pub fn least_ttl(grace: Duration, renewed: bool) -> Duration {
    // In hundredths of the TTL: less 5 of the margin, and 50 that a lost renewal must not touch.
    let hundredths: u128 = if renewed { 45 } else { 95 };
    let needed = (grace + SCHEDULING).as_nanos() * 100 / hundredths;
    let seconds = needed / Duration::from_secs(1).as_nanos() + 1;
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
}

/// Until when a lease lasts for certain, by its acknowledged grant and renewals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    sent: Instant,
    ttl: Duration,
    /// The part of the TTL by which renewals and deadline are counted.
    validity: Duration,
}

impl Deadline {
    /// The grant that left at `sent` was answered with this TTL.
    pub fn granted(sent: Instant, ttl: Duration) -> Self {
        Self {
            sent,
            ttl,
            validity: ttl,
        }
    }

    /// The same in a store whose own bookkeeping may take this much of the TTL: the lease may end that
    /// much earlier than a TTL after the last acknowledged request was sent. What is left counts in whole
    /// milliseconds.
    #[must_use]
    pub fn less(self, bookkeeping: Duration) -> Self {
        // A nineteenth more, so that the margin is a twentieth of the whole TTL, over which the clocks
        // may differ: `killed_after` takes a twentieth of what is left here.
        let taken = bookkeeping.saturating_add(bookkeeping / 19);
        let left = self.validity.saturating_sub(taken);
        let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Self {
            validity: Duration::from_millis(milliseconds),
            ..self
        }
    }

    /// A renewal that left at `sent` was answered. An answer to an older one than the newest
    /// answered says nothing new.
    pub fn renewed(&mut self, sent: Instant) {
        self.sent = self.sent.max(sent);
    }

    /// When the request left that it counts from.
    pub fn sent(&self) -> Instant {
        self.sent
    }

    /// When the next renewal should leave: when a third of it is over.
    pub fn renew_at(&self) -> Instant {
        self.sent + renewed_every(self.validity)
    }

    /// The deadline: the instant from which on another could hold the lock, less the margin.
    pub fn instant(&self) -> Instant {
        self.sent + killed_after(self.validity)
    }

    /// How long the store keeps the lease, as it said.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long it keeps the lease for certain, from the sending on. This is the TTL of a held lock.
    pub fn validity(&self) -> Duration {
        self.validity
    }
}

/// Whether two thirds of the TTL are left: what is started with less might have to be stopped before
/// a renewal is answered.
pub(super) fn is_fresh(deadline: Instant, ttl: Duration) -> bool {
    deadline.left() + margin(ttl) >= ttl * 2 / 3
}

/// How long what a lock covers may take to end: as long as was `said`, or a fifth of the TTL.
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
        /// [`least_ttl`] is the inverse of [`room_for_grace`].
        #[test]
        fn the_least_ttl_has_room_and_a_second_less_has_not(
            milliseconds in 0..10_000_000u64,
            renewed in proptest::bool::ANY,
        ) {
            let grace = Duration::from_millis(milliseconds);
            let least = least_ttl(grace, renewed);
            prop_assert!(grace < room_for_grace(least, renewed));
            let less = least - Duration::from_secs(1);
            prop_assert!(grace >= room_for_grace(less, renewed));
        }

        /// Pings leave at any time, and are answered in any order, twice or never.
        #[test]
        fn no_order_of_answers_goes_past_what_the_newest_answered_ping_allows(
            ttl in 1..60u64,
            answers in vec(0..100_000u64, 0..40),
        ) {
            let sent = |milliseconds: u64| at(1_000) + Duration::from_millis(milliseconds);
            let ttl = Duration::from_secs(ttl);
            let mut deadline = Deadline::granted(sent(0), ttl);
            let mut newest = 0;
            for left in answers {
                deadline.renewed(sent(left));
                newest = newest.max(left);
                let expiry = sent(newest) + ttl;
                prop_assert_eq!(deadline.instant(), expiry - margin(ttl));
                prop_assert!(deadline.instant() < expiry);
                prop_assert!(deadline.renew_at() < deadline.instant());
            }
        }

        /// Whatever share of a TTL the store takes, the deadline is so much and the margin of all of it
        /// before the end; and what is held by what is left has room as with any TTL.
        #[test]
        fn what_the_store_may_take_comes_off_beside_the_margin(
            ttl in 3_000..60_000u64,
            taken in 0..50u64,
        ) {
            let ttl = Duration::from_millis(ttl);
            let taken = ttl * taken as u32 / 100;
            let mut deadline = Deadline::granted(at(100), ttl).less(taken);
            deadline.renewed(at(200));
            let end = at(200) + ttl - taken - margin(ttl);
            prop_assert!(deadline.instant() <= end + Duration::from_nanos(2));
            prop_assert!(deadline.instant() + Duration::from_millis(1) >= end);
            prop_assert_eq!(deadline.ttl(), ttl);
            let held = deadline.validity();
            prop_assert!(grace(held, None) < room_for_grace(held, true));
            prop_assert!(deadline.renew_at() < deadline.instant() - grace(held, None));
        }
    }

    #[test]
    fn the_default_grace_fits_every_ttl() {
        for ttl in (1..600).map(Duration::from_secs) {
            assert!(grace(ttl, None) < room_for_grace(ttl, true), "{ttl:?}");
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
        deadline.renewed(at(103));
        let newest = deadline;
        deadline.renewed(at(102));
        deadline.renewed(at(103));
        assert_eq!(deadline, newest);
    }
}
