//! Children of genlock that do not belong to the command: those that this process had before it
//! executed genlock (a shell's `Xvfb :9 & exec genlock run …`), and the lock keeper.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags};

use super::children::{self, ChildEvent};
use super::leader;
use super::search::{self, Search};

/// A child that is neither signalled nor waited for, and whose descendants are not either.
pub(super) struct UnrelatedChild {
    pid: Pid,
    /// A pidfd (pidfd_open(2)): tells it from a later process with the same number.
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

    /// All children, before there is a command. Without pidfds (before Linux 5.3) none: a later
    /// process of the command with the same number would be taken for it, and live on.
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

    /// Whether this process is that child.
    pub(super) fn is(&self, pid: Pid) -> bool {
        let runs = || {
            self.process
                .as_ref()
                .is_none_or(|process| leader::runs(process) != Some(false))
        };
        self.pid == pid && runs()
    }
}
