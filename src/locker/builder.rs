//! The builder for one call: a request of one client, and the ways to take its locks.

use std::fmt;
use std::time::Duration;

use super::held::was_lost;
use super::{BoxFuture, Held, Mode, QueuePolicy, Record, Request, granted};
use crate::clock::{self, Instant};
use crate::error::{Error, ErrorKind, Result};

/// What a client does with the request.
type Acquire<'a> = Box<dyn FnOnce(Request) -> BoxFuture<'a, Result<Option<Held>>> + Send + 'a>;

/// One call of a client, put together bit by bit: from [`Locker::request`](super::Locker::request).
/// What is not set comes from the client's [`Options`](super::Options). Nothing happens before one of
/// [`lock`](Self::lock), [`try_lock`](Self::try_lock) and [`hold`](Self::hold) is awaited.
///
/// ```
/// # use std::time::Duration;
/// # use genlock::{Locker, Result};
/// # async fn deploy(locks: &dyn Locker, job: &str) -> Result<()> {
/// let request = locks.request("/locks/deploy").label("job", job);
/// let held = request.wait(Duration::from_secs(5)).lock().await?;
/// # held.unlock().await }
/// ```
#[must_use = "nothing is asked for before lock(), try_lock() or hold()"]
pub struct RequestBuilder<'a> {
    request: Request,
    wait: Option<Duration>,
    acquire: Acquire<'a>,
}

impl<'a> RequestBuilder<'a> {
    /// For the lock of this key, from the client that acquires so.
    pub(super) fn new(
        key: &str,
        acquire: impl FnOnce(Request) -> BoxFuture<'a, Result<Option<Held>>> + Send + 'a,
    ) -> Self {
        Self {
            request: Request::new(key),
            wait: None,
            acquire: Box::new(acquire),
        }
    }

    fn with(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        self.request = change(self.request);
        self
    }

    /// The lock of this key too: they are held together, and lost together.
    pub fn also(self, key: impl Into<String>) -> Self {
        self.with(|request| request.also(key))
    }

    /// With others that are shared too; else it is exclusive.
    pub fn shared(self) -> Self {
        self.with(|request| request.with_mode(Mode::Shared))
    }

    /// With others up to so many at a time, who all say the same number.
    pub fn max_holders(self, holders: u32) -> Self {
        self.with(|request| request.with_mode(Mode::OneOf(holders)))
    }

    /// Sends away those who wait by this policy too and came before; else first come, first served.
    pub fn latest(self) -> Self {
        self.with(|request| request.with_queue(QueuePolicy::Latest))
    }

    /// In place of [`Options::ttl`](super::Options::ttl).
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with(|request| request.with_ttl(ttl))
    }

    /// Waits at most so long until the lock is held, from the call on, connecting included. If it is
    /// not held by then the queue is left. Zero does not wait, as [`try_lock`](Self::try_lock).
    pub fn wait(mut self, at_most: Duration) -> Self {
        self.wait = Some(at_most);
        self
    }

    /// In place of [`Options::holder`](super::Options::holder).
    pub fn holder(self, holder: Record) -> Self {
        self.with(|request| request.with_holder(holder))
    }

    /// Says in the holder's record why it is asked for, for all who look who holds the lock, or waits.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.with(|request| request.with_reason(reason))
    }

    /// Adds a label to the holder's record, for all who look who holds the lock, or waits.
    pub fn label(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|request| request.with_label(name, value))
    }

    /// In place of [`Options::follow_queue`](super::Options::follow_queue).
    pub fn follow_queue(self, follows: bool) -> Self {
        self.with(|request| request.following_queue(follows))
    }

    /// Waits until the lock is held: for ever, or as long as [`wait`](Self::wait) says. Cancel-safe, as
    /// [`Locker::acquire`](super::Locker::acquire).
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it was not held in that time, and as
    /// [`Locker::acquire`](super::Locker::acquire).
    pub async fn lock(self) -> Result<Held> {
        let key = self.request.key().to_owned();
        let Some(at_most) = self.wait else {
            return granted(&key, (self.acquire)(self.request).await?);
        };
        let held = self.within(at_most).await?;
        held.ok_or_else(|| {
            let time = humantime::format_duration(at_most);
            Error::new(ErrorKind::TimedOut, format!("not held within {time}")).of_key(key)
        })
    }

    /// Holds the lock now, or gives `None`: being held by another is no error. With
    /// [`wait`](Self::wait), `None` comes after that time. Cancel-safe, as [`lock`](Self::lock).
    ///
    /// # Errors
    /// As [`Locker::acquire`](super::Locker::acquire).
    pub async fn try_lock(self) -> Result<Option<Held>> {
        let at_most = self.wait.unwrap_or_default();
        self.within(at_most).await
    }

    /// `None` if it is not held after so long.
    async fn within(self, at_most: Duration) -> Result<Option<Held>> {
        if at_most.is_zero() {
            return (self.acquire)(self.request.without_waiting()).await;
        }
        let until = Instant::now() + at_most;
        let key = self.request.key().to_owned();
        tokio::select! {
            biased;
            held = (self.acquire)(self.request) => granted(&key, held?).map(Some),
            () = clock::sleep_until(until) => Ok(None),
        }
    }

    /// Takes the lock as [`lock`](Self::lock) does, does the work, and releases the lock; gives what the
    /// work gave. If the lock is lost meanwhile, or its deadline passes, the work is dropped where it
    /// awaits. What it has spawned goes on by itself, and so does work that does not await: see to
    /// those with [`Held::lost`] and [`Held::deadline`].
    ///
    /// The lock is released after a panic of the work, and where this future is dropped, too: then in
    /// the background, as after a loss. Dropping this drops the work first.
    ///
    /// If the work ended while the lock was held, its result counts although the release may fail
    /// then: the lock is free at its TTL's end.
    ///
    /// ```
    /// # use genlock::{Locker, Result};
    /// # async fn deploy(locks: &dyn Locker) -> Result<()> {
    /// let request = locks.request("/locks/deploy");
    /// let deployed = request.hold(async |held| roll_out(held.token()).await).await?;
    /// # Ok(()) }
    /// # async fn roll_out(_fencing_token: u64) {}
    /// ```
    ///
    /// Within the work the same lock would wait for itself.
    ///
    /// The future can be spawned where the work can. A closure that gives a future, in place of an
    /// async one, has to name the type of what it is given (`|_: &Held|`).
    ///
    /// # Errors
    /// [`ErrorKind::OwnershipLost`] if the lock was lost before the work ended; and as
    /// [`lock`](Self::lock).
    pub async fn hold<T>(self, work: impl AsyncFnOnce(&Held) -> T) -> Result<T> {
        let held = self.lock().await?;
        let given = tokio::select! {
            biased;
            loss = held.lost() => return Err(was_lost(held.key(), loss)),
            given = async { work(&held).await } => given,
        };
        match held.unlock().await {
            Err(error) if error.kind() == ErrorKind::OwnershipLost => Err(error),
            Ok(()) | Err(_) => Ok(given),
        }
    }
}

impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("request", &self.request)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::locker::Options;

    #[tokio::test]
    async fn each_word_is_in_the_request() {
        let asked = Mutex::new(Request::new("none"));
        let call = || {
            RequestBuilder::new("/k", |request| {
                *asked.lock().expect("no panic") = request;
                Box::pin(std::future::ready(Ok(None)))
            })
        };
        for (call, said) in [
            (call().also("/l"), "/k and /l (no wait)"),
            (call().shared(), "/k (shared, no wait)"),
            (call().max_holders(3), "/k (one of 3, no wait)"),
            (call().latest(), "/k (latest, no wait)"),
            (call().ttl(Duration::from_secs(5)), "/k (no wait, TTL 5s)"),
            (call().wait(Duration::ZERO), "/k (no wait)"),
        ] {
            assert!(call.try_lock().await.expect("an answer").is_none());
            assert_eq!(asked.lock().expect("no panic").to_string(), said);
        }
        let holder = Record {
            command: "backup".to_owned(),
            ..Record::default()
        };
        let call = call().holder(holder).label("job", "17");
        let call = call.reason("a freeze").follow_queue(true);
        let error = call.lock().await.expect_err("it did not wait");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let (asked, options) = (asked.into_inner().expect("no panic"), Options::default());
        assert_eq!(asked.to_string(), "/k");
        assert!(asked.follows_queue(&options));
        let holder = asked.holder(&options);
        assert_eq!(holder.command, "backup");
        assert!(holder.labels.contains_key("job") && holder.reason == "a freeze");
    }
}
