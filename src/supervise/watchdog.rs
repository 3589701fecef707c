//! The watchdog: a process between main and the command that holds the deadline.
//!
//! It is forked while main has one thread, makes all ready that it will need, waits on four
//! descriptors, and makes system calls only: it does not allocate any more, so nothing that happens
//! to main or to memory keeps it from its deadline.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Pid, Signal};

use super::backoff::Backoff;
use super::children::{self, ChildEvent};
use super::command::{self, Command};
use super::descendants::{Descendants, Except};
use super::dispositions;
use super::event_sources::{EventSources, Ready};
use super::leftover::Leftover;
use super::lifecycle::{Lifecycle, Phase};
use super::link::{self, Received};
use super::message::{MAX_MESSAGE, WatchdogNotice, WatchdogOrder};
use super::{EndReason, LeftoverPolicy, TimeLimits};
use crate::clock::Instant;

/// The name in ps(1). It differs from main's, so that `killall -9 genlock` leaves the one alive
/// that stops the command.
pub(crate) const NAME: &std::ffi::CStr = c"lock-watchdog";

/// The watchdog's whole state.
pub(super) struct Watchdog {
    command: Command,
    leftovers: LeftoverPolicy,
    lifecycle: Lifecycle,
    message: Vec<u8>,
    sources: EventSources,
    executed: Option<OwnedFd>,
    /// The descriptor that the lock lives by for as long as it is open. The command inherits it,
    /// but not if it may leave something behind.
    inherit: Option<OwnedFd>,
    /// The command's process, until it is reaped; it leads its group.
    leader: Option<Pid>,
    /// The group's number, to tell its members by. After the leader is reaped it may not be
    /// signalled any more.
    group: Option<Pid>,
    killing: Backoff,
    telling: Backoff,
    /// When what has left the group is told to end once more.
    next_telling: Option<Instant>,
    descendants: Descendants,
}

impl Watchdog {
    pub(super) fn new(command: Command, sources: EventSources) -> Self {
        Self {
            command,
            leftovers: LeftoverPolicy::Stop,
            lifecycle: Lifecycle::new(),
            message: vec![0; MAX_MESSAGE],
            sources,
            executed: None,
            inherit: None,
            leader: None,
            group: None,
            killing: Backoff::for_kill(),
            telling: Backoff::for_term(),
            next_telling: None,
            descendants: Descendants::new(Vec::new()),
        }
    }

    /// Runs in the forked process, with every signal blocked, until nothing of the command lives
    /// or main ends without having started one.
    fn run(&mut self) {
        loop {
            if let Phase::Killing(_) = self.lifecycle.phase() {
                self.kill();
                self.look_at_children();
            }
            if let Phase::Gone(reason) = self.lifecycle.phase() {
                self.notify(WatchdogNotice::Gone(reason));
                return;
            }
            let ready = self.wait();
            if ready.executed {
                self.note_execution();
            }
            if ready.children {
                self.look_at_children();
            }
            // Before any order is carried out: to continue the command, say.
            if let Some(reason) = self.lifecycle.tick(Instant::now()) {
                self.notify(WatchdogNotice::Terminating(reason));
                self.tell_to_end();
            }
            if self.next_telling.is_some_and(|at| at <= Instant::now()) {
                self.tell_the_rest();
            }
            if ready.link && !self.obey() {
                return;
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self) -> Ready {
        let phase = self.lifecycle.phase();
        let timeout = match phase {
            Phase::Killing(_) => Some(self.killing.pause()),
            Phase::Terminating(..) => self.next_telling.map(Instant::left),
            _ => None,
        };
        self.sources.set_timer(self.lifecycle.next());
        // Once main is gone there is nobody to obey.
        let main_is_there = phase != Phase::Killing(EndReason::MainGone);
        self.sources
            .wait(main_is_there, self.executed.as_ref(), timeout)
    }

    /// Reads one order. False if main is gone and there is nothing to stop.
    fn obey(&mut self) -> bool {
        // Taken out for the time of one order, which borrows it.
        let mut message = std::mem::take(&mut self.message);
        let go_on = match link::receive(self.sources.link.as_fd(), &mut message) {
            Received::WatchdogOrder(order, passed) => {
                self.carry_out(order, passed);
                true
            }
            Received::Nothing => true,
            Received::Closed => {
                self.lifecycle.kill(EndReason::MainGone);
                self.lifecycle.phase() != Phase::NotStarted
            }
        };
        self.message = message;
        go_on
    }

    fn carry_out(&mut self, order: WatchdogOrder<'_>, passed: Option<OwnedFd>) {
        match order {
            WatchdogOrder::Start {
                limits,
                command,
                leftovers,
                foreground,
                environment,
            } => {
                self.inherit = passed;
                self.leftovers = leftovers;
                self.start(limits, command, environment, foreground);
            }
            WatchdogOrder::Deadline(deadline) => self.lifecycle.move_deadline(deadline),
            WatchdogOrder::Signal(number) => self.pass_on(number),
            WatchdogOrder::Continue => self.signal_group(Signal::CONT),
            WatchdogOrder::Stop => {
                if self.lifecycle.end(EndReason::Requested, Instant::now()) {
                    self.notify(WatchdogNotice::Terminating(EndReason::Requested));
                    self.tell_to_end();
                }
            }
        }
    }

    fn start(&mut self, limits: TimeLimits, words: usize, environment: &[u8], foreground: bool) {
        if !self.lifecycle.may_start(limits, Instant::now()) {
            self.notify(WatchdogNotice::TooLate);
            return;
        }
        if self.leftovers == LeftoverPolicy::Stop {
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        // The watchdog keeps it in any case: the lock must outlive the command.
        let inherit = match self.leftovers {
            LeftoverPolicy::Stop => self.inherit.as_ref().map(AsFd::as_fd),
            LeftoverPolicy::Leave => None,
        };
        let command = &mut self.command;
        match command.start(words, environment, foreground, inherit) {
            Ok(started) => {
                self.leader = Some(started.pid);
                self.group = Some(started.pid);
                self.executed = Some(started.executed);
                self.lifecycle.started(Instant::now());
                self.notify(WatchdogNotice::Started(started.pid.as_raw_nonzero().get()));
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                self.notify(WatchdogNotice::NotExecuted(errno));
                self.lifecycle.not_started();
            }
        }
    }

    fn note_execution(&mut self) {
        let executed = self.executed.take();
        if let Some(errno) = executed.as_ref().and_then(command::not_executed) {
            self.notify(WatchdogNotice::NotExecuted(errno));
        }
    }

    /// Passes a signal to the command. Once that has ended, a signal that would have ended it ends
    /// the patience with what it left behind.
    fn pass_on(&mut self, number: i32) {
        const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];
        self.notify(WatchdogNotice::PassedOn);
        if self.leader.is_some() {
            if let Some(signal) = Signal::from_named_raw(number) {
                self.signal_group(signal);
            }
        } else if let Phase::Terminating(reason, _) = self.lifecycle.phase()
            && ENDING.contains(&number)
        {
            self.lifecycle.kill(reason);
        }
    }

    fn look_at_children(&mut self) {
        self.sources.drain_children();
        loop {
            match children::peek() {
                ChildEvent::Ended(pid) if Some(pid) == self.leader => self.command_ended(pid),
                ChildEvent::Ended(pid) => {
                    children::reap(pid);
                }
                ChildEvent::Stopped(pid, signal) => {
                    children::consume_stop(pid);
                    if Some(pid) == self.leader {
                        self.notify(WatchdogNotice::Stopped(signal));
                    }
                }
                ChildEvent::Nothing => return,
                ChildEvent::NoChild => {
                    self.lifecycle.gone();
                    return;
                }
            }
        }
    }

    /// The command itself has ended; what it started may live.
    fn command_ended(&mut self, leader: Pid) {
        self.note_execution();
        let by_itself = self.lifecycle.phase() == Phase::Running;
        self.lifecycle.ended(Instant::now());
        if by_itself
            && self.leftovers == LeftoverPolicy::Stop
            && let Some(left) = Leftover::find(&mut self.descendants)
        {
            self.notify(WatchdogNotice::Leftover(left));
        }
        // Before it is reaped: until then the group's number is its own. It was told already when it
        // did not end by itself.
        match self.leftovers {
            LeftoverPolicy::Stop if by_itself => {
                self.signal_group(Signal::TERM);
                self.signal_group(Signal::CONT);
            }
            LeftoverPolicy::Leave if !by_itself => self.signal_group(Signal::KILL),
            _ => {}
        }
        self.leader = None;
        if let Some(status) = children::reap(leader) {
            self.notify(WatchdogNotice::Ended(status.as_raw()));
        }
        if self.leftovers == LeftoverPolicy::Leave {
            self.lifecycle.gone();
        } else if by_itself && !children::reap_all() {
            // Rare, so that most commands cost no walk of the tree.
            self.tell_the_rest();
        }
    }

    /// SIGTERM to all, and SIGCONT so that what is stopped can act on it; no more than that if it
    /// is to be killed anyway. The group at one stroke, then what has left it.
    fn tell_to_end(&mut self) {
        if let Phase::Terminating(..) = self.lifecycle.phase() {
            self.signal_group(Signal::TERM);
            self.signal_group(Signal::CONT);
            self.tell_the_rest();
        }
    }

    /// What has left the group, found round after round until the grace is over: among those that
    /// start others and end, one walk misses some.
    fn tell_the_rest(&mut self) {
        self.next_telling = None;
        if self.leftovers == LeftoverPolicy::Stop
            && matches!(self.lifecycle.phase(), Phase::Terminating(..))
        {
            let begun = Instant::now();
            self.descendants.tell(Except {
                group: self.group,
                watchdog: None,
            });
            let now = Instant::now();
            self.next_telling = Some(now + self.telling.pause_after(now.since(begun)));
        }
    }

    /// SIGKILL to all.
    fn kill(&mut self) {
        self.signal_group(Signal::KILL);
        if self.leftovers == LeftoverPolicy::Stop {
            self.descendants.kill(self.killing.search());
        }
    }

    fn signal_group(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            children::signal_group(leader, signal);
        }
    }

    fn notify(&self, notice: WatchdogNotice) {
        link::send(self.sources.link.as_fd(), notice);
    }
}

/// Forks the watchdog that `ready` makes, with every signal blocked in it. The process must have
/// one thread.
pub(super) fn fork(
    ready: impl FnOnce() -> Watchdog,
    main_end: OwnedFd,
) -> io::Result<(Pid, OwnedFd)> {
    let mask = dispositions::block_signals();
    // SAFETY: the process has one thread, so that the child is a whole copy of it.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        drop(main_end);
        // A panic must not run main's clean-up in this copy of it.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = rustix::thread::set_name(NAME);
            let _ = rustix::process::setpgid(None, None);
            ready().run();
        }));
        // SAFETY: _exit(2) runs none of main's clean-up, of which this is a copy.
        unsafe { libc::_exit(0) }
    }
    let error = io::Error::last_os_error();
    dispositions::set_mask(&mask);
    // A number that is below zero is none, and not even to be looked at.
    match Pid::from_raw(forked.max(0)) {
        Some(pid) => Ok((pid, main_end)),
        None => Err(error),
    }
}
