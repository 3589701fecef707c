//! Starts the command on a lock that is held. It is not started if too little of the lock's time is left,
//! for whatever reason: then the lock is given up, and the run is not one that was lost.

use std::io;
use std::time::Duration;

use crate::cli::settings::RunOptions;
use crate::clock::{Instant, sleep_until};
use crate::locker::{Held, Loss, Variable, grace, start_needs};
use crate::supervise::signals::Signals;
use crate::supervise::{EndReason, Supervision, TimeLimits, WATCHDOG_DELAY, WatchdogNotice};

/// How many TTLs the watchdog may take to start the command: on a busy host it may be scheduled much
/// later than we are.
const TTLS: u32 = 2;

/// If the watchdog takes longer than this to start the command, a signal ends the wait for that; before,
/// the signal is passed on to the command once it runs.
const BUSY: Duration = Duration::from_secs(1);

/// What came of the start.
pub(super) enum Start {
    /// The watchdog has carried out the order to start; its first notice.
    Done(WatchdogNotice),
    /// The command cannot be started: its environment is too long, or the order could not be sent.
    Impossible(io::Error),
    /// The lock was lost before the order was carried out, or had too little time left.
    Lost(Loss),
    /// This signal came, which ends genlock while there is no command.
    Interrupted(i32),
    /// The watchdog was killed, or does not carry out the order. It has to be killed, with all that it may
    /// have started. With the signal that ended the wait for it, if one did.
    NoWatchdog(EndReason, Option<i32>),
}

/// The command that is to be started, and the lock that it runs under.
pub(super) struct Starting<'a> {
    pub(super) options: &'a RunOptions,
    pub(super) held: &'a Held,
    /// What is added to the command's environment.
    pub(super) variables: &'a [Variable],
    pub(super) foreground: bool,
}

impl Starting<'_> {
    /// Starts the command, after a renewal if too little is left of the lock's time.
    pub(super) async fn start(
        &self,
        supervision: &mut Supervision,
        signals: &mut Signals,
    ) -> Start {
        let ttl = self.held.ttl().unwrap_or(self.options.lock.ttl);
        let mut ownership = self.held.ownership();
        // If every renewal is answered late the deadline moves again and again, and never far enough.
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

    /// Waits for the watchdog's first notice after the order to start. A watchdog that is frozen cannot
    /// enforce the deadline, so the wait ends when the lock is lost, or after some TTLs.
    ///
    /// # Errors
    /// No notice came in time; with the signal that ended the wait, if one did.
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
