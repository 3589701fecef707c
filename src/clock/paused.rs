//! tokio's clock where a test has paused it (`tokio::time::pause`), so that a lock's deadline can be
//! waited for without waiting. Built with the feature `testing` only.

use std::sync::OnceLock;
use std::time;

use super::Instant;

/// The same moment on the clock of tokio's timers and on ours.
struct SameMoment {
    monotonic: time::Instant,
    boottime: Instant,
}

/// Taken once, so that two looks at a paused clock give the same instant.
static SAME_MOMENT: OnceLock<SameMoment> = OnceLock::new();

/// The present moment by tokio's clock. `None` while that goes with the host's, as it does until it is
/// paused.
pub(super) fn now() -> Option<Instant> {
    let before = time::Instant::now();
    let tokio = tokio::time::Instant::now().into_std();
    let after = time::Instant::now();
    // tokio does not say whether its clock is paused. One that was paused once stays behind or ahead.
    if (before..=after).contains(&tokio) {
        return None;
    }
    let same = SAME_MOMENT.get_or_init(|| SameMoment {
        monotonic: time::Instant::now(),
        boottime: Instant::of_the_host(),
    });
    Some(match tokio.checked_duration_since(same.monotonic) {
        Some(later) => same.boottime + later,
        None => same.boottime - same.monotonic.duration_since(tokio),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::clock::{Instant, sleep_until};

    const HOUR: Duration = Duration::from_secs(60 * 60);

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_stands_still_and_is_moved_by_sleepers() {
        let real = std::time::Instant::now();
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(Instant::now(), start);
        let (long, short) = (sleep_until(start + HOUR), tokio::time::sleep(HOUR / 2));
        tokio::pin!(long);
        tokio::select! {
            () = &mut long => panic!("out of order"),
            () = short => {}
        }
        long.await;
        assert!(Instant::now().since(start) >= HOUR);
        tokio::time::advance(HOUR).await;
        assert!(Instant::now().since(start) >= HOUR * 2);
        assert!(real.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_sleep_that_began_before_the_pause_goes_on_by_the_paused_clock() {
        let deadline = Instant::now() + Duration::from_millis(200);
        let sleeper = tokio::spawn(sleep_until(deadline));
        tokio::task::yield_now().await;
        tokio::time::pause();
        sleeper.await.expect("an end");
        assert!(Instant::now() >= deadline);
    }
}
