//! What a store can do, known before anything is opened.

use std::time::Duration;

use super::limits;
pub use crate::error::Capability;
use crate::error::{Error, ErrorKind, Result, Setting, Subject};

/// What a store can do. A request for more fails with [`ErrorKind::Unsupported`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The store's name.
    pub store: &'static str,
    /// What its locks rest on, besides the clocks of the hosts: one line, for people.
    pub assumption: &'static str,
    /// Whether a lock runs out where its holder is not heard of. Else it ends with its holder.
    pub expires: bool,
    /// A TTL is a multiple of this; zero where any will do.
    pub ttl_step: Duration,
    /// Whether it is first come, first served.
    pub fifo: bool,
    /// Whether holders can share a lock.
    pub shared: bool,
    /// Whether a lock can have up to N holders at a time.
    pub several_holders: bool,
    /// Whether the locks of several keys can be taken at once.
    pub several_keys: bool,
    /// Whether a newer waiter can send older ones away.
    pub latest: bool,
    /// Whether an operator can ask how long a lock lasts.
    pub time_left: bool,
    /// Whether it has marks, which a run leaves for the next ones to see.
    pub marks: bool,
    /// Whether it keeps the last runs of each key.
    pub history: bool,
    /// Whether a lock can stay held for a time when its holder is gone: see
    /// [`Held::unlock_after`](crate::Held::unlock_after).
    pub min_hold: bool,
    /// Whether an operator can see who waits.
    pub waiters_visible: bool,
}

impl Capabilities {
    /// Those of a store whose locks are exclusive and end with their holder, and no more: its name, and
    /// what its locks rest on.
    pub const fn new(store: &'static str, assumption: &'static str) -> Self {
        Self {
            store,
            assumption,
            expires: false,
            ttl_step: Duration::ZERO,
            fifo: false,
            shared: false,
            several_holders: false,
            several_keys: false,
            latest: false,
            time_left: false,
            marks: false,
            history: false,
            min_hold: false,
            waiters_visible: false,
        }
    }

    /// Whether this is among them.
    pub fn have(&self, capability: Capability) -> bool {
        match capability {
            Capability::Shared => self.shared,
            Capability::SeveralHolders => self.several_holders,
            Capability::SeveralKeys => self.several_keys,
            Capability::Latest => self.latest,
            Capability::Marks => self.marks,
            Capability::MinHold => self.min_hold,
            Capability::History => self.history,
        }
    }

    /// Refuses a TTL that no store takes, or that is none of its steps.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidTtl`].
    pub fn check_ttl(&self, ttl: Duration) -> Result<()> {
        limits::check_ttl(ttl)?;
        let step = self.ttl_step;
        if step.is_zero() || ttl.as_nanos().is_multiple_of(step.as_nanos()) {
            return Ok(());
        }
        let (shown, store) = (humantime::format_duration(ttl), self.store);
        let steps = match step.as_secs() {
            1 => "whole seconds".to_owned(),
            _ => format!("steps of {}", humantime::format_duration(step)),
        };
        let message = format!("TTL {shown}: {store} takes {steps} only");
        Err(Error::new(ErrorKind::InvalidTtl, message).about([Setting::Ttl]))
    }

    /// Refuses what this store cannot do with the lock of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`].
    pub fn check(&self, key: &str, needed: Capability) -> Result<()> {
        if self.have(needed) {
            return Ok(());
        }
        Err(self.lacks(key, needed))
    }

    /// The error of a request for the lock of `key` that needs this too.
    pub(crate) fn lacks(&self, key: &str, missing: Capability) -> Error {
        let reason = format!("{} has no {}", self.store, missing.words());
        let error = Error::new(ErrorKind::Unsupported, reason);
        error.concerning(Subject::Capability(missing)).of_key(key)
    }
}
