//! The lines about the command on stderr: a reader of the events.

use std::sync::{Mutex, PoisonError};

use crate::cli::report::stopping;
use crate::cli::settings::LockOptions;
use crate::clock::Instant;
use crate::describe;
use crate::events::{Event, EventKind};
use crate::stderr;

/// Writes the lines about the command of one run.
pub(super) struct CommandLines {
    /// The lock's key, escaped.
    key: String,
    verbose: u8,
    last: Mutex<LastGrant>,
}

/// The grant of the lock and what followed, for the line of its release.
#[derive(Clone, Copy)]
struct LastGrant {
    at: Instant,
    /// The command's wait status; `None` if it did not run.
    ended: Option<Option<i32>>,
}

impl CommandLines {
    /// For the command under this lock.
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

    /// Writes the line of this event, if it has one.
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

/// How the command ended, in words.
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
