//! The findings about times: whether they fit each other, and the store's distance.

use std::time::Duration;

use super::etcd::precise;
use super::findings::Times;
use super::judge::Judge;
use crate::ErrorKind;
use crate::cli::times::{self, Schedule};
use crate::describe;

/// A renewal is a ping, and the read that goes with it.
const ROUND_TRIPS: u32 = 2;

/// An answer that takes so much of the TTL, in hundredths, is too late for `run`. Up to there more
/// renewals are asked for while the earlier ones are under way.
const TOO_LATE: u32 = 45;

impl Judge<'_> {
    /// `slowest` is the longest that a read took.
    pub(super) fn times(&mut self, ttl: Duration, slowest: Option<Duration>) {
        let grace = self.options.grace(ttl);
        let schedule = Schedule::of(ttl, grace);
        self.report.times = Some(Times {
            ttl: ttl.as_secs_f64(),
            renewed_every: schedule.renewed_every.as_secs_f64(),
            told: schedule.told.as_secs_f64(),
            killed: schedule.killed.as_secs_f64(),
            unnoticed: schedule.unnoticed.as_secs_f64(),
        });
        let origins = ["kill-after", "ttl"].map(|key| self.settings.origin(key));
        if let Err(error) = times::check(ttl, grace, true, origins) {
            self.report.wrong("times", &error, error.to_string(), None);
            return;
        }
        self.report.ok(
            "times",
            format!(
                "renewed every {}; SIGTERM {} after the last renewal that etcd acknowledged, \
                 SIGKILL after {}; etcd can be gone for {}",
                describe::duration(schedule.renewed_every),
                describe::duration(schedule.told),
                describe::duration(schedule.killed),
                describe::duration(schedule.unnoticed)
            ),
        );
        let Some(slowest) = slowest else {
            return;
        };
        let renewal = slowest * ROUND_TRIPS;
        let text = format!("a renewal takes up to {}", precise(renewal));
        let mend = format!("a longer {}, or a nearer etcd", self.option("ttl"));
        if slowest >= ttl * TOO_LATE / 100 {
            let text = format!("{text}, longer than there is time for");
            self.report
                .wrong("times", ErrorKind::Unavailable, text, Some(mend));
        } else if renewal * 4 >= schedule.unnoticed {
            let text = format!("{text}, much of the time that there is for it");
            self.report.warn("times", text, &mend);
        } else {
            self.report.ok("times", text);
        }
    }
}
