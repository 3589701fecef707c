//! The terminal's foreground, and genlock's own stop: what a shell's job control rests on.

use std::io::IsTerminal;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::termios::{LocalModes, OptionalActions, Termios};

use super::dispositions;

/// The controlling terminal.
pub(crate) struct Terminal {
    tty: OwnedFd,
    /// The command has the foreground whenever genlock has it.
    wanted: bool,
    /// While the command, or a job of its own, has the foreground: how the terminal was set when
    /// it got it.
    given: Option<Given>,
    /// We left the process group that we were started in.
    parted: bool,
}

struct Given {
    modes: Option<Termios>,
}

impl Terminal {
    /// `None` if the session has none.
    pub(crate) fn open() -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = rustix::fs::open(c"/dev/tty", flags, Mode::empty()).ok()?;
        // In a pipeline the terminal may be another's to read from: `genlock run k make | less`.
        // Then the command has it when it asks for it, as under sudo(8).
        let wanted = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Some(Self {
            tty,
            wanted,
            given: None,
            parted: false,
        })
    }

    /// If genlock is in the foreground, notes that the command takes it when it starts.
    pub(crate) fn give_at_start(&mut self) -> bool {
        let gives = self.wanted && self.is_ours();
        if gives && self.given.is_none() {
            self.given = Some(Given {
                modes: rustix::termios::tcgetattr(&self.tty).ok(),
            });
        }
        gives
    }

    /// If genlock is in the foreground, puts the command's group there, if it wants to be there.
    pub(crate) fn give(&mut self, group: Pid) -> bool {
        let gives = self.give_at_start();
        if gives {
            let _ = rustix::termios::tcsetpgrp(&self.tty, group);
        }
        gives
    }

    /// For a command that was stopped because it is not in the foreground (SIGTTIN, SIGTTOU): puts
    /// it there if genlock is there; also when it was there already, for each process of a pipeline
    /// that a shell starts puts the pipeline there. False if it has to wait until genlock is.
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

    /// Sets the terminal as it was: a command that was killed could not. At once: what is to be
    /// shown first may have to wait for Ctrl-Q.
    pub(crate) fn mend(&self, TakenBack(given): TakenBack) {
        if let Some(modes) = given.modes {
            let _ = rustix::termios::tcsetattr(&self.tty, OptionalActions::Now, &modes);
        }
    }

    /// Stops genlock's process group, as Ctrl-Z would have if genlock were not in between, so that
    /// the shell sees its job stopped: all of a pipeline, or the script that called genlock.
    /// Returns when continued, or at once if nobody could continue us (an orphaned group,
    /// setpgid(2), and the like).
    pub(crate) fn stop_ourselves(&self) {
        if self.parted || dispositions::is_ignored(libc::SIGTSTP) {
            return;
        }
        dispositions::with_disposition(libc::SIGTSTP, libc::SIG_DFL, || {
            let _ = rustix::process::kill_current_process_group(Signal::TSTP);
        });
    }

    fn is_ours(&mut self) -> bool {
        // SAFETY: getpgrp(2) only looks.
        if unsafe { libc::getpgrp() } == 0 {
            return self.part_from_group();
        }
        rustix::termios::tcgetpgrp(&self.tty).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// A process group from outside of our PID namespace, such as unshare(1) leaves us in, has no
    /// number here: the terminal could not be given back to it. If it is in the foreground we go on
    /// in one of our own, and nobody there would notice that one's stop.
    fn part_from_group(&mut self) -> bool {
        // tcgetpgrp(3) cannot tell either. But reading from the background, and be it nothing, is an
        // error where SIGTTIN is ignored (termios(3)).
        let in_foreground = dispositions::with_disposition(libc::SIGTTIN, libc::SIG_IGN, || {
            rustix::io::read(&self.tty, &mut [0; 0]).is_ok()
        });
        if !in_foreground || rustix::process::setpgid(None, None).is_err() {
            return false;
        }
        self.parted = true;
        let _ = rustix::termios::tcsetpgrp(&self.tty, rustix::process::getpgrp());
        true
    }
}

/// What [`Terminal::take_back`] took, to mend with.
pub(crate) struct TakenBack(Given);
