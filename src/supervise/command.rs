//! The command: everything that executing it takes, made ready beforehand, and the few steps from
//! a new process to exec.

use std::ffi::{CString, OsStr, OsString, c_int, c_void};
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

/// The new process's stack, for execvpe(3), which puts a path there, and for our own calls. The
/// arguments, which it puts there too for a script without a `#!` line, are added to this.
const STACK: usize = 64 * 1024;

/// A command, ready to be executed without allocating.
pub(super) struct Command {
    inherited: InheritedState,
    /// Owns what `argv` and `envp` point to.
    _strings: Vec<CString>,
    /// All words that the watchdog was given: the last ones are the command.
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    /// How many variables the environment has without those that are added at the start.
    base: usize,
    /// The variables that are added, each ended by a NUL byte.
    added: Vec<u8>,
    stack: Vec<u128>,
    execution: Execution,
}

/// What [`Command::start`] says to the new process.
#[derive(Clone, Copy)]
struct Execution {
    /// Where in `argv` the command begins.
    first: usize,
    watchdog: Option<Pid>,
    foreground: bool,
    inherit: Option<RawFd>,
    /// Where to write the errno of a failure.
    report: RawFd,
}

/// A started command.
pub(super) struct Started {
    pub(super) pid: Pid,
    /// A pipe that ends when the command has been executed, or gives the errno of the failure.
    pub(super) executed: OwnedFd,
}

impl Command {
    /// Takes the words whose last ones are the program and its arguments, its environment, and the
    /// state to give back to it.
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
        let stack = STACK + size_of_val(&*argv);
        Self {
            inherited,
            _strings: strings,
            argv,
            envp,
            base,
            added: Vec::with_capacity(MAX_ENVIRONMENT),
            stack: Vec::with_capacity(stack / size_of::<u128>()),
            execution: Execution {
                first: 0,
                watchdog: None,
                foreground: false,
                inherit: None,
                report: -1,
            },
        }
    }

    /// Executes the last `words`, in a process of its own that leads its group, with the variables
    /// `added` (each ended by a NUL byte) and, if given, one more descriptor. To be called once.
    ///
    /// The new process shares the watchdog's memory until it executes the command, as with
    /// posix_spawn(3). To copy that memory, as fork(2) does, takes 0.1 ms of the 2.2 of a run over
    /// `file:`, 5 % (200 runs of each in turns: cargo bench -- --pair OLD NEW). Unlike with vfork(2)
    /// the watchdog does not wait for the exec: that can hang on a network's file system, past the
    /// deadline.
    pub(super) fn start(
        &mut self,
        words: usize,
        added: &[u8],
        foreground: bool,
        inherit: Option<BorrowedFd<'_>>,
    ) -> io::Result<Started> {
        // A copy: the next order overwrites the message that these are in.
        self.added.extend_from_slice(added);
        let mut variables = self.added.split_inclusive(|&byte| byte == 0);
        for slot in &mut self.envp[self.base..self.base + ADDED_VARIABLES] {
            *slot = variables.next().map_or(ptr::null(), |v| v.as_ptr().cast());
        }
        let (executed, report) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        self.execution = Execution {
            // argv ends in a null pointer.
            first: self.argv.len().saturating_sub(words + 1),
            watchdog: Some(rustix::process::getpid()),
            foreground,
            inherit: inherit.map(|fd| fd.as_raw_fd()),
            report: report.as_raw_fd(),
        };
        let child = match self.start_sharing() {
            Err(_) => self.start_as_a_copy(),
            child => child,
        };
        // clone(2) and fork(2) give a positive number.
        let pid = Pid::from_raw(child?).ok_or(io::ErrorKind::InvalidData)?;
        // The new process does the same: whichever is first, the other finds the group set.
        let _ = rustix::process::setpgid(Some(pid), Some(pid));
        Ok(Started { pid, executed })
    }

    /// Starts a process that shares our memory.
    fn start_sharing(&mut self) -> io::Result<i32> {
        let this: *mut Self = self;
        // Stacks grow downwards.
        let stack = self.stack.spare_capacity_mut().as_mut_ptr_range().end;
        let flags = libc::CLONE_VM | libc::SIGCHLD;
        // SAFETY: `execute` runs on a stack of its own and makes system calls only. It reads this
        // `Command`, which the watchdog neither changes nor drops from now on. errno is shared too, and
        // the watchdog does not write it meanwhile: its system calls are rustix's, which use no errno,
        // but for waitid(2). That one fails only when there is no child, or when children are sought
        // by their numbers to end them, so that no exec matters any more.
        match unsafe { libc::clone(execute, stack.cast(), flags, this.cast()) } {
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        }
    }

    /// Starts a process with a copy of our memory, where sharing is refused: by a sandbox, or by an
    /// emulator whose clone(2) makes threads and copies only (qemu-user).
    fn start_as_a_copy(&mut self) -> io::Result<i32> {
        let this: *mut Self = self;
        // SAFETY: the watchdog has one thread, so that the child is a whole copy of it.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                execute(this.cast());
                // Not reached: `execute` ends the process.
                Err(io::ErrorKind::Other.into())
            }
            pid => Ok(pid),
        }
    }

    /// Runs in the new process. Returns only if it fails, with the errno.
    fn execute(&self) -> i32 {
        let Execution {
            first,
            watchdog,
            foreground,
            inherit,
            ..
        } = self.execution;
        // If the watchdog dies, so does the command (PR_SET_PDEATHSIG, prctl(2)).
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        if rustix::process::getppid() != watchdog {
            // The watchdog died before the line above, which has no effect then.
            return libc::ESRCH;
        }
        let _ = rustix::process::setpgid(None, None);
        if foreground {
            take_foreground();
        }
        if let Some(inherit) = inherit {
            // SAFETY: it is open in the watchdog, of whose descriptors this process has a copy.
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

/// Where the new process begins.
extern "C" fn execute(command: *mut c_void) -> c_int {
    // SAFETY: a pointer to the `Command` that is started, which its owner leaves alone from then on.
    let command = unsafe { &*command.cast::<Command>() };
    let errno = command.execute();
    // SAFETY: `start` opened it, and this process has a copy of the watchdog's descriptors.
    let report = unsafe { BorrowedFd::borrow_raw(command.execution.report) };
    let _ = rustix::io::write(report, &errno.to_ne_bytes());
    // SAFETY: _exit(2) runs no clean-up, which would change memory that the watchdog uses.
    unsafe { libc::_exit(127) }
}

/// Puts this process's group into the foreground of its terminal. Every signal is blocked here, so
/// that SIGTTOU does not stop us (tcsetpgrp(3)).
fn take_foreground() {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    if let Ok(terminal) = rustix::fs::open(c"/dev/tty", flags, Mode::empty()) {
        let _ = rustix::termios::tcsetpgrp(&terminal, rustix::process::getpgrp());
    }
}

/// The errno for which the command was not executed; `None` if it was.
pub(super) fn not_executed(executed: &OwnedFd) -> Option<i32> {
    let mut errno = [0; 4];
    match rustix::io::read(executed, &mut errno) {
        Ok(4) => Some(i32::from_ne_bytes(errno)),
        _ => None,
    }
}

/// genlock's own arguments and variables were C strings: there is no NUL byte in them.
fn c_string(text: &OsStr) -> CString {
    CString::new(text.as_bytes()).unwrap_or_default()
}
