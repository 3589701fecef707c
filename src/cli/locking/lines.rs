//! The lines about the lock on stderr: a reader of the events.

use crate::cli::settings::LockOptions;
use crate::clock::Instant;
use crate::describe;
use crate::events::{Event, EventKind};
use crate::progress::Seen;
use crate::stderr;

/// Writes the lines of one lock.
pub(super) struct LockLines {
    /// The lock's key, escaped.
    key: String,
    verbose: u8,
    /// Whether it is held around us, and was not acquired.
    is_around: bool,
    /// What the display of the wait knows: whether it has shown anything.
    seen: Seen,
    start: Instant,
}

impl LockLines {
    /// For the lock that genlock asks for since `start`; `seen` belongs to the display of the wait.
    pub(super) fn new(options: &LockOptions, seen: Seen, start: Instant) -> Self {
        Self {
            key: describe::escape(&options.key),
            verbose: options.verbose,
            is_around: options.around.is_some(),
            seen,
            start,
        }
    }

    /// Writes the line of this event, if it has one.
    pub(super) fn read(&self, event: &Event) {
        let key = &self.key;
        match &event.what {
            EventKind::Granted {
                token, deadline, ..
            } if self.is_around => {
                self.held_around(*token, *deadline);
            }
            EventKind::Granted { token, .. } => self.granted(event.boot, *token),
            EventKind::OtherTtl { asked, granted } if self.verbose > 0 => {
                let (asked, granted) = (describe::duration(*asked), describe::duration(*granted));
                stderr::complain(format_args!(
                    "{key}: the store grants a TTL of {granted}, not the {asked} that it was asked for"
                ));
            }
            EventKind::Retrying(why) if self.verbose > 0 => {
                stderr::complain(format_args!("trying again: {why}"));
            }
            EventKind::Beneath(text) if self.verbose > 0 => {
                stderr::complain(format_args!("beneath: {}", describe::escape(text)));
            }
            EventKind::Limited(what) if self.verbose > 0 => {
                stderr::complain(format_args!("{}", describe::escape(what)));
            }
            EventKind::Renewed(deadline) if self.verbose > 1 => {
                let left = describe::duration(deadline.left());
                stderr::complain(format_args!("{key}: renewed, {left} left"));
            }
            _ => {}
        }
    }

    /// With -v, what the store says of a lock that is held around us.
    fn held_around(&self, token: u64, deadline: Option<Instant>) {
        if self.verbose > 0 {
            let left = deadline.map(|deadline| describe::duration(deadline.left()));
            let left = left.map_or(String::new(), |left| format!(", {left} left"));
            let key = &self.key;
            stderr::complain(format_args!("{key}: held around us, token {token}{left}"));
        }
    }

    /// Says how long the wait was, where a wait was shown, or with -v.
    fn granted(&self, at: Instant, token: u64) {
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
}
