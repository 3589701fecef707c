//! Supervising the command: main's side.
//!
//! ```text
//! genlock            main: the lock client
//! └─ watchdog        holds the deadline, and kills when main is gone
//!    └─ COMMAND      a process group of its own
//! ```
//!
//! Main tells the watchdog the deadline and moves it; nothing here knows where it comes from.

mod command;
mod course;
mod link;
mod senses;
pub(crate) mod signals;
pub(crate) mod terminal;
mod tree;
mod watchdog;
mod world;

use std::ffi::OsString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};

use crate::clock::Instant;
use command::Command;
use link::{MainEnd, Order};
use senses::Senses;
use signals::Signals;
use tree::Search;
use watchdog::Watchdog;
use world::World;

pub(crate) use link::Report;
pub(crate) use watchdog::NAME as WATCHDOG;
pub use world::arguments;
pub(crate) use world::enter;

/// Why the command is gone. A later one weighs more where several are true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It ended by itself.
    Ended,
    /// It had run for as long as it may.
    MaxRuntime,
    /// Main said so.
    Told,
    /// The deadline came.
    Deadline,
    /// Main was gone.
    MainGone,
}

impl Why {
    fn from_number(number: i32) -> Option<Self> {
        [
            Self::Ended,
            Self::MaxRuntime,
            Self::Told,
            Self::Deadline,
            Self::MainGone,
        ]
        .into_iter()
        .find(|&why| why as i32 == number)
    }
}

/// The bounds in time that a command starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The command is not started after this: it would be stopped before it has done anything.
    pub(crate) start_by: Option<Instant>,
    /// The command must be dead by then; `None` where the lock cannot run out.
    pub(crate) deadline: Option<Instant>,
    /// From SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
    /// How long the command may run.
    pub(crate) max_runtime: Option<Duration>,
}

/// What happens to the processes that the command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// They are stopped: the lock covers the command and what it started.
    Stop,
    /// They are left: the lock covers the command's process group while the command runs.
    Leave,
}

/// A forked watchdog that waits for a command to start. Dropping it ends the watchdog.
pub(crate) struct Forked {
    watchdog: Pid,
    socket: Option<OwnedFd>,
}

/// Forks the watchdog, which makes ready what it needs to execute a command: `words`, of which the
/// last ones will be the command, and its environment. Call it while the process has one thread
/// and little memory, which fork(2) has to copy, and before signals are listened to.
pub(crate) fn fork<E>(words: &[OsString], environment: impl FnOnce() -> E) -> io::Result<Forked>
where
    E: IntoIterator<Item = (OsString, OsString)>,
{
    let (main_end, watchdog_end) = link::pair()?;
    let senses = Senses::new(watchdog_end)?;
    let world = World::take();
    // If the watchdog is killed, what it watched over becomes ours (prctl(2)).
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let ready = || Watchdog::new(Command::new(words, environment(), world), senses);
    let (watchdog, socket) = watchdog::fork(ready, main_end)?;
    Ok(Forked {
        watchdog,
        socket: Some(socket),
    })
}

impl Forked {
    /// Takes up the link, for a command of so many words. Within a tokio runtime.
    pub(crate) fn supervise(
        mut self,
        command: usize,
        leftovers: Leftovers,
    ) -> io::Result<Supervision> {
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Supervision {
            link: MainEnd::new(socket)?,
            watchdog: self.watchdog,
            command,
            leftovers,
            group: None,
        })
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        if self.socket.is_some() {
            reap(self.watchdog);
        }
    }
}

/// Main's hold on the watchdog and, through it, on the command.
pub(crate) struct Supervision {
    link: MainEnd,
    watchdog: Pid,
    /// Of how many words the command is.
    command: usize,
    leftovers: Leftovers,
    group: Option<Pid>,
}

impl Supervision {
    /// Starts the command with `added` variables, in the terminal's foreground or not, and with a
    /// descriptor to inherit.
    ///
    /// # Errors
    /// E2BIG (execve(2)) if the variables are too long; nothing is started then.
    pub(crate) async fn start(
        &self,
        terms: Terms,
        added: &[(&str, String)],
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut environment = Vec::new();
        for (name, value) in added {
            environment.extend_from_slice(name.as_bytes());
            environment.push(b'=');
            environment.extend_from_slice(value.as_bytes());
            environment.push(0);
        }
        if environment.len() > link::MAX_ENVIRONMENT {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        let order = Order::Start {
            terms,
            command: self.command,
            leftovers: self.leftovers,
            foreground,
            environment: &environment,
        };
        self.link.order(&order, inherit).await;
        Ok(())
    }

    /// Moves the deadline: the command must be dead by then.
    pub(crate) async fn move_deadline(&self, deadline: Instant) {
        self.link.order(&Order::Deadline(deadline), None).await;
    }

    /// Passes a signal to the command's process group.
    pub(crate) async fn signal(&self, signal: i32) {
        self.link.order(&Order::Signal(signal), None).await;
    }

    /// Continues the command after a stop.
    pub(crate) async fn resume(&self) {
        self.link.order(&Order::Continue, None).await;
    }

    /// Stops the command and what it started: SIGTERM, and SIGKILL after the grace.
    pub(crate) async fn stop(&self) {
        self.link.order(&Order::Stop, None).await;
    }

    /// What happened next; `None` if the watchdog is gone without having said that the command
    /// is: then call [`Supervision::kill`]. Cancel-safe.
    pub(crate) async fn report(&mut self) -> Option<Report> {
        let report = self.link.report().await;
        if let Some(Report::Started(pid)) = report {
            self.group = Pid::from_raw(pid);
        }
        report
    }

    /// Reaps orphans that became ours and have ended: those of a whole PID namespace if we are its
    /// first process (pid_namespaces(7)), and what a command leaves behind on purpose.
    pub(crate) fn reap_orphans(&self) {
        tree::reap_others([Some(self.watchdog), self.group]);
    }

    /// The next signal that ends a wait in which there is no command yet. Cancel-safe.
    pub(crate) async fn interruption(&self, signals: &mut Signals) -> i32 {
        loop {
            match signals.next().await {
                libc::SIGCHLD => self.reap_orphans(),
                signal if signals::ends(signal) => return signal,
                _ => {}
            }
        }
    }

    /// The command's process group, once it has started.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.group
    }

    /// In the watchdog's place, after its death: kills what it watched over, and returns when
    /// nothing of it lives.
    pub(crate) async fn kill(&self) {
        const ROUND: Duration = Duration::from_millis(2);
        const QUICK_ROUNDS: u32 = 20;
        // Once the watchdog is reaped, its children are ours.
        reap(self.watchdog);
        // If the leader is there, though it may be dead, the group's number is its own.
        let group = self.group.filter(|&leader| tree::is_child(leader));
        if let Some(group) = group {
            tree::signal_group(group, Signal::KILL);
        }
        for round in 0u32.. {
            let search = if round < QUICK_ROUNDS {
                Search::Quick
            } else {
                Search::Thorough
            };
            let gone = match self.leftovers {
                Leftovers::Stop => {
                    tree::signal_descendants(Signal::KILL, None, search);
                    tree::reap_all()
                }
                Leftovers::Leave => group.is_none_or(tree::has_ended),
            };
            if gone {
                return;
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    /// Ends the watchdog, which has nothing to watch any more.
    pub(crate) fn end(self) {
        reap(self.watchdog);
    }
}

/// Ends a watchdog. One that is frozen would not end by itself.
fn reap(watchdog: Pid) {
    let _ = rustix::process::kill_process(watchdog, Signal::KILL);
    let _ = rustix::process::waitpid(Some(watchdog), WaitOptions::empty());
}
