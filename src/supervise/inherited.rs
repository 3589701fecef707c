//! What genlock inherited and the command is to inherit in turn: signal mask, dispositions, and which
//! of stdin, stdout and stderr were closed.

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use rustix::fs::{Mode, OFlags};

use super::dispositions::{is_ignored, mask, set_disposition, set_mask};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGXFSZ_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED_STDIO: AtomicU8 = AtomicU8::new(0);

/// The arguments of `main`, without the name of the program.
///
/// # Safety
/// `words` must point to `count` C strings.
pub unsafe fn arguments(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: the caller's promise.
    let words = unsafe { std::slice::from_raw_parts(words, count) };
    let words = words.iter().skip(1).map(|&word| {
        // SAFETY: the caller's promise.
        let word = unsafe { CStr::from_ptr(word) };
        OsStr::from_bytes(word.to_bytes()).to_owned()
    });
    words.collect()
}

/// Notes the inherited state, and sets what Rust's runtime would set before `main`: a write to a closed
/// pipe is an error and no signal, and closed standard descriptors become /dev/null, lest a socket get
/// their numbers. A write beyond the limit on a file's size is an error too (setrlimit(2)). To be
/// called first of all.
pub(crate) fn enter() {
    for (signal, ignored) in [
        (libc::SIGPIPE, &SIGPIPE_IGNORED),
        (libc::SIGXFSZ, &SIGXFSZ_IGNORED),
    ] {
        ignored.store(is_ignored(signal), Ordering::Relaxed);
        set_disposition(signal, libc::SIG_IGN);
    }
    for fd in 0..3 {
        // SAFETY: F_GETFD only looks at the number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            CLOSED_STDIO.fetch_or(1 << fd, Ordering::Relaxed);
            // It gets this number, the lowest that is free (open(2)), and stays open.
            let null = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty());
            let _ = null.map(IntoRawFd::into_raw_fd);
        }
    }
}

/// What is given back to the command just before it is executed.
pub(super) struct InheritedState {
    mask: libc::sigset_t,
    /// Each signal whose disposition genlock changes for itself, and whether it was ignored.
    ignored: [(libc::c_int, bool); 4],
    closed_stdio: u8,
}

impl InheritedState {
    /// Notes the inherited state, and sets what genlock needs for itself: SIGCHLD must not be ignored,
    /// or there would be no status to wait for (wait(2)); SIGTTOU must be, or genlock would stop
    /// when it writes or takes the terminal back from the background (tcsetpgrp(3)).
    pub(super) fn take() -> Self {
        let inherited = Self {
            mask: mask(),
            ignored: [
                (libc::SIGPIPE, sigpipe_was_ignored()),
                (libc::SIGXFSZ, SIGXFSZ_IGNORED.load(Ordering::Relaxed)),
                (libc::SIGCHLD, is_ignored(libc::SIGCHLD)),
                (libc::SIGTTOU, is_ignored(libc::SIGTTOU)),
            ],
            closed_stdio: CLOSED_STDIO.load(Ordering::Relaxed),
        };
        set_disposition(libc::SIGCHLD, libc::SIG_DFL);
        set_disposition(libc::SIGTTOU, libc::SIG_IGN);
        inherited
    }

    /// Restores all of it, the mask last: a signal that it held back then finds the command's
    /// disposition. Async-signal-safe.
    pub(super) fn restore(&self) {
        for &(signal, ignored) in &self.ignored {
            let disposition = if ignored {
                libc::SIG_IGN
            } else {
                libc::SIG_DFL
            };
            set_disposition(signal, disposition);
        }
        for fd in 0..3 {
            if self.closed_stdio & (1 << fd) != 0 {
                // SAFETY: the /dev/null that `enter` opened under this number, which no value owns.
                unsafe { libc::close(fd) };
            }
        }
        set_mask(&self.mask);
    }
}

/// Whether genlock was started with SIGPIPE ignored.
pub(super) fn sigpipe_was_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}
