//! How genlock ends when it does not hold the lock.

use super::in_the_way::InTheWay;
use super::{Locking, NotHeld};
use crate::cli::report::Reporter;
use crate::describe;
use crate::events::{EventKind, SkipReason};
use crate::exit::Exit;
use crate::stderr;

impl Locking<'_> {
    /// How genlock ends. If another holds the lock, says and reports who.
    pub(in crate::cli) async fn not_held(
        &self,
        why: NotHeld,
        reporter: &Reporter,
    ) -> anyhow::Result<Exit> {
        match why {
            NotHeld::Signal(signal) => Ok(Exit::Signal(signal)),
            NotHeld::Failed(error) => Err(error.into()),
            NotHeld::Done(mark) => {
                self.events.tell(EventKind::Skipped(SkipReason::Done));
                self.say_done(&mark);
                Ok(Exit::Status(0))
            }
            NotHeld::Superseded(error) => {
                let why = SkipReason::Superseded;
                self.events.tell(EventKind::Skipped(why));
                if !self.options.quiet {
                    let key = describe::escape(&self.options.key);
                    stderr::complain(format_args!("{key}: not acquired: {}", error.reason()));
                }
                Ok(Exit::Status(self.options.conflict_exit_code))
            }
            NotHeld::ByAnother => {
                self.events.tell(EventKind::Skipped(SkipReason::Busy));
                if !self.options.quiet || reporter.places().report().is_some() {
                    self.tell_what_is_in_the_way(reporter).await;
                }
                Ok(Exit::Status(self.options.conflict_exit_code))
            }
        }
    }

    async fn tell_what_is_in_the_way(&self, reporter: &Reporter) {
        let (options, seen) = (self.options, &self.seen);
        let limit = options.limit.filter(|limit| !limit.is_zero());
        // Under --try the store has just said who holds the lock: there is no need to ask again if that is all.
        let as_seen = match limit {
            None => InTheWay::as_seen(options, seen),
            Some(_) => None,
        };
        let found = match as_seen {
            Some(found) => Ok(found),
            None => InTheWay::now(options, seen, &*self.store).await,
        };
        let what = match &found {
            Err(why) => why.clone(),
            Ok(found) if !found.is_nothing() => found.text(),
            Ok(_) if limit.is_some() => "free by now".to_owned(),
            Ok(_) => seen.waiting().unwrap_or("held by another".to_owned()),
        };
        if let Ok(found) = found {
            reporter.account().is_blocked_by(found.blocked_keys());
        }
        if options.quiet {
            return;
        }
        let key = describe::escape(&options.key);
        match limit.map(describe::duration) {
            Some(limit) => {
                stderr::complain(format_args!("{key}: not acquired within {limit}: {what}"));
            }
            None => stderr::complain(format_args!("{key}: not acquired: {what}")),
        }
    }
}
