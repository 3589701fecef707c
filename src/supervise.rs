//! Supervising the command: main's side.
//!
//! ```text
//! genlock            main: the lock client
//! └─ watchdog        holds the deadline, and kills when main is gone
//!    └─ COMMAND      a process group of its own
//! ```
//!
//! Main gives the watchdog a deadline and moves it forward. Nothing here knows of locks.

#![allow(unsafe_code)]

mod backoff;
mod children;
mod command;
mod descendants;
pub(crate) mod detached;
mod dispositions;
mod end_reason;
mod event_sources;
mod fallback;
pub(crate) mod followed;
pub(crate) mod footprint;
mod forked;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod host;
mod inherited;
mod leader;
mod leftover;
mod lifecycle;
mod limits;
mod link;
mod lock_keeper;
mod message;
pub(crate) mod name_services;
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

/// How late the watchdog may be with what is due; well below the margin between the deadline and the
/// lock's end. Also how long main waits, when it has stopped genlock itself, for the SIGCONT that ended
/// the stop: without one the kernel did not stop it (an orphaned process group).
pub(crate) const WATCHDOG_DELAY: Duration = Duration::from_millis(50);

/// Main's side: the link to the watchdog, and what main does itself where the watchdog fails.
pub(crate) struct Supervision {
    link: MainEnd,
    watchdog: Pid,
    watchdog_gone: bool,
    fallback: Fallback,
    /// How many of the last words that the watchdog was given are the command.
    command: usize,
    leftovers: LeftoverPolicy,
    group: Option<Pid>,
    /// The process that keeps the lock's descriptor open for survivors (lock_keeper.rs).
    lock_keeper: Option<Pid>,
}

impl Supervision {
    /// Starts the command with `added` variables, in the terminal's foreground or not, and with a
    /// descriptor to inherit.
    ///
    /// # Errors
    /// The order could not be sent, or E2BIG (execve(2)) if the variables are too long. Then nothing
    /// is started.
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
        // After any other error the fallback acts once the watchdog is late with it.
        let sent = self.link.order(order, None).await;
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            self.fallback.give_up_on_watchdog();
        }
    }

    /// The next notice: the watchdog's, or the fallback's where main has done what the watchdog did
    /// not do in time. Cancel-safe.
    pub(crate) async fn next_notice(&mut self) -> WatchdogNotice {
        loop {
            let heard = tokio::select! {
                biased;
                heard = self.link.next_notice(), if !self.watchdog_gone => Some(heard),
                // Main may be late itself (it was stopped, say). Then the watchdog's notice may be on
                // the link although the runtime has not seen it yet.
                () = until(self.fallback.due()) => self.try_next_notice(),
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
                self.end_lock_keeper();
            }
            if let Some(notice) = notice {
                return notice;
            }
        }
    }

    fn try_next_notice(&self) -> Option<Option<WatchdogNotice>> {
        if self.watchdog_gone {
            return None;
        }
        self.link.try_next_notice()
    }

    /// When what still lives counts as impossible to kill. `None` until main sends SIGKILL itself.
    pub(crate) fn late(&self) -> Option<Instant> {
        self.fallback.late()
    }

    /// The command's processes that live, as far as that can be known.
    pub(crate) fn survivors(&mut self) -> Vec<Pid> {
        self.fallback.survivors()
    }

    /// Keeps the lock's descriptor open until these survivors have ended, even if genlock ends first.
    pub(crate) fn keep(&mut self, survivors: &[Pid], lock: BorrowedFd<'_>) -> io::Result<()> {
        let keeper = lock_keeper::fork(lock, survivors)?;
        self.fallback.exclude(keeper);
        self.end_lock_keeper();
        self.lock_keeper = Some(keeper);
        Ok(())
    }

    fn end_lock_keeper(&mut self) {
        if let Some(keeper) = self.lock_keeper.take() {
            children::kill_and_reap(keeper);
        }
    }

    /// Reaps ended orphans that the kernel made main's children: all of a PID namespace if genlock is
    /// its first process (pid_namespaces(7)), and what a command leaves behind on purpose.
    pub(crate) fn reap_orphans(&self) {
        children::reap_others([Some(self.watchdog), self.group]);
    }

    /// The next signal that would end genlock, while there is no command yet. Cancel-safe.
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

    /// Begins to kill the watchdog and all that it may have started, without its help. The notices
    /// that follow tell how that goes on.
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
    async fn a_notice_that_is_there_comes_before_what_is_due() {
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
