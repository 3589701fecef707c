//! A process that stays when its caller has ended: forked into a session of its own, and rid of all that
//! it has of its caller's once there is nothing to tell it any more.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::dispositions;

/// Descriptors below this are stdin, stdout and stderr.
const FIRST_OTHER: RawFd = 3;

static IS_DETACHED: AtomicBool = AtomicBool::new(false);

/// Whether this is the process that was forked: its caller says how genlock ends.
pub(crate) fn is_detached() -> bool {
    IS_DETACHED.load(Ordering::Relaxed)
}

/// Which of both processes this is. Each has one end of a connection to the other, which ends with it.
pub(crate) enum Side {
    Caller(Child, UnixStream),
    Detached(Detached, UnixStream),
}

/// The process that was forked.
pub(crate) struct Child(Pid);

/// The descriptors that this process was given, besides stdin, stdout and stderr.
pub(crate) struct GivenDescriptors(Vec<RawFd>);

/// What the forked process has of its caller's.
pub(crate) struct Detached(GivenDescriptors);

/// Forks. Call it while the process has one thread.
pub(crate) fn fork(given: GivenDescriptors) -> io::Result<Side> {
    // Ignored, there would be no status to wait for (wait(2)).
    dispositions::set_disposition(libc::SIGCHLD, libc::SIG_DFL);
    let (callers, ours) = UnixStream::pair()?;
    // SAFETY: this process has one thread, so that its copy finds nothing locked (fork(2)).
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        IS_DETACHED.store(true, Ordering::Relaxed);
        drop(callers);
        // It cannot fail: a process that was just forked leads no group.
        let _ = rustix::process::setsid();
        return Ok(Side::Detached(Detached(given), ours));
    }
    let error = io::Error::last_os_error();
    // `from_raw` takes no negative number; zero is none either.
    match Pid::from_raw(forked.max(0)) {
        Some(pid) => Ok(Side::Caller(Child(pid), callers)),
        None => Err(error),
    }
}

impl GivenDescriptors {
    /// Those that are open. Call it while this process has opened none for itself.
    pub(crate) fn now() -> Self {
        let entries = std::fs::read_dir("/proc/self/fd");
        let names = entries.into_iter().flatten().flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut open: Vec<RawFd> = match numbers.collect::<Vec<_>>() {
            // No /proc.
            found if found.is_empty() => (FIRST_OTHER..1024).collect(),
            found => found,
        };
        // Among those of the directory was its own.
        open.retain(|&fd| fd >= FIRST_OTHER && is_open(fd));
        Self(open)
    }
}

fn is_open(fd: RawFd) -> bool {
    // SAFETY: F_GETFD only looks at the number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

impl Child {
    /// Passes a signal on.
    pub(crate) fn signal(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = rustix::process::kill_process(self.0, signal);
        }
    }

    /// Waits for its end. `None` if somebody else has waited for it.
    pub(crate) fn wait(&self) -> Option<WaitStatus> {
        loop {
            match rustix::process::waitpid(Some(self.0), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                waited => return waited.ok().flatten().map(|(_, status)| status),
            }
        }
    }
}

impl Detached {
    /// Closes all that is the caller's, so that whoever reads its pipes sees their end, and leaves its
    /// directory. What is said on stdout and stderr is lost from now on.
    pub(crate) fn let_go_of_caller(self) -> io::Result<()> {
        let null = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty())?;
        for fd in 0..FIRST_OTHER {
            // SAFETY: no value owns the numbers of stdin, stdout and stderr; the other one is open.
            if unsafe { libc::dup2(null.as_raw_fd(), fd) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        for fd in self.0.0 {
            // SAFETY: they were there before this process opened anything, so no value owns them.
            unsafe { libc::close(fd) };
        }
        rustix::process::chdir("/")?;
        Ok(())
    }
}
