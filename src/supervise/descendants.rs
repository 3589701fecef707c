//! The processes below this one: finding and signalling all of them.
//!
//! The watchdog is a child subreaper (prctl(2)), so whatever leaves the command's process group
//! by setsid(2) or a double fork is still below it. What the watchdog calls once it is ready does not
//! allocate: all but [`Descendants::new`], and [`Descendants::exclude`] and [`Descendants::living`],
//! which are main's.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::proc::{Proc, Stat};
use super::search::{PID_MAX_LIMIT, Search, each_child};
use super::unrelated::UnrelatedChild;
use crate::clock::Instant;

/// How many processes one walk can hold. A later walk finds the others, once these are gone.
const FOUND: usize = 1 << 16;

/// Most walks find fewer than this.
const LIKELY: usize = 1 << 12;

/// How many process numbers a page of memory (4 KiB) has a bit for.
const PIDS_PER_PAGE: i32 = 1 << 15;

/// proc(5) gives times in ticks of this length (USER_HZ, time(7)).
const TICK: Duration = Duration::from_millis(10);

/// The memory that walks of the process tree need.
pub(super) struct Descendants {
    found: Vec<Found>,
    /// Children that a walk leaves out, with all below them.
    unrelated: Vec<UnrelatedChild>,
    /// A bit for each process number: set once SIGTERM was sent to the process, or need not be.
    terminated: Vec<u64>,
    /// When the first round of SIGTERM began, in ticks since boot.
    terminating_since: Option<u64>,
}

/// A process, and the parent that it was found below.
#[derive(Clone, Copy)]
struct Found {
    pid: Pid,
    parent: i32,
}

/// Processes that a round of SIGTERM leaves out.
#[derive(Clone, Copy)]
pub(super) struct Except {
    /// The command's process group, which was signalled as a whole.
    pub(super) group: Option<Pid>,
    pub(super) watchdog: Option<Pid>,
}

impl Descendants {
    /// Touches the memory that most walks need, so that the kernel provides it now: later a cgroup may
    /// have none left (cgroups(7)). All of it would be a quarter of the memory that a waiter takes.
    pub(super) fn new(unrelated: Vec<UnrelatedChild>) -> Self {
        let nobody = Found {
            pid: Pid::INIT,
            parent: 0,
        };
        let mut found = Vec::with_capacity(FOUND);
        found.resize(LIKELY, nobody);
        found.clear();
        let mut terminated = vec![0; PID_MAX_LIMIT as usize / 64];
        // The pages for the process numbers that the kernel gives out next.
        let own = rustix::process::getpid().as_raw_nonzero().get();
        for number in [own, own.saturating_add(PIDS_PER_PAGE)] {
            if let Some(word) = terminated.get_mut(number as usize / 64) {
                *std::hint::black_box(word) = 0;
            }
        }
        Self {
            found,
            unrelated,
            terminated,
            terminating_since: None,
        }
    }

    /// Leaves this child out from now on: it is not the command's.
    pub(super) fn exclude(&mut self, pid: Pid) {
        self.unrelated.push(UnrelatedChild::new(pid));
    }

    /// Sends SIGKILL to every process below this one, to each as soon as it is found: to find tens of
    /// thousands takes as long as the margin before the lock's end. Processes that are forked meanwhile
    /// can be missed: call it again until nothing is left.
    pub(super) fn kill(&mut self, search: Search) {
        self.inspect_each(search, |found, proc| found.signal(proc, &[Signal::KILL]));
    }

    /// Sends SIGTERM to every process below this one, to each once, and SIGCONT so that one that is
    /// stopped can act on it.
    ///
    /// A later call finds what this one missed. It leaves out processes that started after the first
    /// call: a process that was sent SIGTERM may have started them to clean up.
    pub(super) fn terminate(&mut self, except: Except) {
        let (now, first) = (ticks(), self.terminating_since.is_none());
        let began = *self.terminating_since.get_or_insert(now);
        let proc = self.inspect(Search::Quick);
        for index in 0..self.found.len() {
            let found = self.found[index];
            if except.watchdog == Some(found.pid) || !self.mark_terminated(found.pid) {
                continue;
            }
            let group = except.group.is_some()
                && rustix::process::getpgid(Some(found.pid)).ok() == except.group;
            let start = proc.as_ref().and_then(|proc| found.stat(proc));
            let to_clean_up = start.is_some_and(|stat| stat.start >= began + u64::from(first));
            if !group && !to_clean_up {
                found.signal(proc.as_ref(), &[Signal::TERM, Signal::CONT]);
            }
        }
    }

    /// The numbers of the processes below this one that live, its own children first.
    pub(super) fn all_living<'a>(&'a mut self, proc: &'a Proc) -> impl Iterator<Item = i32> {
        self.inspect(Search::Quick);
        let lives = |found: &&Found| found.stat(proc).is_some_and(|stat| stat.lives());
        let living = self.found.iter().filter(lives);
        living.map(|found| found.pid.as_raw_nonzero().get())
    }

    /// Whether anything below this process lives, other than the watchdog. True also where that
    /// cannot be known.
    pub(super) fn lives(&mut self, watchdog: Pid) -> bool {
        let Some(proc) = self.inspect(Search::Quick) else {
            return true;
        };
        let mut others = self.found.iter().filter(|found| found.pid != watchdog);
        others.any(|found| found.stat(&proc).is_none_or(|stat| stat.lives()))
    }

    /// The processes that live below this one, other than the watchdog, as far as they can be found.
    /// One that proc(5) does not show counts as alive while its number exists.
    pub(super) fn living(&mut self, watchdog: Pid) -> Vec<Pid> {
        let proc = self.inspect(Search::Thorough);
        let lives = |found: &&Found| match proc.as_ref().and_then(|proc| found.stat(proc)) {
            Some(stat) => stat.lives(),
            None => rustix::process::test_kill_process(found.pid) != Err(Errno::SRCH),
        };
        let others = self.found.iter().filter(|found| found.pid != watchdog);
        others.filter(lives).map(|found| found.pid).collect()
    }

    /// Finds the processes below this one; where there is no /proc its children only. Gives the /proc.
    fn inspect(&mut self, search: Search) -> Option<Proc> {
        self.inspect_each(search, |_, _| {})
    }

    /// The same, and calls `act` with each process once its children are noted: if `act` ends it, they
    /// get another parent, and would not be found below it any more.
    fn inspect_each(
        &mut self,
        search: Search,
        mut act: impl FnMut(Found, Option<&Proc>),
    ) -> Option<Proc> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        self.found.clear();
        let proc = each_child(search, |number| self.note(number, own));
        let mut next = 0;
        while let Some(&found) = self.found.get(next) {
            next += 1;
            if let Some(proc) = &proc {
                let parent = found.pid.as_raw_nonzero().get();
                // Fails for one that has ended meanwhile: it has no children any more.
                proc.each_child(parent, |number| self.note(number, parent));
            }
            act(found, proc.as_ref());
        }
        proc
    }

    fn note(&mut self, number: i32, parent: i32) {
        if let Some(pid) = Pid::from_raw(number)
            && !self.unrelated.iter().any(|child| child.is(pid))
            && self.found.len() < FOUND
        {
            self.found.push(Found { pid, parent });
        }
    }

    /// Sets the bit of a process number. False if it was set.
    fn mark_terminated(&mut self, pid: Pid) -> bool {
        let number = pid.as_raw_nonzero().get() as usize;
        let Some(word) = self.terminated.get_mut(number / 64) else {
            return true;
        };
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

impl Found {
    /// What proc(5) says of it; `None` if it is gone, or hidden (hidepid).
    fn stat(self, proc: &Proc) -> Option<Stat> {
        proc.stat(self.pid.as_raw_nonzero().get())
    }

    /// Whether its number is another process's by now.
    fn is_another(self, proc: &Proc) -> bool {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        // When its parent ends it becomes a child of this process, the subreaper.
        self.stat(proc)
            .is_some_and(|stat| stat.parent != self.parent && stat.parent != own)
    }

    /// Signals it, and never a later process with the same number. A child of this process keeps its
    /// number until it is reaped. Of any other a pidfd is opened, which stays with one process
    /// (pidfd_open(2)), and only then its parent is looked at.
    fn signal(self, proc: Option<&Proc>, signals: &[Signal]) {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut process = None;
        if let Some(proc) = proc.filter(|_| self.parent != own) {
            let open = rustix::process::pidfd_open(self.pid, PidfdFlags::empty());
            if open.as_ref().is_err_and(|&error| error == Errno::SRCH) || self.is_another(proc) {
                return;
            }
            process = open.ok();
        }
        for &signal in signals {
            // Fails if it is gone, or belongs to another user (a set-user-ID program).
            let _ = match &process {
                Some(process) => rustix::process::pidfd_send_signal(process, signal),
                None => rustix::process::kill_process(self.pid, signal),
            };
        }
    }
}

/// The present moment as proc(5) gives times.
fn ticks() -> u64 {
    let now = Instant::now().since_boot();
    u64::try_from(now.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX - 1)
}
