//! What a run says of its lock and its command on stderr: a reader of the events.

use std::sync::{Mutex, PoisonError};

use crate::cli::settings::RunOptions;
use crate::clock::Instant;
use crate::describe;
use crate::events::{Event, EventKind, StopReason};
use crate::progress::Seen;
use crate::stderr;

/// Writes the lines of one run.
pub(super) struct Lines {
    /// As it is shown.
    key: String,
    verbose: u8,
    /// What is shown of the wait.
    seen: Seen,
    start: Instant,
    last: Mutex<LastRun>,
}

/// What the line of the release needs of what came before.
#[derive(Clone, Copy)]
struct LastRun {
    granted: Instant,
    /// The command's wait status; `None` if it did not run.
    ended: Option<Option<i32>>,
}

impl Lines {
    /// Of a run that began at `start`, whose wait is shown by what `seen` draws.
    pub(super) fn new(options: &RunOptions, seen: Seen, start: Instant) -> Self {
        let last = LastRun {
            granted: start,
            ended: None,
        };
        Self {
            key: describe::escape(&options.key),
            verbose: options.verbose,
            seen,
            start,
            last: Mutex::new(last),
        }
    }

    /// Says what is to be said of this one.
    pub(super) fn read(&self, event: &Event) {
        let (key, verbose) = (&self.key, self.verbose);
        match &event.what {
            EventKind::Retrying(why) if verbose > 0 => {
                stderr::complain(format_args!("trying again: {why}"));
            }
            EventKind::Beneath(text) if verbose > 0 => {
                stderr::complain(format_args!("beneath: {}", describe::escape(text)));
            }
            EventKind::Granted { token, .. } => self.granted(event.boot, *token),
            EventKind::Renewed(deadline) if verbose > 1 => {
                let left = describe::duration(deadline.left());
                stderr::complain(format_args!("{key}: renewed, {left} left"));
            }
            EventKind::Stopping(why) => {
                let why = stopping(why);
                stderr::complain(format_args!("{key}: {why}: stopping the command"));
            }
            EventKind::Ended(status) => self.with_last(|last| last.ended = Some(*status)),
            EventKind::Released if verbose > 0 => {
                self.with_last(|last| {
                    let held_for = describe::duration(event.boot.since(last.granted));
                    let ended = ended(last.ended);
                    stderr::complain(format_args!("{key}: released after {held_for}; {ended}"));
                });
            }
            _ => {}
        }
    }

    /// Says how long the wait was if there was a word of it.
    fn granted(&self, at: Instant, token: u64) {
        self.with_last(|last| {
            *last = LastRun {
                granted: at,
                ended: None,
            };
        });
        let key = &self.key;
        let waited = describe::duration(at.since(self.start));
        if self.verbose > 0 {
            stderr::complain(format_args!(
                "{key}: acquired after {waited}, token {token}"
            ));
        } else if self.seen.was_announced() {
            stderr::complain(format_args!("{key}: acquired after {waited}"));
        }
    }

    fn with_last(&self, read: impl FnOnce(&mut LastRun)) {
        read(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why the command is stopped, as it is said.
pub(super) fn stopping(why: &StopReason) -> String {
    match why {
        StopReason::LockLost(why) => format!("the lock is lost: {why}"),
        StopReason::MaxRuntime => "--max-runtime is over".to_owned(),
        StopReason::WatchdogGone => "the watchdog was killed".to_owned(),
        StopReason::WatchdogFrozen => "the watchdog is stopped or frozen".to_owned(),
    }
}

/// What the command came to.
fn ended(ended: Option<Option<i32>>) -> String {
    match ended {
        None => "the command did not run".to_owned(),
        Some(None) => "what the command came to is not known".to_owned(),
        Some(Some(status)) if libc::WIFSIGNALED(status) => {
            format!("the command died of signal {}", libc::WTERMSIG(status))
        }
        Some(Some(status)) => format!("the command exited with {}", libc::WEXITSTATUS(status)),
    }
}
