//! The findings about times: whether they fit each other, and the store's distance.

use std::time::Duration;

use super::findings::{Findings, option};
use super::shown::Times;
use crate::ErrorKind;
use crate::cli::settings::Settings;
use crate::cli::times::{self, Schedule};
use crate::describe;
use crate::error::Setting;

/// An answer that takes this share of the TTL, in hundredths, is too late for `run`. One that is slow but
/// not so slow does no harm: further renewals are sent while earlier ones are not yet answered.
const TOO_LATE: u32 = 45;

/// How far the store is.
pub(super) struct Distance {
    /// The longest that an answer took.
    pub(super) slowest: Option<Duration>,
    /// How many answers, one after the other, a renewal waits for.
    pub(super) round_trips: u32,
}

impl Findings {
    /// Whether the times fit each other, and whether the store, which is called `store`, answers fast enough
    /// for them.
    pub(super) fn times(
        &mut self,
        settings: &Settings,
        store: &str,
        (ttl, grace): (Duration, Duration),
        distance: &Distance,
    ) {
        let schedule = Schedule::of(ttl, grace);
        self.times = Some(Times {
            ttl: ttl.as_secs_f64(),
            renewed_every: schedule.renewed_every.as_secs_f64(),
            told: schedule.told.as_secs_f64(),
            killed: schedule.killed.as_secs_f64(),
            unnoticed: schedule.unnoticed.as_secs_f64(),
        });
        let origins = ["kill-after", "ttl"].map(|key| settings.origin(key));
        if let Err(error) = times::check(ttl, grace, true, origins) {
            self.wrong("times", &error, error.to_string(), None);
            return;
        }
        self.ok(
            "times",
            format!(
                "renewed every {}; SIGTERM {} after the last renewal that {store} acknowledged, \
                 SIGKILL after {}; {store} can be gone for {}",
                describe::duration(schedule.renewed_every),
                describe::duration(schedule.told),
                describe::duration(schedule.killed),
                describe::duration(schedule.unnoticed)
            ),
        );
        let Some(slowest) = distance.slowest else {
            return;
        };
        let renewal = slowest * distance.round_trips;
        let text = format!(
            "a renewal takes up to {:.2}ms",
            renewal.as_secs_f64() * 1000.0
        );
        let ttl_option = option(settings, Setting::Ttl);
        let mend = format!("a longer {ttl_option}, or a nearer {store}");
        if slowest >= ttl * TOO_LATE / 100 {
            let text = format!("{text}, longer than there is time for");
            self.wrong("times", ErrorKind::Unavailable, text, Some(mend));
        } else if renewal * 4 >= schedule.unnoticed {
            let text = format!("{text}, much of the time that there is for it");
            self.warn("times", text, &mend);
        } else {
            self.ok("times", text);
        }
    }
}
