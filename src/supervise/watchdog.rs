//! The watchdog: a process between main and the command that holds the deadline.
//!
//! It is forked while main has one thread, and makes ready all that it will need. From then on it
//! waits on four descriptors and makes system calls only, without allocating: neither main nor a lack
//! of memory keeps it from its deadline.

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
use super::{EndReason, LeftoverPolicy, TimeLimits, footprint};
use crate::clock::Instant;

/// The name in ps(1). It differs from main's, so that `killall -9 genlock` leaves the watchdog alive,
/// which then ends the command.
pub(crate) const NAME: &std::ffi::CStr = c"lock-watchdog";

/// The watchdog's whole state.
pub(super) struct Watchdog {
    command: Command,
    leftovers: LeftoverPolicy,
    lifecycle: Lifecycle,
    message: Vec<u8>,
    sources: EventSources,
    executed: Option<OwnedFd>,
    /// The lock's descriptor, where the lock is held as long as that is open anywhere (file store). The
    /// command inherits it, unless it may leave processes behind.
    inherit: Option<OwnedFd>,
    /// The command's process, until it is reaped; it leads its group.
    leader: Option<Pid>,
    /// The group's number, to know its members by. It must not be signalled once the leader is reaped:
    /// it can be another group's then.
    group: Option<Pid>,
    kill_rounds: Backoff,
    term_rounds: Backoff,
    /// When SIGTERM is next sent to what has left the group.
    next_term_round: Option<Instant>,
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
            kill_rounds: Backoff::for_kill(),
            term_rounds: Backoff::for_term(),
            next_term_round: None,
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
                self.inherit = None; // No exit's time to wait for where it is a lock over files.
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
            // What is due comes before any order.
            if let Some(reason) = self.lifecycle.tick(Instant::now()) {
                self.notify(WatchdogNotice::Terminating(reason));
                self.terminate();
            }
            if self.next_term_round.is_some_and(|at| at <= Instant::now()) {
                self.terminate_rest();
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
            Phase::Killing(_) => Some(self.kill_rounds.pause()),
            Phase::Terminating(..) => self.next_term_round.map(Instant::left),
            _ => None,
        };
        self.sources.set_timer(self.lifecycle.next());
        // After main's end no order comes, and the link would be readable for ever.
        let main_is_there = phase != Phase::Killing(EndReason::MainGone);
        self.sources
            .wait(main_is_there, self.executed.as_ref(), timeout)
    }

    /// Reads one order and carries it out. False if main is gone and no command was started.
    fn obey(&mut self) -> bool {
        // Taken out of `self` while the order borrows it.
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
            WatchdogOrder::Deadline(deadline) => {
                self.lifecycle.move_deadline(deadline);
                footprint::give_back();
            }
            WatchdogOrder::Signal(number) => self.pass_on(number),
            WatchdogOrder::Continue => self.signal_group(Signal::CONT),
            WatchdogOrder::Stop => {
                if self.lifecycle.end(EndReason::Requested, Instant::now()) {
                    self.notify(WatchdogNotice::Terminating(EndReason::Requested));
                    self.terminate();
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
        // The watchdog keeps it open in any case: the lock must outlive the command.
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

    /// Passes a signal to the command's process group. After the command's end, a signal that ends
    /// processes has what it left behind killed at once, before the grace is over.
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
        // Before the leader is reaped, while no other group can have the number. If the command did not
        // end by itself the group was sent SIGTERM before.
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
            // Children are left, which is rare: most commands cost no walk of the tree.
            self.terminate_rest();
        }
    }

    /// Sends SIGTERM, and SIGCONT so that what is stopped can act on it, to the group as a whole, then
    /// to what has left it. Nothing if SIGKILL is due already.
    fn terminate(&mut self) {
        if let Phase::Terminating(..) = self.lifecycle.phase() {
            self.signal_group(Signal::TERM);
            self.signal_group(Signal::CONT);
            self.terminate_rest();
        }
    }

    /// Sends them to what has left the group, and again until the grace is over: one walk of the tree
    /// misses some of many short-lived processes that start others.
    fn terminate_rest(&mut self) {
        self.next_term_round = None;
        if self.leftovers == LeftoverPolicy::Stop
            && matches!(self.lifecycle.phase(), Phase::Terminating(..))
        {
            let begun = Instant::now();
            self.descendants.terminate(Except {
                group: self.group,
                watchdog: None,
            });
            let now = Instant::now();
            self.next_term_round = Some(now + self.term_rounds.pause_after(now.since(begun)));
        }
    }

    /// Sends SIGKILL to the group, and to what has left it.
    fn kill(&mut self) {
        self.signal_group(Signal::KILL);
        if self.leftovers == LeftoverPolicy::Stop {
            self.descendants.kill(self.kill_rounds.search());
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
        // A panic must not unwind into main's code, and run its clean-up in this copy of main.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = rustix::thread::set_name(NAME);
            let _ = rustix::process::setpgid(None, None);
            // Not dropped: main waits for this process to end.
            std::mem::ManuallyDrop::new(ready()).run();
        }));
        // SAFETY: it runs none of main's clean-up.
        unsafe { libc::_exit(0) }
    }
    let error = io::Error::last_os_error();
    dispositions::set_mask(&mask);
    // `from_raw` takes no negative number; zero is none either.
    match Pid::from_raw(forked.max(0)) {
        Some(pid) => Ok((pid, main_end)),
        None => Err(error),
    }
}
