//! Durations as the command line takes them, and whether they fit each other.

use std::fmt;
use std::time::Duration;

use super::settings::Origin;
use crate::locker::{
    MAX_TTL, MIN_TTL, killed_after, least_ttl, renewed_every, room_for_grace, stopped_after,
};
use crate::{Error, ErrorKind};

/// The error of wrong usage, with the status 64.
#[derive(Debug)]
pub(super) struct Usage(String);

impl Usage {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// No time is longer than the longest TTL.
const LONGEST: Duration = MAX_TTL;

/// The error for a longer time.
pub(super) fn too_long() -> String {
    format!("at most {}s, which is 285 years", LONGEST.as_secs())
}

/// Reads `10s`, `1m30s`, `500ms`; a number without a unit is in seconds. Months and years are refused: `1M`
/// is a month in humantime, and hardly meant so.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        Ok(seconds) if seconds < 0.0 => return Err("a duration is not negative".to_owned()),
        Ok(seconds) if !seconds.is_nan() => {
            Duration::try_from_secs_f64(seconds).map_err(|_| too_long())?
        }
        _ => parse_units(text)?,
    };
    if time > LONGEST {
        return Err(too_long());
    }
    Ok(time)
}

fn parse_units(text: &str) -> Result<Duration, String> {
    let units = text.split(|c: char| c.is_ascii_digit() || c == '.' || c.is_whitespace());
    for unit in units {
        if matches!(
            unit,
            "M" | "month" | "months" | "y" | "yr" | "year" | "years"
        ) {
            return Err(format!(
                "\"{unit}\" is not taken: write days, or m for minutes"
            ));
        }
    }
    humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::NumberOverflow => too_long(),
        _ => "write it as in 10s, 1m30s, 500ms; a bare number is in seconds".to_owned(),
    })
}

/// [`parse`], but for a time that cannot be zero.
pub(super) fn parse_pause(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it cannot be zero".to_owned()),
        pause => Ok(pause),
    }
}

/// [`parse`], but for a TTL.
pub(super) fn parse_ttl(text: &str) -> Result<Duration, String> {
    let ttl = parse(text)?;
    if ttl < MIN_TTL {
        return Err(format!("at least {}s", MIN_TTL.as_secs()));
    }
    Ok(ttl)
}

/// Refuses a grace that does not fit into the TTL. `of_grace` and `of_ttl` are the origins of both.
pub(super) fn check(
    ttl: Duration,
    grace: Duration,
    renewed: bool,
    [of_grace, of_ttl]: [&Origin; 2],
) -> Result<(), Error> {
    let room = room_for_grace(ttl, renewed);
    if grace < room {
        return Ok(());
    }
    let fitting = least_ttl(grace, renewed).as_secs();
    // Neither is an option or a variable: the configuration is wrong, and not the usage.
    let is_of = |origin: &Origin| matches!(origin, Origin::File(..) | Origin::Default);
    let (kind, dashes) = if is_of(of_grace) && is_of(of_ttl) {
        (ErrorKind::InvalidConfig, "")
    } else {
        (ErrorKind::InvalidTtl, "--")
    };
    let places = [("kill-after", of_grace), ("ttl", of_ttl)];
    let places = places.iter().filter(|(_, origin)| origin.is_elsewhere());
    let places = places.map(|(key, origin)| format!(" ({})", origin.place(key)));
    Err(Error::new(
        kind,
        format!(
            "{dashes}kill-after {} does not fit into {dashes}ttl {}: take less than {}, or \
             {dashes}ttl {fitting}s{}",
            humantime::format_duration(grace),
            humantime::format_duration(ttl),
            humantime::format_duration(room),
            places.collect::<String>(),
        ),
    ))
}

/// What follows from a TTL and a grace. Times count from when the last acknowledged renewal was sent.
pub(super) struct Schedule {
    /// From one renewal to the next.
    pub(super) renewed_every: Duration,
    /// Until the command is sent SIGTERM.
    pub(super) told: Duration,
    /// Until the command is killed.
    pub(super) killed: Duration,
    /// How long the store can be away, from any moment on, without an effect on the command.
    pub(super) unnoticed: Duration,
}

impl Schedule {
    pub(super) fn of(ttl: Duration, grace: Duration) -> Self {
        let told = stopped_after(ttl, grace);
        let renewed_every = renewed_every(ttl);
        Self {
            renewed_every,
            told,
            killed: killed_after(ttl),
            unnoticed: told.saturating_sub(renewed_every),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("500ms", 500),
            ("30", 30_000),
            ("0.5", 500),
            ("0", 0),
            ("2h", 7_200_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in ["1M", "1y", "2 months", "-1", "inf", "nan", "", "soon", "5x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_pause("0ms").is_err());
        assert_eq!(parse("9000000000s"), Ok(LONGEST));
        for text in [
            "9000000001",
            "9000000000s 1ns",
            "9223372036854775808",
            "9223372036854775808s",
            "99999999999999999999s",
            "1e300",
            "1e999",
            "inf",
        ] {
            assert_eq!(parse(text), Err(too_long()), "{text}");
        }
    }

    #[test]
    fn the_ttl_that_is_proposed_fits() {
        for (ttl, renewed) in [(10, true), (5, true), (60, true), (10, false)] {
            for grace in [1, 3, 5, 8, 12, 300] {
                let ttl = Duration::from_secs(ttl);
                let grace = Duration::from_secs(grace);
                let origins = [&Origin::Flag; 2];
                if let Err(error) = check(ttl, grace, renewed, origins) {
                    let message = error.to_string();
                    let proposed = message.rsplit("--ttl ").next().unwrap();
                    let proposed = parse(proposed).unwrap();
                    assert!(
                        check(proposed, grace, renewed, origins).is_ok(),
                        "{message}"
                    );
                    assert!(proposed > ttl, "{message}");
                }
            }
        }
    }
}
