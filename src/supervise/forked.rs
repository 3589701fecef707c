//! The first step of a run: the watchdog is forked, before there are threads and before the lock is
//! asked for.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::Pid;

use super::command::Command;
use super::event_sources::EventSources;
use super::fallback::Fallback;
use super::inherited::InheritedState;
use super::link::{self, MainEnd};
use super::unrelated::UnrelatedChild;
use super::watchdog::{self, Watchdog};
use super::{LeftoverPolicy, Supervision, children, host};

/// A watchdog that waits for the order to start a command. Dropping this kills the watchdog.
pub(crate) struct ForkedWatchdog {
    pub(super) watchdog: Pid,
    pub(super) socket: Option<OwnedFd>,
    pub(super) subreaper: Result<(), Errno>,
    pub(super) unrelated: Vec<UnrelatedChild>,
}

/// Forks the watchdog, which makes ready what it needs to execute a command: `words`, of which the
/// last ones will be the command, and its environment. Call it while the process has one thread
/// and little memory, which fork(2) has to copy, and before signals are listened to.
pub(crate) fn fork<E>(
    words: &[OsString],
    environment: impl FnOnce() -> E,
) -> io::Result<ForkedWatchdog>
where
    E: IntoIterator<Item = (OsString, OsString)>,
{
    let (main_end, watchdog_end) = link::pair()?;
    let sources = EventSources::new(watchdog_end)?;
    let inherited = InheritedState::take();
    let unrelated = UnrelatedChild::all();
    // If the watchdog is killed, the command and what it started become main's children (prctl(2)).
    let subreaper = host::become_subreaper();
    let ready = || Watchdog::new(Command::new(words, environment(), inherited), sources);
    let (watchdog, socket) = watchdog::fork(ready, main_end)?;
    Ok(ForkedWatchdog {
        watchdog,
        socket: Some(socket),
        subreaper,
        unrelated,
    })
}

impl ForkedWatchdog {
    /// Begins to supervise: `command` is how many of the last words are the command. Within a tokio
    /// runtime.
    ///
    /// # Errors
    /// The host lacks something without which the command cannot be ended for certain.
    pub(crate) fn supervise(
        mut self,
        command: usize,
        leftovers: LeftoverPolicy,
    ) -> io::Result<Supervision> {
        if let Err(error) = self.subreaper {
            host::can_do_without(leftovers, error)?;
        }
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        let unrelated = std::mem::take(&mut self.unrelated);
        Ok(Supervision {
            link: MainEnd::new(socket)?,
            watchdog: self.watchdog,
            watchdog_gone: false,
            fallback: Fallback::new(self.watchdog, leftovers, unrelated),
            command,
            leftovers,
            group: None,
            lock_keeper: None,
        })
    }
}

impl Drop for ForkedWatchdog {
    fn drop(&mut self) {
        if self.socket.is_some() {
            children::kill_and_reap(self.watchdog);
        }
    }
}
