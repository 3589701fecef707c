//! How a run ended, in words and in kinds.

use serde::Serialize;

use super::KnownRun;
use crate::describe;
use crate::locker::PastRun;
use crate::report::Why;

/// Whether a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RunState {
    /// It holds the lock.
    Running,
    /// Its end is known.
    Ended,
    /// It does not hold the lock any more, and has not said how it ended: it was killed with its host, or
    /// the store was away.
    NotHeardOf,
}

/// The kinds of ends that a picture tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RunOutcome {
    Succeeded,
    Failed,
    Signalled,
    MaxRuntime,
    Lost,
    TakenAway,
    NotRun,
    NotHeardOf,
    /// A lock that was kept, and let go of.
    Released,
    Running,
}

impl RunOutcome {
    /// That of this run.
    pub(super) fn of(seen: &KnownRun) -> Self {
        let report = &seen.run.report;
        match (seen.state, report.why) {
            (RunState::Running, _) => Self::Running,
            (RunState::NotHeardOf, _) => Self::NotHeardOf,
            (_, Some(Why::Lost)) => Self::Lost,
            (_, Some(Why::TakenAway)) => Self::TakenAway,
            (_, Some(Why::MaxRuntime)) => Self::MaxRuntime,
            (_, None | Some(Why::Interrupted)) if seen.run.kept => Self::Released,
            (_, Some(_)) if !report.ran && !seen.run.kept => Self::NotRun,
            _ => match report.command {
                Some(end) if end.signal.is_some() => Self::Signalled,
                Some(end) if end.status == Some(0) => Self::Succeeded,
                _ => Self::Failed,
            },
        }
    }

    /// As a legend has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "exited with 0",
            Self::Failed => "failed",
            Self::Signalled => "died of a signal",
            Self::MaxRuntime => "over --max-runtime",
            Self::Lost => "lost the lock",
            Self::TakenAway => "taken away",
            Self::NotRun => "did not run",
            Self::NotHeardOf => "not heard of again",
            Self::Released => "released",
            Self::Running => "running",
        }
    }
}

/// How a run ended, on one line.
pub(super) fn words(seen: &KnownRun) -> String {
    let report = &seen.run.report;
    let detail = report.detail.as_deref().map(describe::escape);
    let with_detail = |what: &str| match &detail {
        Some(detail) => format!("{what}: {detail}"),
        None => what.to_owned(),
    };
    match RunOutcome::of(seen) {
        RunOutcome::Running if seen.run.kept => "held".to_owned(),
        RunOutcome::Running => "running".to_owned(),
        RunOutcome::Released => match report.status {
            Some(0) | None => with_detail("released"),
            Some(status) => with_detail(&format!("released, with {status}")),
        },
        RunOutcome::NotHeardOf => "not heard of again".to_owned(),
        RunOutcome::Lost => with_detail("lost"),
        RunOutcome::TakenAway => match &report.taken_away {
            Some(by) => {
                let who = describe::user_and_host(&by.user, &by.host);
                format!("taken away by {who}")
            }
            None => "taken away".to_owned(),
        },
        RunOutcome::MaxRuntime => "stopped: --max-runtime was over".to_owned(),
        RunOutcome::NotRun => with_detail(&format!("did not run: {}", not_run(&seen.run))),
        RunOutcome::Succeeded | RunOutcome::Failed | RunOutcome::Signalled => {
            match report.command {
                Some(end) => match (end.signal, end.status) {
                    (Some(signal), _) => format!("died of signal {signal}"),
                    (None, Some(status)) => format!("exited with {status}"),
                    (None, None) => with_detail("ended"),
                },
                None => with_detail("ended, and how is not known"),
            }
        }
    }
}

/// Why a command did not run.
fn not_run(run: &PastRun) -> &'static str {
    match run.report.why {
        Some(Why::Done) => "it was done already",
        Some(Why::Unavailable) => "the store",
        Some(Why::Interrupted) => "interrupted",
        Some(Why::NotExecuted) => "it cannot be executed",
        _ => "an error",
    }
}
