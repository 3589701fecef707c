//! What is said of the command on stderr as it happens: a reader of the events.

use std::sync::{Mutex, PoisonError};

use crate::cli::settings::LockOptions;
use crate::clock::Instant;
use crate::describe;
use crate::events::{Event, EventKind, StopReason};
use crate::stderr;

/// Writes the lines of one run's command.
pub(super) struct CommandLines {
    /// The lock's, as it is shown.
    key: String,
    verbose: u8,
    last: Mutex<LastGrant>,
}

/// What the line of the release needs of what came before.
#[derive(Clone, Copy)]
struct LastGrant {
    at: Instant,
    /// The command's wait status; `None` if it did not run.
    ended: Option<Option<i32>>,
}

impl CommandLines {
    /// Of the command under this lock.
    pub(super) fn new(options: &LockOptions) -> Self {
        Self {
            key: describe::escape(&options.key),
            verbose: options.verbose,
            last: Mutex::new(LastGrant {
                at: Instant::now(),
                ended: None,
            }),
        }
    }

    /// Says what is to be said of this one.
    pub(super) fn read(&self, event: &Event) {
        let key = &self.key;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &event.what {
            EventKind::Granted { .. } => {
                *last = LastGrant {
                    at: event.boot,
                    ended: None,
                };
            }
            EventKind::Stopping(why) => {
                let why = stopping(why);
                stderr::complain(format_args!("{key}: {why}: stopping the command"));
            }
            EventKind::Ended(status) => last.ended = Some(*status),
            EventKind::Released if self.verbose > 0 => {
                let held_for = describe::duration(event.boot.since(last.at));
                let ended = ended(last.ended);
                stderr::complain(format_args!("{key}: released after {held_for}; {ended}"));
            }
            _ => {}
        }
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
