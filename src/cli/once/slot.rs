//! The slots of a clock: aligned and named. The name decides whether two runs are of one slot, and never
//! how much time has passed between them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::times;
use crate::local_time::{self, Zone};
use crate::{Error, ErrorKind};

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Shorter ones would be over before the clocks of all hosts are in them.
const SHORTEST: Duration = Duration::from_secs(60);

/// A mark is kept at least so long: the clocks of hosts differ, and a day may have 25 hours.
const LEAST_KEPT: Duration = Duration::from_secs(3_600);

/// What becomes a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// A part of a day, in UTC.
    Part(Duration),
    /// A date, in the zone of this name, or in UTC.
    Day(Option<String>),
    /// A week of ISO 8601, the same.
    Week(Option<String>),
}

impl Period {
    /// Reads `15m`, `1h`, `day`, `week`, `day@Europe/Berlin`. Whether there is such a zone is asked later.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (what, zone) = match text.split_once('@') {
            Some((what, zone)) => (what, Some(zone)),
            None => (text, None),
        };
        if zone.is_some_and(|zone| !is_name(zone)) {
            return Err(
                "behind the @ is the name of a time zone, such as Europe/Berlin".to_owned(),
            );
        }
        let zone = zone.map(str::to_owned);
        match what {
            "day" => return Ok(Self::Day(zone)),
            "week" => return Ok(Self::Week(zone)),
            _ => {}
        }
        let length = times::parse(what)
            .map_err(|_| "write it as in 15m, 1h, day, week, day@Europe/Berlin".to_owned())?;
        if zone.is_some() {
            return Err("a zone is for day and week: slots below a day are of UTC".to_owned());
        }
        if length < SHORTEST {
            return Err("at least 1m: the clocks of hosts differ".to_owned());
        }
        if length > DAY
            || !DAY.as_nanos().is_multiple_of(length.as_nanos())
            || length.subsec_nanos() != 0
        {
            return Err("it has to divide a day, as 15m, 1h or 6h do; else day or week".to_owned());
        }
        Ok(match length {
            DAY => Self::Day(None),
            part => Self::Part(part),
        })
    }

    /// How long the mark of a slot is kept.
    pub(super) fn kept(&self) -> Duration {
        let two = match self {
            Self::Part(part) => *part * 2,
            Self::Day(_) => DAY * 2 + LEAST_KEPT,
            Self::Week(_) => WEEK * 2 + LEAST_KEPT,
        };
        two.max(LEAST_KEPT)
    }

    /// The name of the slot in which this moment is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a zone that this host does not have.
    pub(super) fn slot(&self, at: SystemTime) -> crate::Result<String> {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs() as i64;
        match self {
            Self::Part(part) => {
                let length = part.as_secs() as i64;
                let start = date_and_time(seconds - seconds % length);
                let length = humantime::format_duration(*part).to_string();
                Ok(format!("{start}/{}", length.replace(' ', "")))
            }
            Self::Day(zone) => {
                let (local, suffix) = local(seconds, zone.as_deref())?;
                Ok(format!("{}{suffix}", date(local)))
            }
            Self::Week(zone) => {
                let (local, suffix) = local(seconds, zone.as_deref())?;
                Ok(format!("{}{suffix}", week(local)))
            }
        }
    }
}

/// Whether it can be the name of a zone: a file below the database's directory, and none elsewhere.
fn is_name(zone: &str) -> bool {
    let is_part = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    zone.split('/').all(is_part)
}

/// The seconds since 1970 as a clock of the zone shows them, and what the slot's name has behind it.
fn local(seconds: i64, zone: Option<&str>) -> crate::Result<(i64, String)> {
    let Some(name) = zone else {
        return Ok((seconds, String::new()));
    };
    let zone = match name {
        "local" => Zone::of_host(),
        name => Zone::named(name),
    };
    let ahead = zone.and_then(|zone| zone.ahead(seconds));
    let ahead = ahead.ok_or_else(|| {
        let why = format!(
            "--once-per: this host knows no time zone {name}: it needs the system's database (tzdata)"
        );
        Error::new(ErrorKind::InvalidConfig, why)
    })?;
    Ok((seconds + ahead, format!("@{name}")))
}

/// RFC 3339 in UTC, without what is zero of it: the seconds, and what is smaller.
fn date_and_time(seconds: i64) -> String {
    let text = rfc3339(seconds);
    match text.strip_suffix(":00Z") {
        Some(short) => format!("{short}Z"),
        None => text,
    }
}

fn date(seconds: i64) -> String {
    let mut text = rfc3339(seconds);
    text.truncate("2026-11-27".len());
    text
}

fn rfc3339(seconds: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(seconds.max(0) as u64);
    humantime::format_rfc3339_seconds(at).to_string()
}

/// `2026-W48`: a week is of the year in which its Thursday is.
fn week(seconds: i64) -> String {
    let days = seconds.div_euclid(DAY.as_secs() as i64);
    // The first of January 1970 was a Thursday.
    let weekday = (days + 3).rem_euclid(7);
    let thursday = (days - weekday + 3) * DAY.as_secs() as i64;
    let (year, day) = local_time::year_and_day(thursday);
    format!("{year}-W{:02}", day / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(period: &str, at: &str) -> String {
        let at = humantime::parse_rfc3339(at).expect("a time");
        let period = Period::parse(period).expect("a period");
        period.slot(at).expect("a zone")
    }

    #[test]
    fn slots_are_aligned_and_named() {
        for (period, at, name) in [
            ("1h", "2026-11-27T12:00:00.4Z", "2026-11-27T12:00Z/1h"),
            ("1h", "2026-11-27T12:59:59.9Z", "2026-11-27T12:00Z/1h"),
            ("60m", "2026-11-27T13:00:00.2Z", "2026-11-27T13:00Z/1h"),
            ("15m", "2026-11-27T13:00:00Z", "2026-11-27T13:00Z/15m"),
            ("90s", "2026-11-27T00:01:31Z", "2026-11-27T00:01:30Z/1m30s"),
            ("24h", "2026-11-27T23:59:59Z", "2026-11-27"),
            ("day", "2026-11-27T23:59:59Z", "2026-11-27"),
            ("day", "2026-11-28T00:00:00Z", "2026-11-28"),
            ("week", "2026-11-22T23:59:59Z", "2026-W47"),
            ("week", "2026-11-23T00:00:00Z", "2026-W48"),
            // ISO 8601: the week of a year's first Thursday is its first.
            ("week", "2027-01-03T12:00:00Z", "2026-W53"),
            ("week", "2024-12-30T12:00:00Z", "2025-W01"),
        ] {
            assert_eq!(slot(period, at), name, "{period} {at}");
        }
    }

    #[test]
    fn a_date_of_a_zone_has_23_or_25_hours() {
        let day = |at| slot("day@Europe/Berlin", at);
        if Zone::named("Europe/Berlin").is_none() {
            return eprintln!("skipped: this host has no time zones");
        }
        let spring = "2026-03-29@Europe/Berlin";
        assert_eq!(day("2026-03-28T22:59:59Z"), "2026-03-28@Europe/Berlin");
        assert_eq!(day("2026-03-28T23:00:00Z"), spring);
        assert_eq!(day("2026-03-29T21:59:59Z"), spring);
        assert_eq!(day("2026-03-29T22:00:00Z"), "2026-03-30@Europe/Berlin");
        let autumn = "2026-10-25@Europe/Berlin";
        assert_eq!(day("2026-10-24T22:00:00Z"), autumn);
        assert_eq!(day("2026-10-25T22:59:59Z"), autumn);
        assert_eq!(day("2026-10-25T23:00:00Z"), "2026-10-26@Europe/Berlin");
        // The hour that comes twice is two slots, and the one that is left out is none.
        let hour = |at| slot("1h", at);
        assert_ne!(hour("2026-10-25T00:30:00Z"), hour("2026-10-25T01:30:00Z"));
        assert_eq!(hour("2026-03-29T00:59:59Z"), "2026-03-29T00:00Z/1h");
        assert_eq!(hour("2026-03-29T01:00:00Z"), "2026-03-29T01:00Z/1h");
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for (text, why) in [
            ("7m", "divide a day"),
            ("5h", "divide a day"),
            ("48h", "divide a day"),
            ("30s", "at least 1m"),
            ("0", "at least 1m"),
            ("1h@Europe/Berlin", "a zone is for day and week"),
            ("daily", "write it as in"),
            ("", "write it as in"),
            ("day@", "name of a time zone"),
            ("day@../passwd", "name of a time zone"),
            ("day@/etc/localtime", "name of a time zone"),
        ] {
            let refused = Period::parse(text).expect_err("refused");
            assert!(refused.contains(why), "{text}: {refused}");
        }
        let unknown = Period::parse("day@Mars/Olympus").expect("a period");
        let refused = unknown.slot(SystemTime::now()).expect_err("no zone");
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
        assert!(refused.to_string().contains("Mars/Olympus"), "{refused}");
    }

    #[test]
    fn a_mark_outlives_its_slot() {
        let kept = |period| Period::parse(period).expect("a period").kept();
        assert_eq!(kept("1m"), Duration::from_secs(3_600));
        assert_eq!(kept("6h"), Duration::from_secs(12 * 3_600));
        assert!(kept("day@Europe/Berlin") >= Duration::from_secs(2 * 25 * 3_600 - 3_600));
    }
}
