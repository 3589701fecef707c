//! The terminal's foreground, its modes, and genlock's own stop: genlock's part in a shell's job
//! control.

use std::io::IsTerminal;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::termios::{LocalModes, OptionalActions, Termios};

use super::dispositions;

/// The controlling terminal.
pub(crate) struct Terminal {
    tty: OwnedFd,
    /// Whether the command is put into the foreground whenever genlock is there.
    wanted: bool,
    /// While the command, or a job of its own, has the foreground: the terminal's modes from before.
    given: Option<Given>,
    /// Whether genlock left the process group that it was started in.
    left_group: bool,
}

struct Given {
    modes: Option<Termios>,
}

impl Terminal {
    /// `None` if the session has none.
    pub(crate) fn open() -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = rustix::fs::open(c"/dev/tty", flags, Mode::empty()).ok()?;
        // In a pipeline (`genlock run k make | less`) another program may read from the terminal.
        // Then the command gets it when it asks for it, as under sudo(8).
        let wanted = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Some(Self {
            tty,
            wanted,
            given: None,
            left_group: false,
        })
    }

    /// If genlock is in the foreground, notes that the command takes it when it starts.
    pub(crate) fn give_at_start(&mut self) -> bool {
        let gives = self.wanted && self.has_foreground();
        if gives && self.given.is_none() {
            self.given = Some(Given {
                modes: rustix::termios::tcgetattr(&self.tty).ok(),
            });
        }
        gives
    }

    /// Puts the command's group into the foreground, if genlock is there and the command wants it.
    pub(crate) fn give(&mut self, group: Pid) -> bool {
        let gives = self.give_at_start();
        if gives {
            let _ = rustix::termios::tcsetpgrp(&self.tty, group);
        }
        gives
    }

    /// For a command that was stopped because it is not in the foreground (SIGTTIN, SIGTTOU): puts it
    /// there if genlock is there, also where that was done before: a shell that starts a pipeline puts
    /// it there again with each of its processes. False if genlock is not in the foreground.
    pub(crate) fn give_on_request(&mut self, group: Pid) -> bool {
        self.wanted = true;
        self.give(group)
    }

    /// Whether the command has the terminal and does not read lines from it, such as an editor: it
    /// draws over what others write, and may take it along with its screen.
    pub(crate) fn is_drawn_on(&self) -> bool {
        self.given.is_some()
            && rustix::termios::tcgetattr(&self.tty)
                .is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
    }

    /// Takes back what was given, from the command or from a job of its own. SIGTTOU is ignored
    /// (inherited.rs), so that this works from the background.
    pub(crate) fn take_back(&mut self) -> Option<TakenBack> {
        let given = self.given.take()?;
        let _ = rustix::termios::tcsetpgrp(&self.tty, rustix::process::getpgrp());
        Some(TakenBack(given))
    }

    /// Sets the modes from before, which a command that was killed has not done. TCSANOW, since output
    /// that is not written yet may wait for somebody's Ctrl-Q.
    pub(crate) fn restore(&self, TakenBack(given): TakenBack) {
        if let Some(modes) = given.modes {
            let _ = rustix::termios::tcsetattr(&self.tty, OptionalActions::Now, &modes);
        }
    }

    /// Stops genlock's process group, as Ctrl-Z would have done without genlock, so that the shell sees
    /// its job stopped: all of a pipeline, or the script that called genlock. Returns when continued,
    /// or at once where no shell would continue it (an orphaned group, setpgid(2), or one of
    /// genlock's own).
    pub(crate) fn stop_ourselves(&self) {
        if self.left_group || dispositions::is_ignored(libc::SIGTSTP) {
            return;
        }
        dispositions::with_disposition(libc::SIGTSTP, libc::SIG_DFL, || {
            let _ = rustix::process::kill_current_process_group(Signal::TSTP);
        });
    }

    fn has_foreground(&mut self) -> bool {
        // SAFETY: getpgrp(2) only looks.
        if unsafe { libc::getpgrp() } == 0 {
            return self.leave_group();
        }
        rustix::termios::tcgetpgrp(&self.tty).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// For a process group from outside of our PID namespace, as under unshare(1): it has no number
    /// here, so the terminal could not be given back to it. If it is in the foreground genlock puts a
    /// group of its own there, which no shell would see stopped. False if it is not.
    fn leave_group(&mut self) -> bool {
        // tcgetpgrp(3) gives no number of it either. But to read from the background, even no bytes, is
        // an error while SIGTTIN is ignored (termios(3)).
        let in_foreground = dispositions::with_disposition(libc::SIGTTIN, libc::SIG_IGN, || {
            rustix::io::read(&self.tty, &mut [0; 0]).is_ok()
        });
        if !in_foreground || rustix::process::setpgid(None, None).is_err() {
            return false;
        }
        self.left_group = true;
        let _ = rustix::termios::tcsetpgrp(&self.tty, rustix::process::getpgrp());
        true
    }
}

/// What [`Terminal::take_back`] gives, for [`Terminal::restore`].
pub(crate) struct TakenBack(Given);
