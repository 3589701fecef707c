//! What main does itself when the watchdog does not act: because it was killed, or because it is
//! stopped where no signal reaches it (by a tracer, ptrace(2), or in a frozen cgroup).
//!
//! Main keeps the same lifecycle, from the watchdog's notices. When something is due and the watchdog
//! has not said in time that it has done it, main does it, without waiting for the watchdog.

use std::time::Duration;

use rustix::process::Pid;

use super::backoff::Backoff;
use super::lifecycle::{Lifecycle, Phase};
use super::message::WatchdogNotice;
use super::targets::Targets;
use super::unrelated::UnrelatedChild;
use super::{EndReason, LeftoverPolicy, TimeLimits, WATCHDOG_DELAY};
use crate::clock::Instant;

/// The watchdog has a quarter of the grace to send SIGTERM, and no more than this, before main sends
/// it: not less, since a second SIGTERM makes some commands end at once without cleaning up.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// How long the watchdog may take to pass a signal on.
const LONGEST_PASSING: Duration = Duration::from_secs(1);

/// What still lives so long after SIGKILL counts as impossible to kill.
const LATE: Duration = Duration::from_secs(1);

/// What main knows of the lifecycle, and of what the watchdog should have done.
pub(super) struct Fallback {
    lifecycle: Lifecycle,
    targets: Targets,
    grace: Duration,
    /// The watchdog was ordered to send SIGTERM, and has until then to say that it did.
    sigterm_due: Option<Instant>,
    /// The watchdog was ordered to pass a signal on, and has until then to say that it did.
    passing_on_due: Option<Instant>,
    /// Main has sent SIGTERM itself.
    terminated: bool,
    backoff: Backoff,
    next_round: Instant,
    /// When main began to send SIGKILL itself.
    killing_since: Option<Instant>,
    /// A notice of what main has begun itself, not given yet.
    notice: Option<WatchdogNotice>,
}

impl Fallback {
    pub(super) fn new(
        watchdog: Pid,
        leftovers: LeftoverPolicy,
        unrelated: Vec<UnrelatedChild>,
    ) -> Self {
        Self {
            lifecycle: Lifecycle::new(),
            targets: Targets::new(watchdog, leftovers, unrelated),
            grace: Duration::ZERO,
            sigterm_due: None,
            passing_on_due: None,
            terminated: false,
            backoff: Backoff::for_kill(),
            next_round: Instant::now(),
            killing_since: None,
            notice: None,
        }
    }

    /// The watchdog was ordered to start a command.
    pub(super) fn start(&mut self, limits: TimeLimits) {
        self.grace = limits.grace;
        self.lifecycle.may_start(limits, Instant::now());
    }

    /// A renewal has moved the deadline. At this occasion main looks whether the command has ended
    /// without a notice of it.
    pub(super) fn move_deadline(&mut self, deadline: Instant) {
        self.lifecycle.move_deadline(deadline);
        if self.targets.leader_runs() == Some(false) {
            self.pass_on();
        }
    }

    /// The watchdog was ordered to stop the command.
    pub(super) fn stop(&mut self) {
        let now = Instant::now();
        if self.lifecycle.end(EndReason::Requested, now) {
            self.sigterm_due = Some(now + self.allowed_delay());
        }
    }

    /// The watchdog was ordered to pass a signal on, or has yet to say that the command has ended.
    /// Whoever sent the signal may wait for what comes of it.
    pub(super) fn pass_on(&mut self) {
        self.passing_on_due
            .get_or_insert_with(|| Instant::now() + LONGEST_PASSING);
    }

    /// Begins to kill everything, without the watchdog: that was killed, and its children are main's
    /// by now or die with it (prctl(2)); or it has not said whether it started the command. Gives the
    /// notice of this, the first time.
    pub(super) fn take_over(&mut self, reason: EndReason) -> Option<WatchdogNotice> {
        if self.is_killing() {
            return None;
        }
        if self.lifecycle.phase() == Phase::NotStarted {
            // The watchdog may have started the command without having said so.
            self.lifecycle.started(Instant::now());
        }
        self.lifecycle.kill(reason);
        self.begin_killing();
        Some(WatchdogNotice::Terminating(reason))
    }

    /// The watchdog takes no orders: main sends SIGTERM, unless the end has begun before.
    pub(super) fn give_up_on_watchdog(&mut self) {
        if self.lifecycle.phase() == Phase::Running {
            self.lifecycle
                .end(EndReason::WatchdogFrozen, Instant::now());
            self.terminate();
            self.notice = Some(WatchdogNotice::Terminating(EndReason::WatchdogFrozen));
        }
    }

    /// Whether main sends SIGKILL itself.
    pub(super) fn is_killing(&self) -> bool {
        matches!(self.lifecycle.phase(), Phase::Killing(_))
    }

    /// From when on what still lives counts as impossible to kill, once main sends SIGKILL itself.
    pub(super) fn late(&self) -> Option<Instant> {
        self.killing_since.map(|since| since + LATE)
    }

    /// The processes of the command that live, as far as that can be known.
    pub(super) fn survivors(&mut self) -> Vec<Pid> {
        self.targets.survivors()
    }

    /// This process is not the command's.
    pub(super) fn exclude(&mut self, pid: Pid) {
        self.targets.exclude(pid);
    }

    /// Notes what the watchdog has done. Gives the notice back, with main's own reason for the end if
    /// that is the stronger one ([`EndReason`]).
    pub(super) fn note(&mut self, notice: WatchdogNotice) -> WatchdogNotice {
        let now = Instant::now();
        match notice {
            WatchdogNotice::Started(pid) => {
                self.targets.command_started(pid);
                if self.lifecycle.phase() == Phase::NotStarted {
                    self.lifecycle.started(now);
                }
            }
            WatchdogNotice::Terminating(reason) => {
                self.sigterm_due = None;
                self.lifecycle.end(reason, now);
            }
            WatchdogNotice::Ended(_) => {
                (self.sigterm_due, self.passing_on_due) = (None, None);
                self.targets.command_reaped();
                self.lifecycle.ended(now);
            }
            WatchdogNotice::Gone(reason) => {
                self.lifecycle.end(reason, now);
                self.lifecycle.gone();
                if let Phase::Gone(reason) = self.lifecycle.phase() {
                    return WatchdogNotice::Gone(reason);
                }
            }
            WatchdogNotice::PassedOn => self.passing_on_due = None,
            WatchdogNotice::TooLate
            | WatchdogNotice::NotExecuted(_)
            | WatchdogNotice::Stopped(_)
            | WatchdogNotice::Leftover(_) => {}
        }
        notice
    }

    /// When main has to act itself, unless the watchdog has done what is due by then.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.notice.is_some() {
            return Some(Instant::now());
        }
        let next = self.lifecycle.next().map(|at| at + self.allowed_delay());
        let round = self.does_rounds().then_some(self.next_round);
        let orders = [self.sigterm_due, self.passing_on_due];
        let all = [next, self.deadline(), round].into_iter().chain(orders);
        all.flatten().min()
    }

    /// Does what is due, and gives the notice that the watchdog would have given.
    pub(super) fn act(&mut self) -> Option<WatchdogNotice> {
        if let Some(notice) = self.notice.take() {
            return Some(notice);
        }
        let now = Instant::now();
        if self.sigterm_due.take_if(|at| *at <= now).is_some() {
            self.terminate();
        }
        if self.passing_on_due.take_if(|at| *at <= now).is_some() {
            self.give_up_on_watchdog();
        }
        let was_killing = self.is_killing();
        let mut begins = self.lifecycle.tick(now - self.allowed_delay());
        if self.deadline().is_some_and(|at| at <= now) {
            begins = self.lifecycle.tick(now - WATCHDOG_DELAY).or(begins);
        }
        if self.is_killing() && !was_killing {
            self.begin_killing();
        }
        if let Some(reason) = begins {
            self.terminate();
            return Some(WatchdogNotice::Terminating(reason));
        }
        if !self.does_rounds() || self.next_round > now {
            return None;
        }
        if self.signal_round() {
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

    /// Whether main sends SIGTERM or SIGKILL itself, round after round.
    fn does_rounds(&self) -> bool {
        self.is_killing()
            || self.terminated && matches!(self.lifecycle.phase(), Phase::Terminating(..))
    }

    fn begin_killing(&mut self) {
        self.killing_since = Some(Instant::now());
        self.begin_rounds(Backoff::for_kill());
    }

    fn begin_rounds(&mut self, backoff: Backoff) {
        self.backoff = backoff;
        self.next_round = Instant::now();
    }

    /// Signals what lives. True if nothing does any more.
    fn signal_round(&mut self) -> bool {
        if self.is_killing() {
            self.targets.kill(self.backoff.search());
        } else {
            self.targets.terminate_rest();
        }
        self.targets.are_gone()
    }

    /// When the watchdog must at last have said that nothing lives any more.
    fn deadline(&self) -> Option<Instant> {
        match self.lifecycle.phase() {
            Phase::Running | Phase::Terminating(..) => {
                self.lifecycle.deadline().map(|at| at + WATCHDOG_DELAY)
            }
            _ => None,
        }
    }

    /// How late the watchdog may be with what is due next.
    fn allowed_delay(&self) -> Duration {
        match self.lifecycle.phase() {
            Phase::Running => (self.grace / 4).clamp(WATCHDOG_DELAY, LONGEST_WAIT),
            _ => WATCHDOG_DELAY,
        }
    }

    /// Sends SIGTERM to everything, unless SIGKILL is due already.
    fn terminate(&mut self) {
        let Phase::Terminating(..) = self.lifecycle.phase() else {
            return;
        };
        self.targets.terminate_group();
        self.terminated = true;
        self.begin_rounds(Backoff::for_term());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_reason_counts_when_the_watchdog_has_another() {
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
