//! The command while the lock is held: what happens to it, and how genlock ends for it.

use std::io;

use super::leaving::Leaving;
use super::not_executed;
use super::start::{Start, Starting};
use super::stopped;
use super::survivors::{self, Survivors};
use crate::cli::locking::EventStream;
use crate::cli::report::stopping;
use crate::cli::settings::RunOptions;
use crate::clock::{Instant, until};
use crate::describe;
use crate::events::{EventKind, StopReason};
use crate::exit::{self, Exit};
use crate::locker::{Held, Loss, Variable};
use crate::stderr;
use crate::supervise::signals::{self, Signals};
use crate::supervise::terminal::Terminal;
use crate::supervise::{EndReason, Supervision, WATCHDOG_DELAY, WatchdogNotice};

/// How the command ended.
pub(super) enum Ended {
    /// It ran, or could not be run, and nothing of it lives: how genlock ends.
    With(Exit),
    /// Processes of it still live, and are left behind together with the lock: how genlock ends.
    Left(Exit),
    /// It was not started, because the lock was lost before.
    NotStarted(Loss),
}

/// The command while the lock is held.
pub(super) struct Running<'a> {
    options: &'a RunOptions,
    held: &'a Held,
    /// What is added to the command's environment.
    variables: &'a [Variable],
    supervision: Supervision,
    terminal: Option<Terminal>,
    events: &'a EventStream,
    loss: Option<Loss>,
    not_executed: Option<i32>,
    status: Option<i32>,
    /// The command died of a signal while it had the terminal.
    killed_in_foreground: bool,
    /// The signal that stopped the command, after which we tried to stop too; and when to continue it if
    /// no SIGCONT has come by then: the kernel did not stop us, as our process group is orphaned and
    /// nobody could continue it (setpgid(2)).
    unstopped: Option<(i32, Instant)>,
    /// The command was told to end, or killed.
    ending: bool,
    survivors: Survivors,
    leaving: Leaving,
    /// Why the command was stopped, if that line was written while the command had drawn over the
    /// terminal: it is said again once the terminal is ours.
    overdrawn: Option<String>,
}

impl<'a> Running<'a> {
    pub(super) fn new(
        options: &'a RunOptions,
        held: &'a Held,
        variables: &'a [Variable],
        supervision: Supervision,
        events: &'a EventStream,
    ) -> Self {
        Self {
            options,
            held,
            variables,
            supervision,
            terminal: Terminal::open(),
            events,
            loss: None,
            not_executed: None,
            status: None,
            killed_in_foreground: false,
            unstopped: None,
            ending: false,
            survivors: Survivors::default(),
            leaving: Leaving::default(),
            overdrawn: None,
        }
    }

    /// Whether the lock was lost while the command ran.
    pub(super) fn is_lost(&self) -> bool {
        self.loss.is_some()
    }

    /// Whether the command was executed, as far as is known.
    pub(super) fn is_executed(&self) -> bool {
        self.not_executed.is_none()
    }

    /// The command's wait status, if it ran.
    pub(super) fn status(&self) -> Option<i32> {
        self.status
    }

    /// Gives the supervision back, whose command is over.
    pub(super) fn over(self) -> Supervision {
        self.supervision
    }

    /// Starts the command and follows it until nothing of it lives.
    pub(super) async fn run(&mut self, signals: &mut Signals) -> Ended {
        let starting = Starting {
            options: self.options,
            held: self.held,
            variables: self.variables,
            foreground: self.terminal.as_mut().is_some_and(Terminal::give_at_start),
        };
        // Without a terminal there is no shell that would continue the command after Ctrl-Z.
        if self.terminal.is_some() {
            signals.catch_stops();
        }
        let ended = self.start(&starting, signals).await;
        signals.leave_stops();
        ended
    }

    async fn start(&mut self, starting: &Starting<'_>, signals: &mut Signals) -> Ended {
        let exit = match starting.start(&mut self.supervision, signals).await {
            Start::Done(report) => {
                self.note(report).await;
                return self.follow(signals).await;
            }
            Start::Impossible(error) => not_executed::say(self.options, &error),
            Start::Lost(loss) => return Ended::NotStarted(loss),
            Start::Interrupted(signal) => Exit::Signal(signal),
            Start::NoWatchdog(why, signal) => {
                // The command is not known to have run: the lock counts as lost only if it is.
                self.loss = self.held.ownership().loss();
                self.note(WatchdogNotice::Terminating(why)).await;
                self.supervision.kill(why);
                match self.follow(signals).await {
                    Ended::With(_) => signal.map_or(Exit::Status(exit::INTERNAL), Exit::Signal),
                    left => return left,
                }
            }
        };
        Ended::With(exit)
    }

    async fn follow(&mut self, signals: &mut Signals) -> Ended {
        let mut ownership = self.held.ownership();
        let why = loop {
            let unstopped = self.unstopped.map(|(_, at)| at);
            let survivors = self.survivors.due(&self.supervision);
            tokio::select! {
                biased;
                report = self.supervision.next_notice() => match report {
                    WatchdogNotice::Gone(why) => break why,
                    report => self.note(report).await,
                },
                signal = signals.next() => match signal {
                    libc::SIGCONT => self.resume().await,
                    libc::SIGCHLD => self.supervision.reap_orphans(),
                    signal if signals::ends(signal) && self.survivors.note_signal() => {
                        let lost = self.loss.map(|_| self.options.lost_exit_code);
                        let left = survivors::leave(self.held, &mut self.supervision, lost, signal);
                        if let Some(exit) = left {
                            self.take_terminal_back();
                            return Ended::Left(exit);
                        }
                    }
                    signal => {
                        self.leaving.note_signal(signal);
                        self.supervision.signal(signal).await;
                    }
                },
                () = ownership.changed(), if self.loss.is_none() => match ownership.loss() {
                    Some(loss) => self.lost(loss).await,
                    None => if let Some(moved) = ownership.deadline() {
                        self.supervision.move_deadline(moved).await;
                    },
                },
                () = until(unstopped) => self.resume_orphan().await,
                () = until(survivors) => self.survivors.say(self.held, &mut self.supervision),
            }
        };
        if why == EndReason::Deadline {
            self.note(WatchdogNotice::Terminating(EndReason::Deadline))
                .await;
        }
        self.take_terminal_back();
        if let Some(why) = &self.overdrawn {
            stderr::complain(format_args!(
                "{}: {why}: the command was stopped",
                self.key()
            ));
        }
        Ended::With(self.exit(why))
    }

    async fn note(&mut self, report: WatchdogNotice) {
        match report {
            WatchdogNotice::NotExecuted(errno) => self.not_executed = Some(errno),
            WatchdogNotice::Stopped(signal) => self.stopped(signal).await,
            WatchdogNotice::Terminating(why) => {
                self.ending = true;
                match why {
                    EndReason::Deadline if self.loss.is_none() => {
                        self.loss = Some(Loss::Expired);
                        let why = self.events.state().retrying();
                        let why = why.unwrap_or_else(|| Loss::Expired.to_string());
                        self.stopping(StopReason::LockLost(why));
                    }
                    EndReason::MaxRuntime => self.stopping(StopReason::MaxRuntime),
                    EndReason::WatchdogGone => self.stopping(StopReason::WatchdogGone),
                    EndReason::WatchdogFrozen => self.stopping(StopReason::WatchdogFrozen),
                    _ => {}
                }
            }
            WatchdogNotice::Ended(status) => {
                self.status = Some(status);
                self.take_terminal_back();
                self.leaving.note_end(self.options, status);
            }
            WatchdogNotice::Leftover(left) => self.leaving.note(left),
            WatchdogNotice::TooLate
            | WatchdogNotice::Started(_)
            | WatchdogNotice::PassedOn
            | WatchdogNotice::Gone(_) => {}
        }
    }

    /// The command was stopped. If it was stopped because it is not in the terminal's foreground, and we are,
    /// it is put there and continued. Otherwise we stop too, so that the shell sees it.
    async fn stopped(&mut self, signal: i32) {
        // Without a terminal there is no shell that would continue us, and the lock has to be renewed.
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        if wants_terminal(signal)
            && let Some(group) = self.supervision.group()
            && terminal.give_on_request(group)
        {
            return self.supervision.resume().await;
        }
        // A command that is being ended needs no stop of ours. And if we have already stopped for it,
        // this notice is from before we were continued: the command is about to be continued too.
        if self.ending || self.unstopped.is_some() {
            return;
        }
        terminal.take_back();
        stopped::say(&self.options.lock, self.held);
        // Not continued right here: a shell's `kill %1` sends SIGTERM and then SIGCONT. Both are in the
        // queue of signals when we run again, and are passed on in that order, so that the command does
        // not run on before its SIGTERM.
        terminal.stop_ourselves();
        self.unstopped = Some((signal, Instant::now() + WATCHDOG_DELAY));
    }

    async fn lost(&mut self, loss: Loss) {
        self.loss = Some(loss);
        self.ending = true;
        self.supervision.stop().await;
        let by = self.events.state().taken_away();
        let why = match by.filter(|_| loss == Loss::TakenAway) {
            Some(by) => describe::taken_away(&by),
            None => loss.to_string(),
        };
        self.stopping(StopReason::LockLost(why));
    }

    fn stopping(&mut self, why: StopReason) {
        if self.terminal.as_ref().is_some_and(Terminal::is_drawn_on) {
            self.overdrawn = Some(stopping(&why));
        }
        self.events.tell(EventKind::Stopping(why));
    }

    /// Continues the command: first it gets the terminal, then SIGCONT.
    async fn resume(&mut self) {
        self.unstopped = None;
        if let (Some(terminal), Some(group)) = (&mut self.terminal, self.supervision.group()) {
            terminal.give(group);
        }
        self.supervision.resume().await;
    }

    /// Continues the command after a stop in which nobody could continue us. As the kernel does it with an
    /// orphaned process group (setpgid(2)): SIGHUP and SIGCONT; SIGHUP only if the command was stopped
    /// because it is not in the terminal's foreground.
    async fn resume_orphan(&mut self) {
        if self
            .unstopped
            .is_some_and(|(signal, _)| wants_terminal(signal))
        {
            self.supervision.signal(libc::SIGHUP).await;
        }
        self.resume().await;
    }

    fn take_terminal_back(&mut self) {
        let killed = self.status.is_none_or(|status| libc::WIFSIGNALED(status));
        if let Some(terminal) = &mut self.terminal
            && let Some(taken) = terminal.take_back()
            && killed
        {
            terminal.restore(taken);
            self.killed_in_foreground = true;
        }
    }

    /// How genlock ends after a command of which nothing lives any more.
    fn exit(&self, why: EndReason) -> Exit {
        // Before the loss of the lock: a command that never ran has lost nothing by it.
        if let Some(errno) = self.not_executed {
            return not_executed::say(self.options, &io::Error::from_raw_os_error(errno));
        }
        if self.loss.is_some() || why == EndReason::Deadline {
            return Exit::Status(self.options.lost_exit_code);
        }
        match (why, self.status) {
            (EndReason::MaxRuntime, _) => Exit::Status(exit::MAX_RUNTIME),
            (EndReason::WatchdogFrozen | EndReason::WatchdogGone, _) => {
                Exit::Status(exit::INTERNAL)
            }
            (_, Some(status)) if libc::WIFSIGNALED(status) => match libc::WTERMSIG(status) {
                signal @ (libc::SIGINT | libc::SIGQUIT) if self.killed_in_foreground => {
                    Exit::Interrupt(signal)
                }
                signal => Exit::Signal(signal),
            },
            (_, Some(status)) => Exit::Status(libc::WEXITSTATUS(status) as u8),
            // Its status is not known, as after the watchdog was killed with it.
            _ => Exit::Status(exit::INTERNAL),
        }
    }

    fn key(&self) -> String {
        describe::escape(self.held.key())
    }
}

/// Whether the signal says that the command needs the terminal's foreground.
fn wants_terminal(signal: i32) -> bool {
    matches!(signal, libc::SIGTTIN | libc::SIGTTOU)
}
