//! The command's process, seen from main: a child of the watchdog's. When the watchdog ends it becomes
//! main's child, or, where there is no subreaper, that of a process outside of genlock.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::children;
use super::proc::Proc;

/// The process that leads the command's group, which by the watchdog's last notice is not reaped yet.
pub(super) struct Leader {
    pub(super) pid: Pid,
    /// A pidfd, which stays with one process (pidfd_open(2)); `None` where there are none.
    process: Option<OwnedFd>,
    watchdog: Pid,
    /// Its group was signalled although nothing but the watchdog's last notice said that the number was
    /// still its own.
    taken_on_trust: bool,
}

impl Leader {
    pub(super) fn new(pid: Pid, watchdog: Pid) -> Self {
        Self {
            pid,
            process: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
            watchdog,
            taken_on_trust: false,
        }
    }

    /// Signals its group, as long as no other can have the number: the leader may have ended, but was
    /// not reaped.
    pub(super) fn signal_group(&mut self, signals: &[Signal]) {
        if self.keeps_its_number() {
            for &signal in signals {
                children::signal_group(self.pid, signal);
            }
        }
    }

    fn keeps_its_number(&mut self) -> bool {
        if self.runs() == Some(true) || children::is_child(self.pid) {
            return true;
        }
        match Proc::open() {
            Some(proc) => {
                let stat = proc.stat(self.pid.as_raw_nonzero().get());
                let parent = stat.and_then(|stat| Pid::from_raw(stat.parent));
                parent == Some(self.watchdog)
            }
            // The watchdog's last notice is believed once: it may have reaped the process since. After
            // the watchdog's death the process is main's child.
            None => !std::mem::replace(&mut self.taken_on_trust, true),
        }
    }

    /// Whether it has ended. Reaps it if it is main's child.
    pub(super) fn has_ended(&self) -> bool {
        let runs = self.runs().unwrap_or_else(|| {
            let stat = Proc::open().and_then(|proc| proc.stat(self.pid.as_raw_nonzero().get()));
            stat.is_some_and(|stat| stat.lives())
        });
        children::has_ended(self.pid) && !runs
    }

    /// Whether it runs, where that can be said.
    pub(super) fn runs(&self) -> Option<bool> {
        runs(self.process.as_ref()?)
    }
}

/// Whether a process runs, where that can be said (pidfd_open(2)).
pub(super) fn runs(process: &OwnedFd) -> Option<bool> {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let ended = rustix::event::poll(&mut ended, Some(&at_once)).ok()?;
    Some(ended == 0)
}
