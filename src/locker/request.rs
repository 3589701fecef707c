//! What is asked of a store: one request for every way to take a lock.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::capabilities::{Capabilities, Capability};
use super::limits::{MAX_KEYS, check_key};
use super::options::Options;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::{Mode, QueuePolicy};
use crate::record::Record;

/// A request for the locks of one or several keys. What is not set comes from the client's
/// [`Options`].
#[derive(Clone, Debug)]
pub struct Request {
    keys: Vec<String>,
    mode: Mode,
    queue: QueuePolicy,
    waits: bool,
    ttl: Option<Duration>,
    holder: Option<Record>,
    reason: Option<String>,
    labels: BTreeMap<String, String>,
    follows_queue: Option<bool>,
}

/// The keys, and what is out of the ordinary: `/k and /l (shared, no wait)`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keys.join(" and "))?;
        let mode = (self.mode != Mode::default()).then(|| self.mode.to_string());
        let queue = (self.queue != QueuePolicy::default()).then(|| self.queue.to_string());
        let wait = (!self.waits).then(|| "no wait".to_owned());
        let ttl = self.ttl.map(humantime::format_duration);
        let ttl = ttl.map(|ttl| format!("TTL {ttl}"));
        let said: Vec<_> = [mode, queue, wait, ttl].into_iter().flatten().collect();
        match said[..] {
            [] => Ok(()),
            _ => write!(f, " ({})", said.join(", ")),
        }
    }
}

impl Request {
    /// For the lock of this key: exclusive, and waiting until it is held.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            keys: vec![key.into()],
            mode: Mode::default(),
            queue: QueuePolicy::default(),
            waits: true,
            ttl: None,
            holder: None,
            reason: None,
            labels: BTreeMap::new(),
            follows_queue: None,
        }
    }

    /// The lock of this key too: they are held together, and lost together.
    #[must_use]
    pub fn also(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// In this mode.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// By this policy while it waits.
    #[must_use]
    pub fn with_queue(mut self, queue: QueuePolicy) -> Self {
        self.queue = queue;
        self
    }

    /// `None` at once where another holds the lock.
    #[must_use]
    pub fn without_waiting(mut self) -> Self {
        self.waits = false;
        self
    }

    /// In place of [`Options::ttl`].
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// In place of [`Options::holder`].
    #[must_use]
    pub fn with_holder(mut self, holder: Record) -> Self {
        self.holder = Some(holder);
        self
    }

    /// Says in the holder's record why it is asked for.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds a label to the holder's record, or says another value of one that it has.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// In place of [`Options::follow_queue`].
    #[must_use]
    pub fn following_queue(mut self, follows: bool) -> Self {
        self.follows_queue = Some(follows);
        self
    }

    /// The first key, by which it is called.
    pub fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// All the keys, the first among them.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What it does in the queue.
    pub fn queue(&self) -> QueuePolicy {
        self.queue
    }

    /// Whether it waits for the lock.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// The TTL for a client with these options.
    pub fn ttl(&self, options: &Options) -> Duration {
        self.ttl.unwrap_or(options.ttl)
    }

    /// The holder's record for a client with these options.
    pub fn holder(&self, options: &Options) -> Record {
        let mut holder = self.holder.as_ref().unwrap_or(&options.holder).clone();
        if let Some(reason) = &self.reason {
            holder.reason.clone_from(reason);
        }
        holder.labels.extend(self.labels.clone());
        holder.locking(self.mode, self.queue)
    }

    /// Whether a waiter tells of all that moves ahead of it, for a client with these options.
    pub fn follows_queue(&self, options: &Options) -> bool {
        self.follows_queue.unwrap_or(options.follow_queue)
    }

    /// Refuses what no store takes, and what one with these capabilities cannot do. For stores, which
    /// ask it before anything else.
    ///
    /// # Errors
    /// [`InvalidKey`](crate::ErrorKind::InvalidKey), [`InvalidTtl`](crate::ErrorKind::InvalidTtl),
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    pub fn check(&self, capabilities: &Capabilities, options: &Options) -> Result<()> {
        self.check_keys()?;
        if self.mode == Mode::OneOf(0) {
            let why = "a lock has one holder at least";
            return Err(Error::new(ErrorKind::Unsupported, why).of_key(self.key()));
        }
        self.check_capabilities(capabilities)?;
        capabilities.check_ttl(self.ttl(options))
    }

    /// Refuses what a store with these capabilities cannot do: a part of [`Request::check`].
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    pub fn check_capabilities(&self, capabilities: &Capabilities) -> Result<()> {
        match self.needs().find(|&needed| !capabilities.have(needed)) {
            Some(missing) => Err(capabilities.lacks(self.key(), missing)),
            None => Ok(()),
        }
    }

    fn check_keys(&self) -> Result<()> {
        for (number, key) in self.keys.iter().enumerate() {
            check_key(key)?;
            let why = if self.keys[..number].contains(key) {
                "it is asked for twice".to_owned()
            } else if number >= MAX_KEYS {
                format!("more than {MAX_KEYS} keys at once")
            } else {
                continue;
            };
            return Err(Error::new(ErrorKind::InvalidKey, why).of_key(key));
        }
        Ok(())
    }

    /// For stores: the error of one that gives up its place in the queue of `key`, since a newer one came
    /// that waits by [`QueuePolicy::Latest`] too.
    pub fn superseded(&self, key: &str) -> Error {
        let why = "superseded: a newer one waits for it";
        Error::new(ErrorKind::Superseded, why).of_key(key)
    }

    /// For stores: the error of one of N where others of `key` say another number. See
    /// [`Mode::other_limit`].
    pub fn other_limit(&self, key: &str, others: u32) -> Error {
        let why = format!(
            "others hold it as one of {others}, and this is {}",
            self.mode
        );
        Error::new(ErrorKind::OtherMaxHolders, why).of_key(key)
    }

    /// What a store has to be able to do for it.
    fn needs(&self) -> impl Iterator<Item = Capability> + use<> {
        let mode = match self.mode {
            Mode::Exclusive => None,
            Mode::Shared => Some(Capability::Shared),
            Mode::OneOf(_) => Some(Capability::SeveralHolders),
        };
        let several = (self.keys.len() > 1).then_some(Capability::SeveralKeys);
        let latest = (self.queue == QueuePolicy::Latest).then_some(Capability::Latest);
        [mode, several, latest].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_cannot_do_is_refused() {
        let options = Options::default();
        let mut able = Capabilities::new("x", "nothing");
        let shared = || Request::new("/k").with_mode(Mode::Shared);
        let refused = shared().check(&able, &options).expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert_eq!(refused.to_string(), "/k: x has no shared locks");
        able.shared = true;
        assert!(shared().check(&able, &options).is_ok());
        for other in [
            shared().also("/l"),
            shared().with_queue(QueuePolicy::Latest),
            shared().with_mode(Mode::OneOf(3)),
        ] {
            assert!(other.check(&able, &options).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_key_is_asked_for_once_and_not_too_many() {
        let options = Options::default();
        let mut able = Capabilities::new("x", "nothing");
        able.several_keys = true;
        let twice = Request::new("/k").also("/l").also("/k");
        let refused = twice.check(&able, &options).expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::InvalidKey);
        assert_eq!(refused.to_string(), "/k: it is asked for twice");
        let many = |count: usize| {
            let more = (1..count).map(|number| format!("/{number}"));
            more.fold(Request::new("/k"), Request::also)
        };
        assert!(many(MAX_KEYS).check(&able, &options).is_ok());
        assert!(many(MAX_KEYS + 1).check(&able, &options).is_err());
    }

    #[test]
    fn the_record_says_the_mode() {
        let options = Options::default();
        let request = Request::new("/k").with_mode(Mode::OneOf(3));
        let record = request.with_queue(QueuePolicy::Latest).holder(&options);
        assert_eq!(record.locks(), Mode::OneOf(3));
        assert_eq!(record.queues(), QueuePolicy::Latest);
    }

    #[test]
    fn a_request_reads_like_words() {
        let request = Request::new("/k");
        assert_eq!(request.to_string(), "/k");
        let request = request.also("/l").with_mode(Mode::OneOf(3));
        let request = request.with_queue(QueuePolicy::Latest).without_waiting();
        let request = request.with_ttl(Duration::from_secs(5));
        let said = "/k and /l (one of 3, latest, no wait, TTL 5s)";
        assert_eq!(request.to_string(), said);
    }

    #[test]
    fn a_ttl_goes_by_the_steps_of_the_store() {
        let options = Options::default();
        let mut able = Capabilities::new("x", "nothing");
        let odd = Request::new("/k").with_ttl(Duration::from_millis(1500));
        assert!(odd.check(&able, &options).is_ok());
        able.ttl_step = Duration::from_secs(1);
        let refused = odd.check(&able, &options).expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::InvalidTtl);
        assert!(refused.to_string().contains("whole seconds"), "{refused}");
    }
}
