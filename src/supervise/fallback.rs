//! Main in the place of a watchdog that does not act: one that was killed, or that is stopped where
//! no signal reaches it (by a tracer, ptrace(2), or in a frozen cgroup).
//!
//! Main follows the same course, a moment later, by what it hears from the watchdog. It does all
//! that is due and that the watchdog has not done, alone: nothing here waits for the watchdog.

use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::backoff::Backoff;
use super::children;
use super::descendants::{Descendants, Spared};
use super::leader::Leader;
use super::lifecycle::{Lifecycle, Phase};
use super::message::WatchdogNotice;
use super::unrelated::UnrelatedChild;
use super::{EndReason, LeftoverPolicy, TimeLimits, WATCHDOG_DELAY};
use crate::clock::Instant;

/// How long the watchdog has to tell everything SIGTERM is a quarter of the grace, up to this: to
/// be told twice is no help to a command.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// How long a signal that is to be passed on may take to be.
const LONGEST_PASSING: Duration = Duration::from_secs(1);

/// After so long SIGKILL should have ended all that it can end.
const LATE: Duration = Duration::from_secs(1);

/// What main knows of the course, and of what it would have to kill.
pub(super) struct Fallback {
    lifecycle: Lifecycle,
    watchdog: Pid,
    leftovers: LeftoverPolicy,
    /// The command's process, until it is known to be reaped.
    leader: Option<Leader>,
    grace: Duration,
    /// The watchdog was ordered to tell everything SIGTERM, and has so long to say that it did.
    owed: Option<Instant>,
    /// The watchdog was ordered to pass a signal on, and has so long to say that it did.
    passing: Option<Instant>,
    /// Main has told everything by itself.
    told: bool,
    backoff: Backoff,
    next_round: Instant,
    /// When main began to kill by itself.
    killing_since: Option<Instant>,
    /// The last round found nothing alive.
    quiet: bool,
    /// What main has begun to do by itself, to be reported.
    said: Option<WatchdogNotice>,
    /// Made when it is needed first, and then it has the bystanders.
    descendants: Option<Descendants>,
    unrelated: Vec<UnrelatedChild>,
}

impl Fallback {
    pub(super) fn new(
        watchdog: Pid,
        leftovers: LeftoverPolicy,
        unrelated: Vec<UnrelatedChild>,
    ) -> Self {
        Self {
            lifecycle: Lifecycle::new(),
            watchdog,
            leftovers,
            leader: None,
            grace: Duration::ZERO,
            owed: None,
            passing: None,
            told: false,
            backoff: Backoff::for_kill(),
            next_round: Instant::now(),
            killing_since: None,
            quiet: false,
            said: None,
            descendants: None,
            unrelated,
        }
    }

    /// The watchdog was ordered to start a command.
    pub(super) fn start(&mut self, limits: TimeLimits) {
        self.grace = limits.grace;
        self.lifecycle.may_start(limits, Instant::now());
    }

    /// With each renewal it is also seen whether the watchdog has missed the command's end.
    pub(super) fn move_deadline(&mut self, deadline: Instant) {
        self.lifecycle.move_deadline(deadline);
        if self.leader.as_ref().and_then(Leader::runs) == Some(false) {
            self.pass_on();
        }
    }

    /// The watchdog was ordered to stop the command.
    pub(super) fn stop(&mut self) {
        let now = Instant::now();
        if self.lifecycle.end(EndReason::Requested, now) {
            self.owed = Some(now + self.patience());
        }
    }

    /// The watchdog was ordered to pass a signal on, or owes us word of the command's end: somebody
    /// may wait for that.
    pub(super) fn pass_on(&mut self) {
        self.passing
            .get_or_insert_with(|| Instant::now() + LONGEST_PASSING);
    }

    /// The watchdog is not counted on any more: it was killed, and what was below it is ours by now
    /// or dies along with it (prctl(2)); or it did not even say whether it started the command. Gives
    /// what is to be reported, if it has not been.
    pub(super) fn take_over(&mut self, reason: EndReason) -> Option<WatchdogNotice> {
        if self.is_killing() {
            return None;
        }
        if self.lifecycle.phase() == Phase::Waiting {
            // It may have.
            self.lifecycle.started(Instant::now());
        }
        self.lifecycle.kill(reason);
        self.begin_killing();
        Some(WatchdogNotice::Terminating(reason))
    }

    /// The watchdog takes no orders. An end that has begun goes on without it, and for its own reason.
    pub(super) fn give_up_on_it(&mut self) {
        if self.lifecycle.phase() == Phase::Running {
            self.lifecycle
                .end(EndReason::WatchdogFrozen, Instant::now());
            self.tell_to_end();
            self.said = Some(WatchdogNotice::Terminating(EndReason::WatchdogFrozen));
        }
    }

    /// Whether main kills by itself.
    pub(super) fn is_killing(&self) -> bool {
        matches!(self.lifecycle.phase(), Phase::Killing(_))
    }

    /// When what still lives is late, once main kills by itself.
    pub(super) fn late(&self) -> Option<Instant> {
        self.killing_since.map(|since| since + LATE)
    }

    /// What of the command lives, as far as that can be known.
    pub(super) fn survivors(&mut self) -> Vec<Pid> {
        let watchdog = self.watchdog;
        let mut found = self.descendants().living(watchdog);
        if self.leftovers == LeftoverPolicy::Leave {
            found.retain(|&pid| Some(pid) == self.group());
        }
        found
    }

    /// This one below us is none of the command's.
    pub(super) fn exclude(&mut self, pid: Pid) {
        self.descendants().exclude(pid);
    }

    /// What the watchdog says that it has done need not be done. Gives what is true then: what we have
    /// begun by ourselves is a reason too.
    pub(super) fn note(&mut self, notice: WatchdogNotice) -> WatchdogNotice {
        let now = Instant::now();
        match notice {
            WatchdogNotice::Started(pid) => {
                self.leader = Pid::from_raw(pid).map(|pid| Leader::new(pid, self.watchdog));
                if self.lifecycle.phase() == Phase::Waiting {
                    self.lifecycle.started(now);
                }
            }
            WatchdogNotice::Terminating(reason) => {
                self.owed = None;
                self.lifecycle.end(reason, now);
            }
            WatchdogNotice::Ended(_) => {
                (self.owed, self.passing) = (None, None);
                self.leader = None;
                self.lifecycle.ended(now);
            }
            WatchdogNotice::Gone(reason) => {
                self.lifecycle.end(reason, now);
                self.lifecycle.gone();
                if let Phase::Gone(reason) = self.lifecycle.phase() {
                    return WatchdogNotice::Gone(reason);
                }
            }
            WatchdogNotice::PassedOn => self.passing = None,
            WatchdogNotice::TooLate
            | WatchdogNotice::NotExecuted(_)
            | WatchdogNotice::Stopped(_)
            | WatchdogNotice::Leftover(_) => {}
        }
        notice
    }

    /// When something is due that the watchdog should have done by then.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.said.is_some() {
            return Some(Instant::now());
        }
        let next = self.lifecycle.next().map(|at| at + self.patience());
        let round = self.does_rounds().then_some(self.next_round);
        let all = [next, self.deadline(), self.owed, self.passing, round];
        all.into_iter().flatten().min()
    }

    /// Does what is due, and reports as the watchdog would have.
    pub(super) fn act(&mut self) -> Option<WatchdogNotice> {
        if let Some(said) = self.said.take() {
            return Some(said);
        }
        let now = Instant::now();
        if self.owed.take_if(|at| *at <= now).is_some() {
            self.tell_to_end();
        }
        if self.passing.take_if(|at| *at <= now).is_some() {
            self.give_up_on_it();
        }
        let killed = self.is_killing();
        let mut begins = self.lifecycle.tick(now - self.patience());
        if self.deadline().is_some_and(|at| at <= now) {
            begins = self.lifecycle.tick(now - WATCHDOG_DELAY).or(begins);
        }
        if self.is_killing() && !killed {
            self.begin_killing();
        }
        if let Some(reason) = begins {
            self.tell_to_end();
            return Some(WatchdogNotice::Terminating(reason));
        }
        if !self.does_rounds() || self.next_round > now {
            return None;
        }
        if self.is_over() {
            let (Phase::Terminating(reason, _) | Phase::Killing(reason)) = self.lifecycle.phase()
            else {
                return None;
            };
            self.lifecycle.gone();
            return Some(WatchdogNotice::Gone(reason));
        }
        self.next_round = Instant::now() + self.backoff.pause();
        None
    }

    /// Whether main by itself tells or kills what it finds, round after round.
    fn does_rounds(&self) -> bool {
        self.is_killing() || self.told && matches!(self.lifecycle.phase(), Phase::Terminating(..))
    }

    fn begin_killing(&mut self) {
        self.killing_since = Some(Instant::now());
        self.begin(Backoff::for_kill());
    }

    fn begin(&mut self, backoff: Backoff) {
        self.backoff = backoff;
        self.next_round = Instant::now();
    }

    /// One round. True if nothing of the command lives.
    fn is_over(&mut self) -> bool {
        if self.is_killing() {
            self.kill();
        } else {
            self.tell_the_rest();
        }
        if self.leftovers == LeftoverPolicy::Leave {
            return self.leader.as_ref().is_none_or(Leader::has_ended);
        }
        if children::reap_all() {
            return true;
        }
        // A watchdog that cannot die is none of the command's, nor is a bystander, and they keep us
        // from a last child to reap. Among those that fork, one look can miss what two do not.
        let watchdog = self.watchdog;
        let quiet = !self.descendants().lives(watchdog);
        std::mem::replace(&mut self.quiet, quiet) && quiet
    }

    /// When nothing may live any more, with the watchdog's word for it.
    fn deadline(&self) -> Option<Instant> {
        match self.lifecycle.phase() {
            Phase::Running | Phase::Terminating(..) => {
                self.lifecycle.deadline().map(|at| at + WATCHDOG_DELAY)
            }
            _ => None,
        }
    }

    /// How long the watchdog has for what is due now.
    fn patience(&self) -> Duration {
        match self.lifecycle.phase() {
            Phase::Running => (self.grace / 4).clamp(WATCHDOG_DELAY, LONGEST_WAIT),
            _ => WATCHDOG_DELAY,
        }
    }

    /// SIGTERM to everything, as the watchdog would have told it; no more than that if it is to be
    /// killed anyway.
    fn tell_to_end(&mut self) {
        let Phase::Terminating(..) = self.lifecycle.phase() else {
            return;
        };
        if let Some(leader) = &mut self.leader {
            leader.signal_group(&[Signal::TERM, Signal::CONT]);
        }
        self.told = true;
        self.begin(Backoff::for_term());
    }

    fn tell_the_rest(&mut self) {
        if self.leftovers == LeftoverPolicy::Stop {
            let (group, watchdog) = (self.group(), Some(self.watchdog));
            self.descendants().tell(Spared { group, watchdog });
        }
    }

    /// SIGKILL over every way there is: the group, what is below us, and the watchdog, at whose
    /// death what was below it is ours and the command dies (prctl(2)).
    fn kill(&mut self) {
        if let Some(leader) = &mut self.leader {
            leader.signal_group(&[Signal::KILL]);
        }
        if children::is_child(self.watchdog) {
            let _ = rustix::process::kill_process(self.watchdog, Signal::KILL);
        }
        if self.leftovers == LeftoverPolicy::Stop {
            let search = self.backoff.search();
            self.descendants().kill(search);
        }
    }

    fn group(&self) -> Option<Pid> {
        self.leader.as_ref().map(|leader| leader.pid)
    }

    fn descendants(&mut self) -> &mut Descendants {
        let unrelated = &mut self.unrelated;
        self.descendants
            .get_or_insert_with(|| Descendants::new(std::mem::take(unrelated)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_reason_counts_when_the_watchdog_has_another() {
        let nobody = Pid::from_raw(i32::MAX).unwrap();
        let mut fallback = Fallback::new(nobody, LeftoverPolicy::Leave, Vec::new());
        fallback.lifecycle.started(Instant::now());
        fallback
            .lifecycle
            .end(EndReason::MaxRuntime, Instant::now());
        let ended = fallback.note(WatchdogNotice::Gone(EndReason::Ended));
        assert_eq!(ended, WatchdogNotice::Gone(EndReason::MaxRuntime));
    }
}
