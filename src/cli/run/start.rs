//! From a lock that is held to a command that runs: none is started with little time left, whatever
//! took the time. A command that was not started is not stopped either: the lock is given up.

use std::io;
use std::time::Duration;

use crate::cli::{Run, times};
use crate::clock::{Instant, sleep_until, until};
use crate::locker::{Held, Loss};
use crate::supervise::signals::Signals;
use crate::supervise::{PATIENCE, Report, Supervision, Terms, Why};

/// How it went.
pub(super) enum Start {
    /// The watchdog has carried out the order; its first report.
    Done(Report),
    /// It cannot be started at all.
    Impossible(io::Error),
    /// The lock was lost before.
    Lost(Loss),
    /// A signal that ends the wait for a lock came.
    Interrupted(i32),
    /// The watchdog was killed, or is frozen and the lock was lost: it is to be killed, with all that
    /// it may have started.
    NoWatchdog(Why),
}

/// What is to be started, and on which lock.
pub(super) struct Starting<'a> {
    pub(super) options: &'a Run,
    pub(super) held: &'a Held,
    /// What the command's environment says of it.
    pub(super) variables: &'a [(&'static str, String)],
    pub(super) foreground: bool,
}

impl Starting<'_> {
    /// Starts the command as soon as enough is left of the lock's time.
    pub(super) async fn start(
        &self,
        supervision: &mut Supervision,
        signals: &mut Signals,
    ) -> Start {
        let ttl = self.held.ttl().unwrap_or(self.options.ttl);
        let mut ownership = self.held.ownership();
        // Where each renewal is answered too late the deadline moves on and on.
        let end = Instant::now() + ttl;
        loop {
            let deadline = ownership.deadline();
            if let Some(loss) = ownership.loss() {
                return Start::Lost(loss);
            }
            let terms = self.terms(ttl, deadline);
            if terms.start_by.is_some_and(|at| at <= Instant::now()) {
                let mut losing = ownership.clone();
                tokio::select! {
                    biased;
                    signal = supervision.interruption(signals) => return Start::Interrupted(signal),
                    loss = losing.lost() => return Start::Lost(loss),
                    () = ownership.changed() => continue,
                    () = sleep_until(end) => return Start::Lost(Loss::Expired),
                }
            }
            let ordered = supervision.start(
                terms,
                self.variables,
                self.foreground,
                self.held.descriptor(),
            );
            if let Err(error) = ordered.await {
                return Start::Impossible(error);
            }
            match self.first_report(supervision).await {
                Report::TooLate => {}
                Report::Ending(why @ (Why::WatchdogGone | Why::WatchdogFrozen)) => {
                    return Start::NoWatchdog(why);
                }
                report => return Start::Done(report),
            }
        }
    }

    fn terms(&self, ttl: Duration, deadline: Option<Instant>) -> Terms {
        let grace = self.options.kill_after.unwrap_or(times::default_grace(ttl));
        // A renewal takes its time. Without any, what is left is what was asked for.
        let renewal = if self.options.no_renew {
            Duration::ZERO
        } else {
            ttl / 10
        };
        Terms {
            start_by: deadline.map(|at| at - grace - renewal),
            deadline,
            grace,
            max_runtime: self.options.max_runtime,
        }
    }

    /// Waits for what the watchdog says, as long as the lock is held: a watchdog that is frozen has
    /// nothing to hold the deadline of.
    async fn first_report(&self, supervision: &mut Supervision) -> Report {
        let mut ownership = self.held.ownership();
        let overdue = async {
            ownership.lost().await;
            until(Some(Instant::now() + PATIENCE)).await;
        };
        tokio::select! {
            biased;
            report = supervision.report() => report,
            () = overdue => Report::Ending(Why::WatchdogFrozen),
        }
    }
}
