//! The lifecycle of a command from start to end: what is due at which moment, free of I/O.
//!
//! ```text
//! stop      deadline - grace    SIGTERM to everything
//! kill      deadline            SIGKILL to everything, also when the grace is over
//! ```

use super::{EndReason, TimeLimits};
use crate::clock::Instant;

/// How far the command has come, and the limits that it runs under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifecycle {
    phase: Phase,
    limits: TimeLimits,
    /// When the command has run for as long as it may.
    run_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No order to start has come.
    NotStarted,
    /// The command runs.
    Running,
    /// SIGTERM was sent to everything; SIGKILL follows at this instant at the latest.
    Terminating(EndReason, Instant),
    /// SIGKILL, round after round, until nothing is left.
    Killing(EndReason),
    /// Nothing is left.
    Gone(EndReason),
}

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::NotStarted,
            limits: TimeLimits::default(),
            run_until: None,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Takes the limits of an order to start. False if it is too late to start within them.
    pub(super) fn may_start(&mut self, limits: TimeLimits, now: Instant) -> bool {
        self.limits = limits;
        let late = self.is_past(limits.start_by, now) || self.is_past(limits.deadline, now);
        self.phase == Phase::NotStarted && !late
    }

    /// The command has started.
    pub(super) fn started(&mut self, now: Instant) {
        self.phase = Phase::Running;
        self.run_until = self.limits.max_runtime.map(|time| now + time);
    }

    /// Main has had a renewal acknowledged. An end that has begun goes on all the same: the command was
    /// sent SIGTERM.
    pub(super) fn move_deadline(&mut self, deadline: Instant) {
        self.limits.deadline = Some(deadline);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.limits.deadline
    }

    /// The command itself has ended. What it left behind has the grace to end in.
    pub(super) fn ended(&mut self, now: Instant) {
        if self.phase == Phase::Running {
            self.phase = Phase::Terminating(EndReason::Ended, now + self.limits.grace);
        }
    }

    /// Begins the command's end. True if SIGTERM has to be sent to everything: the end has not begun
    /// before.
    pub(super) fn end(&mut self, reason: EndReason, now: Instant) -> bool {
        match &mut self.phase {
            Phase::Running => {
                self.phase = Phase::Terminating(reason, now + self.limits.grace);
                true
            }
            // What the command left behind is being stopped, say: a loss counts more than its end.
            Phase::Terminating(before, _) | Phase::Killing(before) => {
                *before = (*before).max(reason);
                false
            }
            Phase::NotStarted | Phase::Gone(_) => false,
        }
    }

    /// Begins to kill.
    pub(super) fn kill(&mut self, reason: EndReason) {
        if let Phase::Running | Phase::Terminating(..) | Phase::Killing(_) = self.phase {
            let reason = self.reason().map_or(reason, |before| before.max(reason));
            self.phase = Phase::Killing(reason);
        }
    }

    /// Nothing of the command lives.
    pub(super) fn gone(&mut self) {
        if let Some(reason) = self.reason() {
            self.phase = Phase::Gone(reason);
        }
    }

    /// The command could not be started.
    pub(super) fn not_started(&mut self) {
        self.phase = Phase::Gone(EndReason::Ended);
    }

    /// Does what is due at `now`. Gives the reason if an end begins with it: SIGTERM has to be sent
    /// to everything, unless it is to be killed at once.
    pub(super) fn tick(&mut self, now: Instant) -> Option<EndReason> {
        match self.phase {
            Phase::Running if self.is_past(self.limits.deadline, now) => {
                self.kill(EndReason::Deadline);
                Some(EndReason::Deadline)
            }
            Phase::Running if self.is_past(self.stop_at(), now) => {
                self.end(EndReason::Deadline, now);
                Some(EndReason::Deadline)
            }
            Phase::Running if self.is_past(self.run_until, now) => {
                self.end(EndReason::MaxRuntime, now);
                Some(EndReason::MaxRuntime)
            }
            Phase::Terminating(..) if self.is_past(self.limits.deadline, now) => {
                self.kill(EndReason::Deadline);
                None
            }
            Phase::Terminating(reason, kill_at) if kill_at <= now => {
                self.kill(reason);
                None
            }
            _ => None,
        }
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        let due = match self.phase {
            Phase::Running => [self.stop_at(), self.run_until],
            Phase::Terminating(_, kill_at) => [Some(kill_at), self.limits.deadline],
            Phase::NotStarted | Phase::Killing(_) | Phase::Gone(_) => [None, None],
        };
        due.into_iter().flatten().min()
    }

    /// When SIGTERM is due, so that the grace ends by the deadline.
    fn stop_at(&self) -> Option<Instant> {
        let deadline = self.limits.deadline?;
        Some(deadline - self.limits.grace)
    }

    fn reason(&self) -> Option<EndReason> {
        match self.phase {
            Phase::NotStarted | Phase::Running => None,
            Phase::Terminating(reason, _) | Phase::Killing(reason) | Phase::Gone(reason) => {
                Some(reason)
            }
        }
    }

    fn is_past(&self, at: Option<Instant>, now: Instant) -> bool {
        at.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    fn at(milliseconds: u64) -> Instant {
        Instant::from_boot(Duration::from_millis(1_000_000 + milliseconds))
    }

    fn running(deadline: Option<Instant>, max_runtime: Option<Duration>) -> Lifecycle {
        let mut lifecycle = Lifecycle::new();
        let limits = TimeLimits {
            start_by: deadline,
            deadline,
            grace: GRACE,
            max_runtime,
        };
        assert!(lifecycle.may_start(limits, at(0)));
        lifecycle.started(at(0));
        lifecycle
    }

    #[test]
    fn terminated_a_grace_before_the_deadline_and_killed_at_it() {
        let mut lifecycle = running(Some(at(9_400)), None);
        assert_eq!(lifecycle.next(), Some(at(7_400)));
        assert_eq!(lifecycle.tick(at(7_399)), None);
        assert_eq!(lifecycle.tick(at(7_400)), Some(EndReason::Deadline));
        assert_eq!(lifecycle.next(), Some(at(9_400)));
        assert_eq!(lifecycle.tick(at(9_399)), None);
        assert_eq!(
            lifecycle.phase(),
            Phase::Terminating(EndReason::Deadline, at(9_400))
        );
        lifecycle.tick(at(9_400));
        assert_eq!(lifecycle.phase(), Phase::Killing(EndReason::Deadline));
    }

    #[test]
    fn thawed_after_the_deadline_it_is_killed_without_a_grace() {
        let mut lifecycle = running(Some(at(9_400)), None);
        assert_eq!(lifecycle.tick(at(60_000)), Some(EndReason::Deadline));
        assert_eq!(lifecycle.phase(), Phase::Killing(EndReason::Deadline));
    }

    #[test]
    fn a_renewal_in_time_moves_it_and_one_after_sigterm_does_not_call_the_end_off() {
        let mut lifecycle = running(Some(at(9_400)), None);
        lifecycle.move_deadline(at(12_700));
        assert_eq!(lifecycle.tick(at(7_400)), None);
        assert_eq!(lifecycle.tick(at(10_700)), Some(EndReason::Deadline));
        lifecycle.move_deadline(at(60_000));
        lifecycle.tick(at(12_700));
        assert_eq!(lifecycle.phase(), Phase::Killing(EndReason::Deadline));
    }

    #[test]
    fn no_grace_outlives_the_deadline() {
        let mut lifecycle = running(Some(at(3_000)), None);
        lifecycle.ended(at(500));
        assert_eq!(lifecycle.next(), Some(at(2_500)));
        let mut late = running(Some(at(9_000)), None);
        assert!(late.end(EndReason::Requested, at(6_900)));
        late.move_deadline(at(8_000));
        assert_eq!(late.next(), Some(at(8_000)));
        late.tick(at(8_000));
        assert_eq!(late.phase(), Phase::Killing(EndReason::Deadline));
    }

    #[test]
    fn the_strongest_of_several_reasons_counts() {
        let mut lifecycle = running(None, Some(Duration::from_secs(1)));
        assert_eq!(lifecycle.tick(at(1_000)), Some(EndReason::MaxRuntime));
        assert!(!lifecycle.end(EndReason::Requested, at(1_100)));
        lifecycle.kill(EndReason::Ended);
        lifecycle.gone();
        assert_eq!(lifecycle.phase(), Phase::Gone(EndReason::Requested));
    }

    #[test]
    fn nothing_starts_after_its_latest_start_nor_after_the_deadline() {
        let mut lifecycle = Lifecycle::new();
        let mut limits = TimeLimits {
            deadline: Some(at(0)),
            ..TimeLimits::default()
        };
        assert!(!lifecycle.may_start(limits, at(0)));
        limits.deadline = Some(at(10));
        limits.start_by = Some(at(5));
        assert!(!lifecycle.may_start(limits, at(5)));
        assert_eq!(lifecycle.phase(), Phase::NotStarted);
        assert_eq!(lifecycle.next(), None);
        // A renewal came meanwhile.
        limits.start_by = Some(at(6));
        assert!(lifecycle.may_start(limits, at(5)));
    }

    #[test]
    fn without_a_deadline_nothing_is_due() {
        let mut lifecycle = running(None, None);
        assert_eq!(lifecycle.next(), None);
        assert_eq!(lifecycle.tick(at(1_000_000_000)), None);
        assert_eq!(lifecycle.phase(), Phase::Running);
    }

    /// What can happen to a command.
    #[derive(Clone, Copy, Debug)]
    enum Happening {
        /// Time passes and the watchdog looks at it.
        Tick(u64),
        /// A renewal moves the deadline to so long from now.
        Renewed(u64),
        Lost,
        Ended,
        MainGone,
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            6 => (0..3_000u64).prop_map(Happening::Tick),
            3 => (0..12_000u64).prop_map(Happening::Renewed),
            1 => Just(Happening::Lost),
            1 => Just(Happening::Ended),
            1 => Just(Happening::MainGone),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order, a look at the time never finds the deadline passed
        /// and the command not being killed, nor does the timer wait for later than the deadline;
        /// and no end that has begun is called off.
        #[test]
        fn nothing_outlives_the_deadline(
            start in 0..12_000u64,
            max_runtime in prop::option::of(0..20_000u64),
            happenings in vec(happening(), 0..60),
        ) {
            let mut now = 0;
            let mut deadline = at(start + 1);
            let mut lifecycle = running(Some(deadline), max_runtime.map(Duration::from_millis));
            let mut ending = false;
            for happening in happenings {
                match happening {
                    Happening::Tick(time) => now += time,
                    Happening::Renewed(time) => {
                        deadline = at(now + time);
                        lifecycle.move_deadline(deadline);
                    }
                    Happening::Lost => {
                        lifecycle.end(EndReason::Requested, at(now));
                    }
                    Happening::Ended => lifecycle.ended(at(now)),
                    Happening::MainGone => lifecycle.kill(EndReason::MainGone),
                }
                lifecycle.tick(at(now));
                let phase = lifecycle.phase();
                let killing = matches!(phase, Phase::Killing(_));
                prop_assert!(killing || at(now) < deadline);
                prop_assert!(killing || lifecycle.next().is_some_and(|due| due <= deadline));
                prop_assert!(!ending || phase != Phase::Running);
                ending = phase != Phase::Running;
            }
        }
    }
}
