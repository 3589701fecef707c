//! Instants on `CLOCK_BOOTTIME`.
//!
//! [`std::time::Instant`] and tokio's timers read `CLOCK_MONOTONIC`, which stands still while the
//! host is suspended (clock_gettime(2)): a laptop would wake up and believe that it still holds
//! its lock. `CLOCK_BOOTTIME` goes on, and nobody can set it.

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec,
};
use tokio::net::unix::pipe;

/// A point in time since the host booted, suspend included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The present moment (`CLOCK_BOOTTIME`).
    pub fn now() -> Self {
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
            tv_sec: self.0.as_secs() as i64,
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

/// Sleeps until `deadline`, suspend included. Cancel-safe.
///
/// Without a free descriptor for the timer it falls back to tokio's own, which is right but for
/// the time of a suspend; the watchdog, whose timer was made at the start, is not concerned.
pub async fn sleep_until(deadline: Instant) {
    if deadline <= Instant::now() {
        // A setting of zero would disarm the timer (timerfd_create(2)).
        return;
    }
    let timer = rustix::time::timerfd_create(
        TimerfdClockId::Boottime,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    );
    if let Ok(timer) = timer {
        let setting = Itimerspec {
            it_interval: Timespec::default(),
            it_value: deadline.timespec(),
        };
        let set = rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &setting);
        // To tokio it is a descriptor to be read like a pipe's.
        let timer = pipe::Receiver::from_owned_fd_unchecked(timer);
        if let (Ok(_), Ok(timer)) = (set, timer)
            && timer.readable().await.is_ok()
        {
            return;
        }
    }
    while Instant::now() < deadline {
        tokio::time::sleep(deadline.left()).await;
    }
}

/// [`sleep_until`], or for ever without an instant. Cancel-safe.
#[cfg(feature = "cli")]
pub(crate) async fn until(at: Option<Instant>) {
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

    #[test]
    fn arithmetic_saturates() {
        let boot = Instant::from_boot(Duration::ZERO);
        assert_eq!(boot - Duration::from_secs(1), boot);
        assert_eq!((boot + Duration::MAX) + Duration::MAX, boot + Duration::MAX);
    }
}
