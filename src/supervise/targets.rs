//! The processes that main signals itself when the watchdog does not act: the command's group, those
//! below main, and the watchdog.

use rustix::process::{Pid, Signal};

use super::descendants::{Descendants, Except};
use super::leader::Leader;
use super::search::Search;
use super::unrelated::UnrelatedChild;
use super::{LeftoverPolicy, children};

pub(super) struct Targets {
    watchdog: Pid,
    leftovers: LeftoverPolicy,
    /// The command's process, until it is known to be reaped.
    leader: Option<Leader>,
    /// Whether the look before this one found nothing alive.
    nothing_lived: bool,
    /// Made at the first use, from `unrelated`: most runs need none.
    descendants: Option<Descendants>,
    unrelated: Vec<UnrelatedChild>,
}

impl Targets {
    pub(super) fn new(
        watchdog: Pid,
        leftovers: LeftoverPolicy,
        unrelated: Vec<UnrelatedChild>,
    ) -> Self {
        Self {
            watchdog,
            leftovers,
            leader: None,
            nothing_lived: false,
            descendants: None,
            unrelated,
        }
    }

    /// The watchdog has started the command as this process.
    pub(super) fn command_started(&mut self, pid: i32) {
        self.leader = Pid::from_raw(pid).map(|pid| Leader::new(pid, self.watchdog));
    }

    /// The watchdog has reaped the command.
    pub(super) fn command_reaped(&mut self) {
        self.leader = None;
    }

    /// Whether the command's process runs, where that can be said.
    pub(super) fn leader_runs(&self) -> Option<bool> {
        self.leader.as_ref().and_then(Leader::runs)
    }

    /// This process is not the command's.
    pub(super) fn exclude(&mut self, pid: Pid) {
        self.descendants().exclude(pid);
    }

    /// The processes of the command that live, as far as that can be known.
    pub(super) fn survivors(&mut self) -> Vec<Pid> {
        let watchdog = self.watchdog;
        let mut found = self.descendants().living(watchdog);
        if self.leftovers == LeftoverPolicy::Leave {
            found.retain(|&pid| Some(pid) == self.group());
        }
        found
    }

    /// Sends SIGTERM to the command's group, and SIGCONT, so that what is stopped can act on it.
    pub(super) fn terminate_group(&mut self) {
        if let Some(leader) = &mut self.leader {
            leader.signal_group(&[Signal::TERM, Signal::CONT]);
        }
    }

    /// The same to what has left the group.
    pub(super) fn terminate_rest(&mut self) {
        if self.leftovers == LeftoverPolicy::Stop {
            let (group, watchdog) = (self.group(), Some(self.watchdog));
            self.descendants().terminate(Except { group, watchdog });
        }
    }

    /// Sends SIGKILL to the group, to the processes below main, and to the watchdog: when it dies its
    /// children become main's, and the command dies with it (prctl(2)).
    pub(super) fn kill(&mut self, search: Search) {
        if let Some(leader) = &mut self.leader {
            leader.signal_group(&[Signal::KILL]);
        }
        if children::is_child(self.watchdog) {
            let _ = rustix::process::kill_process(self.watchdog, Signal::KILL);
        }
        if self.leftovers == LeftoverPolicy::Stop {
            self.descendants().kill(search);
        }
    }

    /// Whether nothing of the command lives. Reaps children of main's that have ended.
    pub(super) fn are_gone(&mut self) -> bool {
        if self.leftovers == LeftoverPolicy::Leave {
            return self.leader.as_ref().is_none_or(Leader::has_ended);
        }
        if children::reap_all() {
            return true;
        }
        // The children that are left may be none of the command's: a watchdog that cannot die, or
        // unrelated ones. Then two looks, one after the other, have to find nothing alive: one alone
        // can miss a process that was forked meanwhile.
        let watchdog = self.watchdog;
        let nothing_lives = !self.descendants().lives(watchdog);
        std::mem::replace(&mut self.nothing_lived, nothing_lives) && nothing_lives
    }

    fn group(&self) -> Option<Pid> {
        self.leader.as_ref().map(|leader| leader.pid)
    }

    fn descendants(&mut self) -> &mut Descendants {
        let unrelated = &mut self.unrelated;
        self.descendants
            .get_or_insert_with(|| Descendants::new(std::mem::take(unrelated)))
    }
}
