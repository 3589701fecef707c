//! The terminal's foreground, and genlock's own stop: what a shell's job control rests on.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::termios::{OptionalActions, Termios};

/// The controlling terminal.
pub(crate) struct Terminal {
    tty: OwnedFd,
    /// While the command, or a job of its own, has the foreground: how the terminal was set when
    /// it got it.
    given: Option<Given>,
}

struct Given {
    modes: Option<Termios>,
}

impl Terminal {
    /// `None` if the session has none.
    pub(crate) fn open() -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = rustix::fs::open(c"/dev/tty", flags, Mode::empty()).ok()?;
        Some(Self { tty, given: None })
    }

    /// If genlock is in the foreground, notes that the command takes it when it starts.
    pub(crate) fn give_at_start(&mut self) -> bool {
        let ours = self.is_ours();
        if ours {
            self.given = Some(Given {
                modes: rustix::termios::tcgetattr(&self.tty).ok(),
            });
        }
        ours
    }

    /// If genlock is in the foreground, puts the command's group there.
    pub(crate) fn give(&mut self, group: Pid) {
        if self.give_at_start() {
            let _ = rustix::termios::tcsetpgrp(&self.tty, group);
        }
    }

    /// Takes back what was given, from the command or from a job of its own. SIGTTOU is ignored
    /// (world.rs), so that this works from the background.
    pub(crate) fn take_back(&mut self) -> Option<TakenBack> {
        let given = self.given.take()?;
        let _ = rustix::termios::tcsetpgrp(&self.tty, rustix::process::getpgrp());
        Some(TakenBack(given))
    }

    /// Sets the terminal as it was: a command that was killed could not.
    pub(crate) fn mend(&self, TakenBack(given): TakenBack) {
        if let Some(modes) = given.modes {
            let _ = rustix::termios::tcsetattr(&self.tty, OptionalActions::Drain, &modes);
        }
    }

    fn is_ours(&self) -> bool {
        rustix::termios::tcgetpgrp(&self.tty).is_ok_and(|group| group == rustix::process::getpgrp())
    }
}

/// What [`Terminal::take_back`] took, to mend with.
pub(crate) struct TakenBack(Given);

/// Stops genlock's process group, as Ctrl-Z would have if genlock were not in between, so that the
/// shell sees its job stopped: all of a pipeline, or the script that called genlock. Returns when
/// continued, or at once if nobody could continue us (an orphaned group, setpgid(2)).
pub(crate) fn stop_ourselves() {
    let _ = rustix::process::kill_current_process_group(Signal::TSTP);
}
