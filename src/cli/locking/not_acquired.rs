//! How genlock ends when it does not hold the lock.

use super::{Locking, NotHeld};
use crate::describe;
use crate::events::{EventKind, SkipReason};
use crate::exit::Exit;
use crate::stderr;

impl Locking<'_> {
    /// How genlock ends. If another holds the lock, says who.
    pub(in crate::cli) async fn not_held(&self, why: NotHeld) -> anyhow::Result<Exit> {
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
                if !self.options.quiet {
                    self.say_who_holds().await;
                }
                Ok(Exit::Status(self.options.conflict_exit_code))
            }
        }
    }

    async fn say_who_holds(&self) {
        let key = describe::escape(&self.options.key);
        if let Some(limit) = self.options.limit.filter(|limit| !limit.is_zero()) {
            let limit = describe::duration(limit);
            let holder = self.seen.now(&self.options.key, &*self.store).await;
            stderr::complain(format_args!("{key}: not acquired within {limit}: {holder}"));
        } else {
            // The store has just said so: there is no need to ask again.
            let holder = self.seen.waiting();
            let holder = holder.as_deref().unwrap_or("held by another");
            stderr::complain(format_args!("{key}: not acquired: {holder}"));
        }
    }
}
