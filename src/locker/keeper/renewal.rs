//! When a lease is renewed. Where an answer takes long, further attempts begin beside it, for as long
//! as there is time left; the newest sending that is confirmed counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Attempt, LeaseCalls};
use crate::clock::{self, Instant};
use crate::locker::deadline::Deadline;
use crate::locker::fault::Fault;

/// A tenth of the TTL, and so much at least, lies between two attempts. That is enough for a store that
/// takes six tenths of it for each answer; more attempts of many clients would make it slower.
const PACE: u32 = 10;
const LEAST_PACE: Duration = Duration::from_millis(100);

/// So much at most lies between the first attempt, which is mostly answered at once, and the second.
const FIRST_PACE: Duration = Duration::from_millis(300);

/// How many attempts are under way at most.
const MOST: usize = 8;

/// After a quarter of the TTL without an answer there is an event of that.
const SILENT: u32 = 4;

/// The renewals of one lease.
pub(super) struct Renewals {
    calls: Arc<dyn LeaseCalls>,
    /// Attempts that are under way, each with the instant at which it began.
    attempts: JoinSet<(Instant, Result<Instant, Fault>)>,
    /// When the last one began, and how many signs of life there were by then.
    asked: Option<Instant>,
    signs: usize,
    /// Whether the last one began when it was due, with no other under way.
    in_time: bool,
    /// When the first one began since a sending was last confirmed, and whether there was an event of
    /// the silence since.
    since: Option<Instant>,
    told: bool,
}

impl Renewals {
    pub(super) fn new(calls: Arc<dyn LeaseCalls>) -> Self {
        Self {
            calls,
            attempts: JoinSet::new(),
            asked: None,
            signs: 0,
            in_time: false,
            since: None,
            told: false,
        }
    }

    /// Renews, from `due` on. Gives the next sending that is confirmed and newer than the one which
    /// `deadline` counts from. Cancel-safe.
    ///
    /// # Errors
    /// When the lease is gone. Any other fault is only to be told: the next call goes on.
    pub(super) async fn next(
        &mut self,
        deadline: &Deadline,
        due: Instant,
    ) -> Result<Instant, Fault> {
        let ttl = deadline.validity();
        loop {
            // Counted from the last confirmed one: slow answers that keep coming are no silence.
            let silent = |since| Instant::now() >= since + ttl / SILENT;
            if self.since.is_some_and(silent) && !self.told {
                self.told = true;
                return Err(self.calls.silent(ttl / SILENT));
            }
            let next = self.next_at(deadline, due);
            tokio::select! {
                biased;
                Some(ended) = self.attempts.join_next() => {
                    // Otherwise it was cancelled: the runtime ends.
                    if let Ok((begun, result)) = ended
                        && let Some(news) = self.news(begun, result, deadline)
                    {
                        return news;
                    }
                }
                () = clock::sleep_until(next) => {
                    if self.next_at(deadline, due) > Instant::now() {
                        continue;
                    }
                    let late = !self.attempts.is_empty() || Instant::now() >= due + LEAST_PACE;
                    self.ask(late, ttl);
                }
            }
        }
    }

    /// What follows from an attempt that has ended; `None` if nothing.
    fn news(
        &mut self,
        begun: Instant,
        result: Result<Instant, Fault>,
        deadline: &Deadline,
    ) -> Option<Result<Instant, Fault>> {
        match result {
            Ok(sent) if sent > deadline.sent() => {
                self.told = false;
                self.since = None;
                Some(Ok(sent))
            }
            Ok(_) => None,
            Err(Fault::LeaseNotFound) => Some(Err(Fault::LeaseNotFound)),
            // A later one was confirmed, or others may yet be.
            Err(_) if begun < deadline.sent() || !self.attempts.is_empty() => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    /// When to ask next. A store that shows signs of life, but has not answered, has much to do, and is
    /// asked again only at half of the TTL; a silent one may not have got the request.
    fn next_at(&self, deadline: &Deadline, due: Instant) -> Instant {
        let Some(asked) = self.asked else {
            return due;
        };
        let pace = (deadline.validity() / PACE).max(LEAST_PACE);
        if self.since.is_some() && self.lives() {
            let half = deadline.sent() + deadline.validity() / 2;
            return due.max(asked + pace).max(half);
        }
        let pause = if self.in_time {
            pace.min(FIRST_PACE)
        } else {
            pace
        };
        due.max(asked + pause)
    }

    /// Whether there was a sign of life since the last one began.
    fn lives(&self) -> bool {
        self.calls.signs_of_life() != self.signs
    }

    /// Begins another attempt.
    fn ask(&mut self, late: bool, ttl: Duration) {
        let begun = Instant::now();
        let attempt = Attempt {
            late,
            silent: !self.lives(),
            within: ttl,
        };
        self.signs = self.calls.signs_of_life();
        self.asked = Some(begun);
        self.since.get_or_insert(begun);
        self.in_time = !late;
        if self.attempts.len() >= MOST {
            return;
        }
        let calls = self.calls.clone();
        self.attempts.spawn(async move {
            let renewed = timeout(ttl, calls.renew(attempt)).await;
            (begun, renewed.unwrap_or_else(|_| Err(Fault::silent(ttl))))
        });
    }
}
