//! The command: everything that executing it takes, made ready beforehand, and the few steps from
//! a new process to exec.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::inherited::InheritedState;
use super::message::MAX_ENVIRONMENT;

/// How many variables can be added to the environment when the command starts.
const ADDED_VARIABLES: usize = 16;

/// A command, ready to be executed without allocating.
pub(super) struct Command {
    inherited: InheritedState,
    /// Owns what `argv` and `envp` point to.
    _strings: Vec<CString>,
    /// The words that end in the command.
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    /// How many variables there are without those that are added.
    base: usize,
    /// The added variables, each ended by a NUL byte.
    added: Vec<u8>,
    options: StartOptions,
}

/// How it is executed, known at its start only.
#[derive(Clone, Copy)]
struct StartOptions {
    /// Where in `argv` it begins.
    first: usize,
    watchdog: Option<Pid>,
    foreground: bool,
    inherit: Option<RawFd>,
    /// Where to write the errno of a failure.
    errno_pipe: RawFd,
}

/// A started command.
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Ends when the command has been executed, or gives the errno for why it was not.
    pub(super) executed: OwnedFd,
}

impl Command {
    /// Takes the words that end in the program and its arguments, the environment of the command, and
    /// the state that it is to inherit.
    pub(super) fn new(
        words: &[OsString],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        inherited: InheritedState,
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
            inherited,
            _strings: strings,
            argv,
            envp,
            base,
            added: Vec::with_capacity(MAX_ENVIRONMENT),
            options: StartOptions {
                first: 0,
                watchdog: None,
                foreground: false,
                inherit: None,
                errno_pipe: -1,
            },
        }
    }

    /// Executes the last `words`, in a process of its own that leads its group, with the variables
    /// `added` (each ended by a NUL byte) and, if given, one more descriptor. To be called once.
    ///
    /// fork(2) and not vfork(2), which would wait for the exec: that can hang where the file is on a
    /// network, and the watchdog has the deadline to hold. Sharing the memory until then, by clone(2),
    /// saves 0.1 ms of a run of 2.2 ms over `file:`, and 0.1 to 0.2 of 3.4 over etcd (200 runs of each:
    /// cargo bench -- --pair OLD NEW); it takes a stack of its own, and a second way where it is refused.
    pub(super) fn start(
        &mut self,
        words: usize,
        added: &[u8],
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> io::Result<Started> {
        // The message that it came in is overwritten by the next one.
        self.added.extend_from_slice(added);
        let mut variables = self.added.split_inclusive(|&byte| byte == 0);
        for slot in &mut self.envp[self.base..self.base + ADDED_VARIABLES] {
            *slot = variables.next().map_or(ptr::null(), |v| v.as_ptr().cast());
        }
        let (executed, errno_pipe) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        self.options = StartOptions {
            // The last of argv is the null pointer.
            first: self.argv.len().saturating_sub(words + 1),
            watchdog: Some(rustix::process::getpid()),
            foreground,
            inherit: inherit.map(|fd| fd.as_raw_fd()),
            errno_pipe: errno_pipe.as_raw_fd(),
        };
        let pid = self.fork()?;
        // Both sides set the group, so that neither is ahead of it.
        let _ = rustix::process::setpgid(Some(pid), Some(pid));
        Ok(Started { pid, executed })
    }

    /// Forks the process that executes the command.
    fn fork(&self) -> io::Result<Pid> {
        // SAFETY: the watchdog has one thread, so that the child is a whole copy of it.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            let errno = self.execute();
            // SAFETY: `start` opened it, and this process has a copy of its descriptors.
            let errno_pipe = unsafe { BorrowedFd::borrow_raw(self.options.errno_pipe) };
            let _ = rustix::io::write(errno_pipe, &errno.to_ne_bytes());
            // SAFETY: _exit(2) runs no clean-up, which is the watchdog's and main's.
            unsafe { libc::_exit(127) }
        }
        let error = io::Error::last_os_error();
        // A number that is below zero is none, and not even to be looked at.
        Pid::from_raw(forked.max(0)).ok_or(error)
    }

    /// In the new process. Returns only with the errno of a failure.
    fn execute(&self) -> i32 {
        let StartOptions {
            first,
            watchdog,
            foreground,
            inherit,
            ..
        } = self.options;
        // If the watchdog dies, so does the command (PR_SET_PDEATHSIG, prctl(2)).
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        if rustix::process::getppid() != watchdog {
            // It died before the line above.
            return libc::ESRCH;
        }
        let _ = rustix::process::setpgid(None, None);
        if foreground {
            take_foreground();
        }
        if let Some(inherit) = inherit {
            // SAFETY: the watchdog has it open, and so has a copy of its descriptors.
            let inherit = unsafe { BorrowedFd::borrow_raw(inherit) };
            let _ = rustix::io::fcntl_setfd(inherit, rustix::io::FdFlags::empty());
        }
        self.inherited.restore();
        let argv = &self.argv[first..];
        // SAFETY: both arrays end with a null pointer and point to strings that end with a NUL
        // byte, which live as long as `self`.
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
