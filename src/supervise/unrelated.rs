//! Children of ours that are none of the command's: those that this process had before it became
//! genlock (`Xvfb :9 & exec genlock run …`, in a shell), and what we start for ourselves.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags};

use super::children::{self, ChildEvent};
use super::descendants::{self, Search};
use super::leader;

/// Neither signalled nor waited for, nor is what is below it.
pub(super) struct UnrelatedChild {
    pid: Pid,
    /// Tells it from whom its number is given to later.
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

    /// The children that we have before there is a command. One that cannot be told from a later
    /// process (before Linux 5.3) is none: rather a bystander too few than one that is the command's.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        // One system call is all that it costs most runs.
        if !matches!(children::peek(), ChildEvent::NoChild) {
            descendants::each_child(Search::Quick, |number| {
                let child = Pid::from_raw(number).map(Self::new);
                all.extend(child.filter(|found| found.process.is_some()));
            });
        }
        all
    }

    /// Whether it is this process.
    pub(super) fn is(&self, pid: Pid) -> bool {
        let runs = || {
            self.process
                .as_ref()
                .is_none_or(|process| leader::runs(process) != Some(false))
        };
        self.pid == pid && runs()
    }
}
