//! The time axis of a picture: where a time is, and at which times it has ticks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The steps between ticks, in seconds: what people count time in.
const STEPS: [u64; 25] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
    31_536_000,
    315_360_000,
];

/// So many ticks at most.
const TICKS: u64 = 8;

const DAY: u64 = 86_400;

/// The times from the left to the right of a picture.
pub(super) struct Axis {
    start: f64,
    end: f64,
    left: f64,
    width: f64,
}

impl Axis {
    /// From the first of these times to the last, over so many pixels.
    pub(super) fn over(times: impl IntoIterator<Item = f64>, left: f64, width: f64) -> Self {
        let bounds = (f64::INFINITY, f64::NEG_INFINITY);
        let (start, end) = times.into_iter().fold(bounds, |(start, end), time| {
            (start.min(time), end.max(time))
        });
        let (start, end) = match start <= end {
            true => (start, end),
            false => (0.0, 0.0),
        };
        Self {
            start,
            // Never of no length.
            end: end.max(start + 1.0),
            left,
            width,
        }
    }

    /// Where a time is, in pixels.
    pub(super) fn at(&self, time: f64) -> f64 {
        let part = (time - self.start) / (self.end - self.start);
        self.left + part.clamp(0.0, 1.0) * self.width
    }

    /// The times of the ticks, and what is written there, in UTC.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let length = (self.end - self.start) as u64;
        let fits = |step: &&u64| length / **step < TICKS;
        let step = STEPS.iter().find(fits).copied();
        // Of nonsense, as anybody may write it.
        let step = step.unwrap_or(length / TICKS + 1);
        let first = (self.start.max(0.0).ceil() as u64)
            .div_ceil(step)
            .saturating_mul(step);
        let ticks = (first..=self.end.max(0.0) as u64).step_by(step as usize);
        ticks.map(|at| (at as f64, label(at, step))).collect()
    }

    /// The first and the last time, in UTC.
    pub(super) fn ends(&self) -> [String; 2] {
        [self.start, self.end].map(|at| text(at.max(0.0) as u64))
    }
}

/// `2026-01-01T00:00:00Z`.
fn text(seconds: u64) -> String {
    // What humantime can write ends with the year 9999.
    let last = 253_402_300_799;
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(last));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The day at midnight, else as much of the time as the steps need.
fn label(at: u64, step: u64) -> String {
    let text = text(at);
    let part = match (at % DAY, step) {
        (0, _) => 0..10,
        (_, ..60) => 11..19,
        _ => 11..16,
    };
    text.get(part).unwrap_or_default().to_owned()
}

/// A time as a store keeps it, in seconds since 1970.
pub(super) fn parsed(kept: &str) -> Option<f64> {
    humantime::parse_rfc3339_weak(kept).ok().map(seconds)
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_at_round_times() {
        let start = parsed("2026-01-01T23:50:07Z").expect("a time");
        let labels = |length: f64| -> Vec<_> {
            let axis = Axis::over([start, start + length], 0.0, 100.0);
            axis.ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(5.0)[..2], ["23:50:07", "23:50:08"]);
        assert_eq!(labels(1200.0), ["23:55", "2026-01-02", "00:05", "00:10"]);
        assert_eq!(
            labels(86_400.0 * 3.0).first().map(String::as_str),
            Some("2026-01-02")
        );
        for length in [0.0, 1.0, 1e3, 1e5, 1e7, 1e9, 1e12] {
            assert!(labels(length).len() <= TICKS as usize + 1, "{length}");
        }
    }

    #[test]
    fn a_time_has_its_place() {
        let axis = Axis::over([10.0, 20.0], 100.0, 50.0);
        assert_eq!(
            [10.0, 15.0, 20.0, 99.0].map(|at| axis.at(at)),
            [100.0, 125.0, 150.0, 150.0]
        );
        assert!(Axis::over([], 0.0, 1.0).at(5.0).is_finite());
    }
}
