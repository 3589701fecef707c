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

/// What execvpe(3) puts on the stack: a path, and of a script without a `#!` line the arguments
/// once more, for a shell. And what little we do.
const STACK: usize = 64 * 1024;

/// A command, ready to be executed without allocating.
pub(super) struct Command {
    inherited: InheritedState,
    /// Owns what `argv` and `envp` point to.
    _strings: Vec<CString>,
    /// The words that end in the command.
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    /// The length of the environment without what is added.
    base: usize,
    /// What is added, each ended by a NUL byte.
    added: Vec<u8>,
    stack: Vec<u128>,
    manner: Manner,
}

/// How it is executed.
#[derive(Clone, Copy)]
struct Manner {
    /// Where in `argv` it begins.
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
    /// Ends when the command has been executed, or gives the errno for why it was not.
    pub(super) executed: OwnedFd,
}

impl Command {
    /// Takes the words that end in the program and its arguments, its environment, and its world.
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
            manner: Manner {
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
    /// The new process has a copy of nothing: it shares our memory until it executes the command,
    /// as posix_spawn(3) has it. To copy all there is for that takes 0.1 ms of the 2.2 of
    /// a run over `file:`, 5 % (200 runs of each in turns: cargo bench -- --pair OLD NEW).
    /// Unlike vfork(2) this does not wait for the exec, which can hang where the file is on a
    /// network, and the deadline is ours to hold.
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
        let (executed, report) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        self.manner = Manner {
            // The last of argv is the null pointer.
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
        // A positive number, by clone(2) and fork(2).
        let pid = Pid::from_raw(child?).ok_or(io::ErrorKind::InvalidData)?;
        // Both sides set the group, so that neither is ahead of it.
        let _ = rustix::process::setpgid(Some(pid), Some(pid));
        Ok(Started { pid, executed })
    }

    /// Starts the process with our memory.
    fn start_sharing(&mut self) -> io::Result<i32> {
        let this: *mut Self = self;
        // Stacks grow downwards.
        let stack = self.stack.spare_capacity_mut().as_mut_ptr_range().end;
        let flags = libc::CLONE_VM | libc::SIGCHLD;
        // SAFETY: `execute` runs on a stack of its own and makes system calls only. It reads this
        // command, which nobody changes or drops from now on, and the errno that it reads and we
        // share is written by nobody else: after this our system calls are rustix's, which have
        // none, but for waitid(2), which does not fail while there is a child.
        match unsafe { libc::clone(execute, stack.cast(), flags, this.cast()) } {
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        }
    }

    /// Starts it with a copy of our memory, where the other way is refused: by an emulator, which
    /// knows threads and copies only (qemu-user), or by a sandbox.
    fn start_as_a_copy(&mut self) -> io::Result<i32> {
        let this: *mut Self = self;
        // SAFETY: the watchdog has one thread, so that the child is a whole copy of it.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                execute(this.cast());
                // It does not come back.
                Err(io::ErrorKind::Other.into())
            }
            pid => Ok(pid),
        }
    }

    /// In the new process. Returns only with the errno of a failure.
    fn execute(&self) -> i32 {
        let Manner {
            first,
            watchdog,
            foreground,
            inherit,
            ..
        } = self.manner;
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

/// Where the new process begins.
extern "C" fn execute(command: *mut c_void) -> c_int {
    // SAFETY: `start` passes itself, and leaves it alone from then on.
    let command = unsafe { &*command.cast::<Command>() };
    let errno = command.execute();
    // SAFETY: `start` opened it, and this process has a copy of its descriptors.
    let report = unsafe { BorrowedFd::borrow_raw(command.manner.report) };
    let _ = rustix::io::write(report, &errno.to_ne_bytes());
    // SAFETY: _exit(2) runs no clean-up: the memory is not ours alone.
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
