//! Supervising the command: main's side.
//!
//! ```text
//! genlock            main: the lock client
//! └─ watchdog        holds the deadline, and kills when main is gone
//!    └─ COMMAND      a process group of its own
//! ```
//!
//! Main tells the watchdog the deadline and moves it; nothing here knows where it comes from.

#![allow(unsafe_code)]

mod backoff;
mod children;
mod command;
mod descendants;
mod dispositions;
mod end_reason;
mod event_sources;
mod fallback;
mod forked;
mod host;
mod inherited;
mod leader;
mod leftover;
mod lifecycle;
mod limits;
mod link;
mod lock_keeper;
mod message;
mod proc;
mod search;
pub(crate) mod signals;
mod targets;
pub(crate) mod terminal;
mod unrelated;
mod watchdog;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::process::Pid;

use crate::clock::{Instant, until};
use fallback::Fallback;
use link::MainEnd;
use message::WatchdogOrder;
use signals::Signals;

pub(crate) use end_reason::EndReason;
pub(crate) use forked::{ForkedWatchdog, fork};
pub(crate) use host::{Missing, missing};
pub use inherited::arguments;
pub(crate) use inherited::enter;
pub(crate) use leftover::Leftover;
pub(crate) use limits::{LeftoverPolicy, TimeLimits};
pub(crate) use message::WatchdogNotice;
pub(crate) use watchdog::NAME as WATCHDOG;

/// How long after its time the watchdog may be with what it does; well within the margin that the
/// deadline keeps. Also how long after a stop of our own the signal that ended it should have come.
pub(crate) const WATCHDOG_DELAY: Duration = Duration::from_millis(50);

/// Main's hold on the watchdog and, through it, on the command.
pub(crate) struct Supervision {
    link: MainEnd,
    watchdog: Pid,
    watchdog_gone: bool,
    fallback: Fallback,
    /// Of how many words the command is.
    command: usize,
    leftovers: LeftoverPolicy,
    group: Option<Pid>,
    /// What keeps the lock open for those who outlive us.
    keeper: Option<Pid>,
}

impl Supervision {
    /// Starts the command with `added` variables, in the terminal's foreground or not, and with a
    /// descriptor to inherit.
    ///
    /// # Errors
    /// The order could not be given, or E2BIG (execve(2)) if the variables are too long: nothing is
    /// started then.
    pub(crate) async fn start(
        &mut self,
        limits: TimeLimits,
        added: &[(impl AsRef<str>, String)],
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut environment = Vec::new();
        for (name, value) in added {
            environment.extend_from_slice(name.as_ref().as_bytes());
            environment.push(b'=');
            environment.extend_from_slice(value.as_bytes());
            environment.push(0);
        }
        if environment.len() > message::MAX_ENVIRONMENT {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        let order = WatchdogOrder::Start {
            limits,
            command: self.command,
            leftovers: self.leftovers,
            foreground,
            environment: &environment,
        };
        self.link.order(&order, inherit).await?;
        self.fallback.start(limits);
        Ok(())
    }

    /// Moves the deadline: the command must be dead by then.
    pub(crate) async fn move_deadline(&mut self, deadline: Instant) {
        self.fallback.move_deadline(deadline);
        self.order(&WatchdogOrder::Deadline(deadline)).await;
    }

    /// Passes a signal to the command's process group.
    pub(crate) async fn signal(&mut self, signal: i32) {
        if signals::ends(signal) {
            self.fallback.pass_on();
        }
        self.order(&WatchdogOrder::Signal(signal)).await;
    }

    /// Continues the command after a stop.
    pub(crate) async fn resume(&mut self) {
        self.order(&WatchdogOrder::Continue).await;
    }

    /// Stops the command and what it started: SIGTERM, and SIGKILL after the grace.
    pub(crate) async fn stop(&mut self) {
        self.fallback.stop();
        self.order(&WatchdogOrder::Stop).await;
    }

    async fn order(&mut self, order: &WatchdogOrder<'_>) {
        if self.watchdog_gone {
            return;
        }
        // One that could not be sent for another reason is due all the same: we stand in for it.
        let sent = self.link.order(order, None).await;
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            self.fallback.give_up_on_it();
        }
    }

    /// What happened next, by the watchdog's word; or by our own, where the watchdog does not do
    /// what is due. Cancel-safe.
    pub(crate) async fn next_notice(&mut self) -> WatchdogNotice {
        loop {
            let heard = tokio::select! {
                biased;
                heard = self.link.next_notice(), if !self.watchdog_gone => Some(heard),
                // If we are late ourselves, it may have done what is due, and said so.
                () = until(self.fallback.due()) => self.heard_meanwhile(),
            };
            let notice = match heard {
                Some(Some(notice)) => Some(self.fallback.note(notice)),
                Some(None) => {
                    self.watchdog_gone = true;
                    self.fallback.take_over(EndReason::WatchdogGone)
                }
                None => self.fallback.act(),
            };
            if let Some(WatchdogNotice::Started(pid)) = notice {
                self.group = Pid::from_raw(pid);
            }
            if let Some(WatchdogNotice::Gone(_)) = notice {
                self.end_keeper();
            }
            if let Some(notice) = notice {
                return notice;
            }
        }
    }

    fn heard_meanwhile(&self) -> Option<Option<WatchdogNotice>> {
        if self.watchdog_gone {
            return None;
        }
        self.link.try_next_notice()
    }

    /// When what still lives, although it was sent SIGKILL, is late.
    pub(crate) fn late(&self) -> Option<Instant> {
        self.fallback.late()
    }

    /// What of the command lives, as far as that can be known.
    pub(crate) fn survivors(&mut self) -> Vec<Pid> {
        self.fallback.survivors()
    }

    /// Keeps the descriptor that the lock lives by open until these survivors have ended, even if we
    /// end before they do.
    pub(crate) fn keep(&mut self, survivors: &[Pid], lock: BorrowedFd<'_>) -> io::Result<()> {
        let keeper = lock_keeper::fork(lock, survivors)?;
        self.fallback.exclude(keeper);
        self.end_keeper();
        self.keeper = Some(keeper);
        Ok(())
    }

    /// Ends what kept the lock for us.
    fn end_keeper(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            children::kill_and_reap(keeper);
        }
    }

    /// Reaps orphans that became ours and have ended: those of a whole PID namespace if we are its
    /// first process (pid_namespaces(7)), and what a command leaves behind on purpose.
    pub(crate) fn reap_orphans(&self) {
        children::reap_others([Some(self.watchdog), self.group]);
    }

    /// The next signal that ends a wait in which there is no command yet. Cancel-safe.
    pub(crate) async fn interruption(&self, signals: &mut Signals) -> i32 {
        loop {
            match signals.next().await {
                libc::SIGCHLD => self.reap_orphans(),
                libc::SIGTSTP => signals::stop(),
                signal if signals::ends(signal) => return signal,
                _ => {}
            }
        }
    }

    /// The command's process group, once it has started.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.group
    }

    /// Without the watchdog: begins to kill all that it may have started, and itself. What is reported
    /// tells how that goes on.
    pub(crate) fn kill(&mut self, reason: EndReason) {
        let _ = self.fallback.take_over(reason);
    }

    /// Ends the watchdog, which has nothing to watch any more.
    pub(crate) fn end(self) {
        children::kill_and_reap(self.watchdog);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// No process has this number.
    const NOBODY: i32 = i32::MAX;

    #[tokio::test]
    async fn what_is_said_by_now_comes_before_what_is_due() {
        let (ours, theirs) = link::pair().unwrap();
        let forked = ForkedWatchdog {
            watchdog: Pid::from_raw(NOBODY).unwrap(),
            socket: Some(ours),
            subreaper: Ok(()),
            unrelated: Vec::new(),
        };
        let mut supervision = forked.supervise(1, LeftoverPolicy::Leave).unwrap();
        supervision.fallback.start(TimeLimits {
            deadline: Some(Instant::now() - WATCHDOG_DELAY * 2),
            ..TimeLimits::default()
        });
        supervision.fallback.note(WatchdogNotice::Started(NOBODY));
        // The runtime has not looked at the link yet.
        for notice in [
            WatchdogNotice::Ended(0),
            WatchdogNotice::Gone(EndReason::Ended),
        ] {
            link::send(theirs.as_fd(), notice);
            assert_eq!(supervision.next_notice().await, notice);
        }
    }
}
