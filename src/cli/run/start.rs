//! From a lock that is held to a command that runs: none is started with little time left, whatever
//! took the time. A command that was not started is not stopped either: the lock is given up.

use std::io;
use std::time::Duration;

use crate::cli::settings::RunOptions;
use crate::clock::{Instant, sleep_until};
use crate::locker::{Held, Loss, Variable, grace, start_needs};
use crate::supervise::signals::Signals;
use crate::supervise::{EndReason, Supervision, TimeLimits, WATCHDOG_DELAY, WatchdogNotice};

/// So many TTLs the watchdog may take to start the command: on a busy host it may get to run much
/// later than we do.
const TTLS: u32 = 2;

/// How long it may before a signal counts for the wait for it, and not for the command.
const BUSY: Duration = Duration::from_secs(1);

/// How it went.
pub(super) enum Start {
    /// The watchdog has carried out the order; its first report.
    Done(WatchdogNotice),
    /// It cannot be started at all.
    Impossible(io::Error),
    /// The lock was lost before.
    Lost(Loss),
    /// A signal that ends the wait for a lock came.
    Interrupted(i32),
    /// The watchdog was killed, or does not carry out the order, and maybe a signal has ended the
    /// wait for it: it is to be killed, with all that it may have started.
    NoWatchdog(EndReason, Option<i32>),
}

/// What is to be started, and on which lock.
pub(super) struct Starting<'a> {
    pub(super) options: &'a RunOptions,
    pub(super) held: &'a Held,
    /// What the command's environment says of it.
    pub(super) variables: &'a [Variable],
    pub(super) foreground: bool,
}

impl Starting<'_> {
    /// Starts the command as soon as enough is left of the lock's time.
    pub(super) async fn start(
        &self,
        supervision: &mut Supervision,
        signals: &mut Signals,
    ) -> Start {
        let ttl = self.held.ttl().unwrap_or(self.options.lock.ttl);
        let mut ownership = self.held.ownership();
        // Where each renewal is answered too late the deadline moves on and on.
        let end = Instant::now() + ttl;
        loop {
            let deadline = ownership.deadline();
            if let Some(loss) = ownership.loss() {
                return Start::Lost(loss);
            }
            let terms = self.limits(ttl, deadline);
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
            match self.first_report(supervision, signals, ttl).await {
                Ok(WatchdogNotice::TooLate) => {}
                Ok(WatchdogNotice::Terminating(why)) => return Start::NoWatchdog(why, None),
                Ok(report) => return Start::Done(report),
                Err(signal) => return Start::NoWatchdog(EndReason::WatchdogFrozen, signal),
            }
        }
    }

    fn limits(&self, ttl: Duration, deadline: Option<Instant>) -> TimeLimits {
        let said = self.options.lock.kill_after;
        let needed = start_needs(ttl, said, !self.options.lock.no_renew);
        TimeLimits {
            start_by: deadline.map(|at| at - needed),
            deadline,
            grace: grace(ttl, said),
            max_runtime: self.options.max_runtime,
        }
    }

    /// Waits for what the watchdog says, as long as the lock is held, nobody wants us to end, and it
    /// is only late: one that is frozen has nothing to hold the deadline of.
    ///
    /// # Errors
    /// It says nothing, or a signal came meanwhile.
    async fn first_report(
        &self,
        supervision: &mut Supervision,
        signals: &mut Signals,
        ttl: Duration,
    ) -> Result<WatchdogNotice, Option<i32>> {
        let mut ownership = self.held.ownership();
        let lost = async {
            ownership.lost().await;
            sleep_until(Instant::now() + WATCHDOG_DELAY).await;
        };
        let now = Instant::now();
        let interrupted = async {
            sleep_until(now + BUSY).await;
            signals.next_that_ends().await
        };
        tokio::select! {
            biased;
            report = supervision.next_notice() => Ok(report),
            signal = interrupted => Err(Some(signal)),
            () = lost => Err(None),
            () = sleep_until(now + ttl * TTLS) => Err(None),
        }
    }
}
