//! How a client takes its locks, where a request does not say otherwise.

use std::fmt;
use std::time::Duration;

use crate::events::{Event, EventKind, Observer};
use crate::record::Record;

/// How a client takes its locks.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long the store keeps a lock whose holder it does not hear of; 10 s. Whole seconds in
    /// etcd, which may grant more. The file store, whose locks end with their holder, heeds it
    /// only without `auto_renew`.
    pub ttl: Duration,
    /// The pause between attempts where a store must be polled, and before a reconnect; 100 ms.
    pub retry_interval: Duration,
    /// Whether a lock is renewed for as long as it is held; true. Without, it ends at its TTL.
    pub auto_renew: bool,
    /// How long what the lock covers may take to end when it is told to before the lock runs out; a
    /// fifth of the TTL. With less time left than that no lock is handed out.
    pub grace: Option<Duration>,
    /// Whether a waiter tells of every change in the queue ahead of it, for a person who watches;
    /// false. It costs a watch of the whole queue, where one place is enough to wait.
    pub follow_queue: bool,
    /// Who takes the lock, as others will see it.
    pub holder: Record,
    /// Is called with each event of this client's locks.
    pub observer: Option<Observer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(10),
            retry_interval: Duration::from_millis(100),
            auto_renew: true,
            grace: None,
            follow_queue: false,
            holder: Record::of_this_process(),
            observer: None,
        }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Options::ttl`].
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets [`Options::retry_interval`].
    #[must_use]
    pub fn with_retry_interval(mut self, pause: Duration) -> Self {
        self.retry_interval = pause;
        self
    }

    /// Sets [`Options::auto_renew`].
    #[must_use]
    pub fn with_auto_renew(mut self, renews: bool) -> Self {
        self.auto_renew = renews;
        self
    }

    /// Sets [`Options::grace`].
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Sets [`Options::follow_queue`].
    #[must_use]
    pub fn with_follow_queue(mut self, follows: bool) -> Self {
        self.follow_queue = follows;
        self
    }

    /// Sets [`Options::holder`].
    #[must_use]
    pub fn with_holder(mut self, holder: Record) -> Self {
        self.holder = holder;
        self
    }

    /// Sets [`Options::observer`], to one that calls this with each event.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(observer));
        self
    }

    /// For stores: tells the observer, if there is one, what has happened now, with the lock of `key`
    /// or with the connection.
    pub fn notify(&self, key: Option<&str>, what: EventKind) {
        if let Some(observer) = &self.observer {
            observer.tell(key, what);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("ttl", &self.ttl)
            .field("retry_interval", &self.retry_interval)
            .field("auto_renew", &self.auto_renew)
            .field("grace", &self.grace)
            .field("follow_queue", &self.follow_queue)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}
