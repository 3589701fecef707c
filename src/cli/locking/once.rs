//! What is to be done once only: whether it is done, and the mark that it is.

use super::release::impatience;
use super::{Locking, NotHeld};
use crate::ErrorKind;
use crate::cli::once;
use crate::clock::Instant;
use crate::describe;
use crate::locker::{Held, Mark};
use crate::stderr;
use crate::supervise::signals::Signals;

/// What was begun under the lock, to be marked when it is done.
pub(in crate::cli) struct Begun {
    mark: Mark,
    at: Instant,
}

impl Locking<'_> {
    /// Whether there is still something to do in the slot, if there is one.
    ///
    /// # Errors
    /// [`NotHeld::Done`], and what the store answers.
    pub(super) async fn check_done(&self) -> Result<(), NotHeld> {
        let Some(once) = self.options.once.as_ref().filter(|once| !once.again) else {
            return Ok(());
        };
        let mark = self.store.marked(&self.options.key, &once.slot).await?;
        // A mark of our own for a command that we could not start is not in our way.
        match mark.filter(|mark| Some(mark.token) != self.unused.get()) {
            Some(mark) => Err(NotHeld::Done(Box::new(mark))),
            None => Ok(()),
        }
    }

    /// To be called before the work begins: marks it where that is to be done at the start.
    ///
    /// # Errors
    /// It is to be marked, and could not be, so that it must not be begun.
    pub(in crate::cli) async fn begin(&self, held: &Held) -> crate::Result<Option<Begun>> {
        let Some(once) = &self.options.once else {
            return Ok(None);
        };
        let mark = Mark::begun(&once.slot, self.holder.clone(), held);
        if once.at_most {
            // Also if it fails: it may be set.
            self.unused.set(Some(held.token()));
            let set = self.store.set_mark(held, &mark, once.keep).await;
            // What never began has lost nothing.
            set.map_err(|error| match error.kind() {
                ErrorKind::OwnershipLost => error.with_kind(ErrorKind::Unavailable),
                _ => error,
            })?;
        }
        let at = Instant::now();
        Ok(Some(Begun { mark, at }))
    }

    /// To be called when the work was done, with success, and the lock is still held. The store is asked
    /// again for as long as a command of its may take; a signal that is to end us shortens that.
    pub(in crate::cli) async fn mark_done(&self, held: &Held, begun: Begun, signals: &mut Signals) {
        let Some(once) = &self.options.once else {
            return;
        };
        let mark = begun.mark.done(Instant::now().since(begun.at));
        let mut told = None;
        let why = tokio::select! {
            set = self.store.set_mark(held, &mark, once.keep) => match set {
                Ok(()) => return,
                Err(error) => error.to_string(),
            },
            () = impatience(signals, &mut told) => "a signal came".to_owned(),
        };
        let slot = describe::escape(&once.slot);
        let what = match once.at_most {
            true => "how long it took was not written",
            false => "it is not marked as done",
        };
        stderr::complain(format_args!("warning: {slot}: {what}: {why}"));
    }

    /// With -v, or after a wait that was shown: who has done it, and when.
    pub(super) fn say_done(&self, mark: &Mark) {
        if self.options.verbose == 0 && !self.seen.was_announced() {
            return;
        }
        let (key, slot) = (&self.options.key, &mark.slot);
        let (key, slot) = (describe::escape(key), describe::escape(slot));
        let done = once::done(mark, &std::io::stderr());
        stderr::complain(format_args!("{key}: skipped: {slot} was {done}"));
    }
}
