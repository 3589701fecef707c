//! The command's process as main sees it: the watchdog's child, which becomes ours when the watchdog
//! ends, or nobody's that we know where there is no subreaper.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::children;
use super::proc::Proc;

/// The process that leads the command's group, by the watchdog's last word not reaped yet.
pub(super) struct Leader {
    pub(super) pid: Pid,
    /// Stands for it, whoever has its number later; `None` where that is not to be had.
    process: Option<OwnedFd>,
    watchdog: Pid,
    /// Its group was signalled on nothing but the watchdog's word.
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

    /// Signals its group while the number is the group's own: it has not been reaped, though it may
    /// be dead.
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
            // By its last word the watchdog has not reaped it; and later it may be our own to reap.
            None => !std::mem::replace(&mut self.taken_on_trust, true),
        }
    }

    /// Whether it has ended. If it is ours it is reaped.
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
