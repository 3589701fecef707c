//! The command: everything that executing it takes, made ready beforehand, and the few steps from
//! fork to exec.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::world::World;

/// How many variables can be added to the environment when the command starts.
const ADDED_VARIABLES: usize = 16;

/// A command, ready to be executed without allocating.
pub(super) struct Command {
    /// Owns what `argv` and `envp` point to.
    _strings: Vec<CString>,
    /// The words that end in the command.
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    /// The length of the environment without what is added.
    base: usize,
}

/// A started command.
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Ends when the command has been executed, or gives the errno for why it was not.
    pub(super) executed: OwnedFd,
}

impl Command {
    /// Takes the words that end in the program and its arguments, and the environment.
    pub(super) fn new(
        words: &[OsString],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut strings: Vec<_> = words.iter().map(|word| c_string(word)).collect();
        for (name, value) in environment {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            strings.push(c_string(&variable));
        }
        let pointers = |strings: &[CString]| -> Vec<_> {
            strings.iter().map(|string| string.as_ptr()).collect()
        };
        let (arguments, variables) = strings.split_at(words.len());
        let mut argv = pointers(arguments);
        argv.push(ptr::null());
        let mut envp = pointers(variables);
        let base = envp.len();
        envp.resize(base + ADDED_VARIABLES + 1, ptr::null());
        Self {
            _strings: strings,
            argv,
            envp,
            base,
        }
    }

    /// Forks and executes the last `words` in a process group of its own, with the variables `added`
    /// (each ended by a NUL byte) and, if given, one more descriptor.
    pub(super) fn start(
        &mut self,
        words: usize,
        world: &World,
        added: &[u8],
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> io::Result<Started> {
        let mut variables = added.split_inclusive(|&byte| byte == 0);
        for slot in &mut self.envp[self.base..self.base + ADDED_VARIABLES] {
            *slot = variables.next().map_or(ptr::null(), |v| v.as_ptr().cast());
        }
        let (executed, report) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let watchdog = rustix::process::getpid();
        // SAFETY: this process has one thread, so the child is a whole copy of it; the child makes
        // system calls only, until it is replaced or ends.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let errno = self.execute(words, world, watchdog, foreground, inherit);
                let _ = rustix::io::write(&report, &errno.to_ne_bytes());
                // SAFETY: _exit(2) runs none of the parent's clean-up, of which this is a copy.
                unsafe { libc::_exit(127) }
            }
            pid => {
                // A positive number, by fork(2).
                let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
                // Both sides set the group, so that neither is ahead of it.
                let _ = rustix::process::setpgid(Some(pid), Some(pid));
                Ok(Started { pid, executed })
            }
        }
    }

    /// The child's side of the fork. Returns only with the errno of a failure.
    fn execute(
        &self,
        words: usize,
        world: &World,
        watchdog: Pid,
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> i32 {
        // If the watchdog dies, so does the command (PR_SET_PDEATHSIG, prctl(2)).
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        if rustix::process::getppid() != Some(watchdog) {
            // It died before the line above.
            return libc::ESRCH;
        }
        let _ = rustix::process::setpgid(None, None);
        if foreground {
            take_foreground();
        }
        if let Some(inherit) = inherit {
            let _ = rustix::io::fcntl_setfd(inherit, rustix::io::FdFlags::empty());
        }
        world.restore();
        // The last one is the null pointer.
        let argv = &self.argv[self.argv.len().saturating_sub(words + 1)..];
        // SAFETY: both arrays end with a null pointer and point to strings that end with a NUL
        // byte, which live as long as `self` and the message that `start` was given.
        unsafe { libc::execvpe(argv[0], argv.as_ptr(), self.envp.as_ptr()) };
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO)
    }
}

/// Puts this process's group into the foreground of its terminal. Every signal is blocked here, so
/// that SIGTTOU does not stop us (tcsetpgrp(3)).
fn take_foreground() {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    if let Ok(terminal) = rustix::fs::open(c"/dev/tty", flags, Mode::empty()) {
        let _ = rustix::termios::tcsetpgrp(&terminal, rustix::process::getpgrp());
    }
}

/// The errno that a command which was not executed left behind; `None` if it was executed.
pub(super) fn not_executed(executed: &OwnedFd) -> Option<i32> {
    let mut errno = [0; 4];
    match rustix::io::read(executed, &mut errno) {
        Ok(4) => Some(i32::from_ne_bytes(errno)),
        _ => None,
    }
}

/// Our own arguments and variables were C strings: there is no NUL byte in them.
fn c_string(text: &OsStr) -> CString {
    CString::new(text.as_bytes()).unwrap_or_default()
}
