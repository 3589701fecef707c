//! What a run comes to, as its events tell it: for those who ask afterwards. Nothing is decided by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::words::{command_end, stopping, why_skipped, why_stopped, without_command};
use crate::clock::Instant;
use crate::events::{Event, EventKind, StopReason};
use crate::exit::{self, Exit};
use crate::locker::Loss;
use crate::report::{BlockedKey, RunReport, Why};

/// The account of one run. A clone shares it.
#[derive(Clone)]
pub(in crate::cli) struct Account(Arc<Mutex<AccountState>>);

struct AccountState {
    report: RunReport,
    /// When it began to ask for the lock, and since when it holds it.
    start: Option<Instant>,
    granted: Option<Instant>,
    /// It holds the lock, and is not about to release it.
    holds: bool,
    /// When nothing of its command lived any more.
    over: Option<(Instant, SystemTime)>,
}

impl Account {
    /// Of a run that has just begun, under the lock of `key`.
    pub(in crate::cli) fn new(key: &str) -> Self {
        Self(Arc::new(Mutex::new(AccountState {
            report: RunReport::new(key, SystemTime::now()),
            start: None,
            granted: None,
            holds: false,
            over: None,
        })))
    }

    /// It begins after this delay to ask for the lock, for this slot.
    pub(in crate::cli) fn begin(&self, slot: Option<String>, delay: Duration) {
        let mut state = self.state();
        state.start = Some(Instant::now() + delay);
        let begun = RunReport::new(&*state.report.key, SystemTime::now() + delay);
        state.report = RunReport { slot, ..begun };
    }

    /// Takes in what this event says.
    pub(in crate::cli) fn read(&self, event: &Event) {
        let mut state = self.state();
        let waited = state.start.map(|start| event.boot.since(start));
        let granted = state.granted.is_some();
        let report = &mut state.report;
        match &event.what {
            EventKind::Waiting {
                holder: Some(holder),
                ..
            } if !granted && report.holder.is_none() => {
                report.holder = Some(Box::new(without_command(holder)));
            }
            EventKind::Granted { token, index, .. } => {
                report.token = Some(*token);
                report.index = *index;
                report.waited(waited.unwrap_or_default());
                report.why = None;
                report.detail = None;
                report.taken_away = None;
                state.granted = Some(event.boot);
                state.holds = true;
                state.over = None;
            }
            EventKind::PlaceLost(_) => state.granted = None,
            EventKind::TakenAway(by) => report.taken_away = Some(by.clone()),
            EventKind::Skipped(why) => report.why = Some(why_skipped(*why)),
            EventKind::Stopping(why) => report.stopped(why),
            EventKind::Ended(status) => report.ran(*status),
            _ => {}
        }
    }

    /// The run as it is told when its command is about to be started.
    pub(in crate::cli) fn begun(&self) -> RunReport {
        RunReport {
            ran: true,
            ..self.so_far()
        }
    }

    /// The run as it is told while it goes on.
    pub(in crate::cli) fn so_far(&self) -> RunReport {
        self.state().report.clone()
    }

    /// This was in the way of the lock when it was not waited for any longer.
    pub(in crate::cli) fn is_blocked_by(&self, keys: Vec<BlockedKey>) {
        self.state().report.blocked_by = Some(keys);
    }

    /// Nobody is left for whom the lock would be acquired; why, on one line.
    pub(in crate::cli) fn is_for_nobody(&self, detail: String) {
        let report = &mut self.state().report;
        report.why = Some(Why::Interrupted);
        report.detail = Some(detail);
    }

    /// It is about to release the lock, if it holds one; false if it does not, or has been about to before.
    pub(super) fn releases(&self) -> bool {
        std::mem::take(&mut self.state().holds)
    }

    /// Processes of its command were left behind, together with the lock; the command's wait status, if it
    /// has ended.
    pub(in crate::cli) fn left(&self, status: Option<i32>) {
        self.state().report.ran(status);
    }

    /// The run as it is told when nothing of it lives any more, and genlock is to end so.
    pub(in crate::cli) fn over(&self, exit: Exit) -> RunReport {
        let mut report = self.ended();
        report.status = Some(exit.status());
        // Of a lock that is only kept there is nothing more to say.
        let is_kept = exit == Exit::Status(0);
        if report.command.is_none() && report.why.is_none() && !is_kept {
            report.why = Some(match exit {
                Exit::Signal(_) | Exit::Interrupt(_) => Why::Interrupted,
                Exit::Status(exit::NOT_EXECUTABLE | exit::NOT_FOUND) => Why::NotExecuted,
                Exit::Status(_) => Why::Internal,
            });
        }
        report
    }

    /// The same of one that was not started, since the lock was lost before.
    pub(in crate::cli) fn not_started(&self, loss: Loss) -> RunReport {
        let mut report = self.ended();
        report.why = Some(Why::Unavailable);
        report.detail = Some(format!(
            "the lock was lost before the command could be started: {loss}"
        ));
        report
    }

    /// The run as it is told when genlock ends so, with this error.
    pub(in crate::cli) fn failed(&self, exit: Exit, error: &str) -> RunReport {
        let mut report = self.ended();
        report.status = Some(exit.status());
        report.why = report.why.or(Some(match exit {
            Exit::Status(exit::USAGE) => Why::Usage,
            Exit::Status(exit::UNAVAILABLE) => Why::Unavailable,
            Exit::Status(exit::DENIED) => Why::Denied,
            Exit::Status(exit::CONFIG) => Why::Config,
            Exit::Status(exit::LOST) => Why::Lost,
            _ => Why::Internal,
        }));
        report.detail = Some(error.to_owned());
        report
    }

    fn ended(&self) -> RunReport {
        let mut state = self.state();
        let (boot, at) = *state
            .over
            .get_or_insert_with(|| (Instant::now(), SystemTime::now()));
        let mut report = state.report.clone();
        match (state.granted, state.start) {
            (Some(granted), _) => report.held(boot.since(granted)),
            (None, Some(start)) => report.waited(boot.since(start)),
            (None, None) => {}
        }
        report.end(at);
        report
    }

    fn state(&self) -> MutexGuard<'_, AccountState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunReport {
    /// Its command was started, and has ended so, as far as that is known.
    fn ran(&mut self, status: Option<i32>) {
        self.ran = true;
        self.command = status.map(command_end);
    }

    /// Its command is being stopped. The first reason stands.
    fn stopped(&mut self, why: &StopReason) {
        if self.why.is_some() {
            return;
        }
        self.why = Some(match why_stopped(why) {
            Why::Lost if self.taken_away.is_some() => Why::TakenAway,
            why => why,
        });
        self.detail = match why {
            StopReason::LockLost(detail) => Some(detail.clone()),
            StopReason::MaxRuntime => None,
            StopReason::WatchdogGone | StopReason::WatchdogFrozen => Some(stopping(why)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Observer;
    use crate::report::CommandEnd;

    /// The account of a run to which this has happened.
    fn account(events: impl IntoIterator<Item = EventKind>) -> Account {
        let account = Account::new("/k");
        let reader = account.clone();
        let observer = Observer::new(move |event| reader.read(event));
        for event in events {
            observer.tell(Some("/k"), event);
        }
        account
    }

    fn granted(token: u64) -> EventKind {
        EventKind::Granted {
            token,
            index: Some(2),
            deadline: None,
        }
    }

    #[test]
    fn a_command_that_ended_by_itself_has_no_why() {
        let account = account([granted(7), EventKind::Ended(Some(3 << 8))]);
        assert_eq!(account.begun().ended_at, None);
        let report = account.over(Exit::Status(3));
        assert_eq!((report.status, report.token), (Some(3), Some(7)));
        assert_eq!(report.index, Some(2));
        assert_eq!(report.command, Some(CommandEnd::exited(3)));
        assert!(report.ran && report.why.is_none() && report.ended_at.is_some());
        assert!(report.waited_seconds.is_some() && report.held_seconds.is_some());
    }

    #[test]
    fn the_first_reason_of_a_stop_stands() {
        let lost = || EventKind::Stopping(StopReason::LockLost("cut off".to_owned()));
        let limit = || EventKind::Stopping(StopReason::MaxRuntime);
        let killed = || EventKind::Ended(Some(libc::SIGKILL));
        let report = account([granted(7), limit(), lost(), killed()]).over(Exit::Status(124));
        assert_eq!((report.why, report.detail), (Some(Why::MaxRuntime), None));
        assert_eq!(report.command, Some(CommandEnd::killed(libc::SIGKILL)));
        let report = account([granted(7), lost(), killed()]).over(Exit::Status(80));
        let said = Some("cut off".to_owned());
        assert_eq!((report.why, report.detail), (Some(Why::Lost), said));
        let taken = || EventKind::TakenAway(crate::locker::TakenAway::default());
        let report = account([granted(7), taken(), lost(), killed()]).over(Exit::Status(80));
        assert_eq!(report.why, Some(Why::TakenAway));
        // A place that was taken away before the command could be started was not this one.
        let again = [
            granted(7),
            taken(),
            EventKind::PlaceLost(Loss::TakenAway),
            granted(8),
            lost(),
            killed(),
        ];
        let report = account(again).over(Exit::Status(80));
        assert_eq!((report.why, report.taken_away), (Some(Why::Lost), None));
    }

    #[test]
    fn a_command_that_never_ran_says_why() {
        let over = |exit| account([granted(7)]).over(exit).why;
        assert_eq!(over(Exit::Signal(15)), Some(Why::Interrupted));
        assert_eq!(over(Exit::Status(127)), Some(Why::NotExecuted));
        let again = account([granted(7), EventKind::PlaceLost(Loss::Expired), granted(8)]);
        let report = again.not_started(Loss::Expired);
        assert_eq!(
            (report.why, report.token),
            (Some(Why::Unavailable), Some(8))
        );
    }
}
