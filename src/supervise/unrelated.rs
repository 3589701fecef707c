//! Children of genlock that do not belong to the command: those that this process had before it
//! executed genlock (a shell's `Xvfb :9 & exec genlock run …`), and the lock keeper.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags};

use super::children::{self, ChildEvent};
use super::leader;
use super::search::{self, Search};

/// A child that is neither signalled nor waited for, nor is anything below it.
pub(super) struct UnrelatedChild {
    pid: Pid,
    /// A pidfd, which stays with one process (pidfd_open(2)): a later one may have the same number.
    process: Option<OwnedFd>,
}

impl UnrelatedChild {
    /// For a child of ours that has not been reaped.
    pub(super) fn new(pid: Pid) -> Self {
        Self {
            pid,
            process: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
        }
    }

    /// All children that there are before the command. None where there are no pidfds (before Linux
    /// 5.3): a process of the command's that got the number of such a child later would not be
    /// killed.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        // Most runs have none, and pay one system call.
        if !matches!(children::peek(), ChildEvent::NoChild) {
            search::each_child(Search::Quick, |number| {
                let child = Pid::from_raw(number).map(Self::new);
                all.extend(child.filter(|found| found.process.is_some()));
            });
        }
        all
    }

    /// Whether the process with this number is that child.
    pub(super) fn is(&self, pid: Pid) -> bool {
        let runs = || {
            self.process
                .as_ref()
                .is_none_or(|process| leader::runs(process) != Some(false))
        };
        self.pid == pid && runs()
    }
}
