//! The processes below this one: finding and signalling all of them.
//!
//! The watchdog is a child subreaper (prctl(2)), so whatever leaves the command's process group
//! by setsid(2) or a double fork is still below it. Nothing here allocates but [`Descendants::new`]
//! and [`Descendants::living`].

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::proc::{Proc, Stat};
use super::search::{PID_MAX_LIMIT, Search, each_child};
use super::unrelated::UnrelatedChild;
use crate::clock::Instant;

/// How many processes one walk can remember. Another one finds the others when these are gone.
const FOUND: usize = 1 << 16;

/// So many are found in most walks.
const LIKELY: usize = 1 << 12;

/// So many numbers a page of bits has.
const PAGE_OF_NUMBERS: i32 = 1 << 15;

/// proc(5) gives times in ticks of this length (USER_HZ, time(7)).
const TICK: Duration = Duration::from_millis(10);

/// The room that walks of the tree need.
pub(super) struct Descendants {
    found: Vec<Found>,
    /// These are not found, nor what is below them.
    unrelated: Vec<UnrelatedChild>,
    /// A bit for each number that SIGTERM was sent to, or need not be.
    told: Vec<u64>,
    /// When the telling began, in ticks.
    telling: Option<u64>,
}

/// A process, and where it was found.
#[derive(Clone, Copy)]
struct Found {
    pid: Pid,
    parent: i32,
}

/// Whom SIGTERM is not sent to along with the others.
#[derive(Clone, Copy)]
pub(super) struct Except {
    /// The group that is signalled at one stroke.
    pub(super) group: Option<Pid>,
    pub(super) watchdog: Option<Pid>,
}

impl Descendants {
    /// As much of its memory as most need is there from now on: when it is needed there may be none
    /// (cgroups(7)). All of it would be a quarter of what a waiter takes.
    pub(super) fn new(unrelated: Vec<UnrelatedChild>) -> Self {
        let nobody = Found {
            pid: Pid::INIT,
            parent: 0,
        };
        let mut found = Vec::with_capacity(FOUND);
        found.resize(LIKELY, nobody);
        found.clear();
        let mut told = vec![0; PID_MAX_LIMIT as usize / 64];
        // The numbers that are given next.
        let own = rustix::process::getpid().as_raw_nonzero().get();
        for number in [own, own.saturating_add(PAGE_OF_NUMBERS)] {
            if let Some(word) = told.get_mut(number as usize / 64) {
                *std::hint::black_box(word) = 0;
            }
        }
        Self {
            found,
            unrelated,
            told,
            telling: None,
        }
    }

    /// From now on this process is not found: it is none of the command's.
    pub(super) fn exclude(&mut self, pid: Pid) {
        self.unrelated.push(UnrelatedChild::new(pid));
    }

    /// Kills every process below this one that it finds, each at once: to find tens of thousands takes
    /// as long as the margin before the lock's end. What is forked meanwhile can be missed: call again
    /// until nothing is left.
    pub(super) fn kill(&mut self, search: Search) {
        self.inspect_each(search, |found, proc| found.signal(proc, &[Signal::KILL]));
    }

    /// Tells every process below this one to end that it finds, each one once: SIGTERM, and SIGCONT
    /// so that what is stopped can act on it.
    ///
    /// What was missed is found by another call. By then, what was told may have started others to
    /// help it to end: they are left alone.
    pub(super) fn tell(&mut self, except: Except) {
        let (now, first) = (ticks(), self.telling.is_none());
        let began = *self.telling.get_or_insert(now);
        let proc = self.inspect(Search::Quick);
        for index in 0..self.found.len() {
            let found = self.found[index];
            if except.watchdog == Some(found.pid) || !self.mark(found.pid) {
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

    /// The processes below this one that live: a child of ours first.
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

    /// What lives below this process, other than the watchdog, as far as it can be found. What cannot
    /// be looked at lives as long as it is there. For main, since it allocates.
    pub(super) fn living(&mut self, watchdog: Pid) -> Vec<Pid> {
        let proc = self.inspect(Search::Thorough);
        let lives = |found: &&Found| match proc.as_ref().and_then(|proc| found.stat(proc)) {
            Some(stat) => stat.lives(),
            None => rustix::process::test_kill_process(found.pid) != Err(Errno::SRCH),
        };
        let others = self.found.iter().filter(|found| found.pid != watchdog);
        others.filter(lives).map(|found| found.pid).collect()
    }

    /// Finds the processes below this one: all of them, or our children where there is no /proc,
    /// which it gives.
    fn inspect(&mut self, search: Search) -> Option<Proc> {
        self.inspect_each(search, |_, _| {})
    }

    /// The same, and shows each one when its children are known: if it ends of that, they are ours.
    fn inspect_each(
        &mut self,
        search: Search,
        mut show: impl FnMut(Found, Option<&Proc>),
    ) -> Option<Proc> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        self.found.clear();
        let proc = each_child(search, |number| self.note(number, own));
        let mut next = 0;
        while let Some(&found) = self.found.get(next) {
            next += 1;
            if let Some(proc) = &proc {
                let parent = found.pid.as_raw_nonzero().get();
                // A process that has ended meanwhile has no children any more.
                proc.each_child(parent, |number| self.note(number, parent));
            }
            show(found, proc.as_ref());
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

    /// Marks a number as told. False if it was.
    fn mark(&mut self, pid: Pid) -> bool {
        let number = pid.as_raw_nonzero().get() as usize;
        let Some(word) = self.told.get_mut(number / 64) else {
            return true;
        };
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

impl Found {
    /// What is known of it. Nothing is of one that is gone or hidden (hidepid, proc(5)).
    fn stat(self, proc: &Proc) -> Option<Stat> {
        proc.stat(self.pid.as_raw_nonzero().get())
    }

    /// Whether another process has its number by now.
    fn is_another(self, proc: &Proc) -> bool {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        // When a parent ends, its children become ours.
        self.stat(proc)
            .is_some_and(|stat| stat.parent != self.parent && stat.parent != own)
    }

    /// Signals it, and nobody who was given its number since. A child of our own keeps it until we
    /// reap it; of others, what a descriptor stands for stays the same (pidfd_open(2)), and with
    /// that in hand we look at whose child it is.
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
