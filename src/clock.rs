//! Instants on `CLOCK_BOOTTIME`.
//!
//! [`std::time::Instant`] and tokio's timers read `CLOCK_MONOTONIC`, which stands still while the
//! host is suspended (clock_gettime(2)): a laptop would wake up and believe that it still holds
//! its lock. `CLOCK_BOOTTIME` goes on, and nobody can set it.

#[cfg(any(test, feature = "testing"))]
mod paused;
mod timer;

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::{ClockId, Timespec};

use self::timer::Timer;

/// A point in time since the host booted, suspend included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The present moment (`CLOCK_BOOTTIME`).
    ///
    /// With the feature `testing`, in a runtime whose clock was paused: by that clock.
    pub fn now() -> Self {
        paused_now().unwrap_or_else(Self::of_the_host)
    }

    fn of_the_host() -> Self {
        let now = rustix::time::clock_gettime(ClockId::Boottime);
        // Both fields are positive on this clock, and nanoseconds are below one thousand million.
        Self(Duration::new(now.tv_sec as u64, now.tv_nsec as u32))
    }

    /// The instant that lies this long after boot.
    pub const fn from_boot(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// How long after boot this instant lies.
    pub const fn since_boot(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from now to this instant; zero if it has passed.
    pub fn left(self) -> Duration {
        self.since(Self::now())
    }

    /// This instant as the kernel's timers want it.
    pub(crate) fn timespec(self) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: self.0.subsec_nanos().into(),
        }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the far end of time.
    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// Saturates at boot.
    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }
}

/// The present moment of a runtime whose time a test has paused.
fn paused_now() -> Option<Instant> {
    #[cfg(any(test, feature = "testing"))]
    return paused::now();
    #[cfg(not(any(test, feature = "testing")))]
    None
}

/// How often it sleeps by the kernel's timer: the first time ends early if the runtime ends whose task
/// waits for that timer.
const ATTEMPTS: u32 = 2;

/// Sleeps until `deadline`, suspend included. Cancel-safe. All the sleepers of a runtime share one
/// descriptor.
///
/// Without a free descriptor for the timer it sleeps by tokio's, which does not count the time of a
/// suspend. The tool's watchdog does not depend on this: it made its own timer at the start.
///
/// # Panics
/// Outside of a tokio runtime that has its I/O and time drivers enabled.
pub async fn sleep_until(deadline: Instant) {
    for _ in 0..ATTEMPTS {
        if deadline <= Instant::now() {
            return;
        }
        // A paused clock is tokio's, which the kernel's timer does not go by.
        if paused_now().is_none()
            && let Ok(timer) = Timer::of_this_runtime()
        {
            timer.sleep(deadline).await;
        }
    }
    while Instant::now() < deadline {
        tokio::time::sleep(deadline.left()).await;
    }
}

/// Sleeps until this instant, or for ever if there is none. Cancel-safe.
pub async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleep_ends_at_its_instant_and_not_before() {
        let start = Instant::now();
        let deadline = start + Duration::from_millis(30);
        sleep_until(deadline).await;
        assert!(Instant::now() >= deadline);
        assert!(start.since(Instant::now()) == Duration::ZERO);
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_does_not_wait() {
        sleep_until(Instant::now() - Duration::from_secs(1)).await;
        sleep_until(Instant::from_boot(Duration::ZERO)).await;
    }

    /// How many of the kernel's timers this process has open.
    fn timers() -> usize {
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("descriptors");
        let targets = descriptors
            .flatten()
            .map(|entry| std::fs::read_link(entry.path()));
        let timers = targets
            .flatten()
            .filter(|to| to.as_os_str() == "anon_inode:[timerfd]");
        timers.count()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_sleepers_share_a_descriptor_and_each_wakes_in_its_time() {
        let before = timers();
        let start = Instant::now();
        let mut sleepers = tokio::task::JoinSet::new();
        for number in 0..500_u64 {
            // In no order; half of them are dropped before their time.
            let time = Duration::from_millis(100 + number * 37 % 500);
            sleepers.spawn(async move {
                let sleep = sleep_until(start + time);
                if number % 2 == 0 {
                    // On a loaded machine both times can have come before it is looked at again.
                    let _ = tokio::time::timeout(time / 2, sleep).await;
                    return Duration::ZERO;
                }
                sleep.await;
                let now = Instant::now();
                assert!(now >= start + time, "woken too early");
                now.since(start + time)
            });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Other tests have theirs.
        assert!(timers() < before + 20, "{} timers", timers() - before);
        let late = sleepers.join_all().await.into_iter().max();
        assert!(late < Some(Duration::from_millis(500)), "{late:?}");
    }

    #[test]
    fn a_sleeper_outlives_the_runtime_in_which_it_began() {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let built = builder.worker_threads(1).enable_all().build();
            built.expect("a runtime")
        };
        let first = runtime();
        let deadline = Instant::now() + Duration::from_millis(200);
        let mut sleep = Box::pin(sleep_until(deadline));
        first.block_on(async {
            let short = tokio::time::timeout(Duration::from_millis(20), &mut sleep);
            assert!(short.await.is_err());
        });
        drop(first);
        runtime().block_on(async {
            let end = tokio::time::timeout(Duration::from_secs(10), sleep);
            end.await.expect("an end");
        });
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn arithmetic_saturates() {
        let boot = Instant::from_boot(Duration::ZERO);
        assert_eq!(boot - Duration::from_secs(1), boot);
        assert_eq!((boot + Duration::MAX) + Duration::MAX, boot + Duration::MAX);
    }
}
