//! Times in the time zone of whoever looks at them.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tz::{DateTime, TimeZone, UtcDateTime};

/// `2026-01-01 01:00:00 CET`; `None` where the zone is not known.
pub(crate) fn shown(time: SystemTime) -> Option<String> {
    static ZONE: OnceLock<Option<TimeZone>> = OnceLock::new();
    in_zone(time, ZONE.get_or_init(zone).as_ref()?)
}

/// What `$TZ` says, or the host (tzset(3)).
fn zone() -> Option<TimeZone> {
    match std::env::var("TZ") {
        Ok(name) => TimeZone::from_posix_tz(&name).ok(),
        Err(_) => TimeZone::local().ok(),
    }
}

/// A time zone of the system's database.
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The zone of this name, such as `Europe/Berlin`; `None` if this host does not have it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        // With the colon it is the name of a file, and nothing else (tzset(3)).
        TimeZone::from_posix_tz(&format!(":{name}")).ok().map(Self)
    }

    /// The zone of this process; `None` if there is none.
    pub(crate) fn of_host() -> Option<Self> {
        zone().map(Self)
    }

    /// By how many seconds its clocks are ahead of UTC, so many seconds after 1970 began.
    pub(crate) fn ahead(&self, seconds: i64) -> Option<i64> {
        let found = self.0.find_local_time_type(seconds).ok()?;
        Some(found.ut_offset().into())
    }
}

/// The year, and which of its days it is, from 0 on; in UTC.
pub(crate) fn year_and_day(seconds: i64) -> (i32, u16) {
    // It fails only beyond the years that a number of 32 bits counts.
    let time = UtcDateTime::from_timespec(seconds, 0);
    time.map_or((1970, 0), |time| (time.year(), time.year_day()))
}

/// The zone files of a host, at random, and what `$TZ` may be.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(data: &[u8]) {
    let zone = match std::str::from_utf8(data) {
        // With a colon it is the name of a file.
        Ok(text) if !text.contains([':', '/']) => TimeZone::from_posix_tz(text).ok(),
        _ => TimeZone::from_tz_data(data).ok(),
    };
    let Some(zone) = zone.map(Zone) else {
        return;
    };
    for seconds in [0, 1, 1_795_780_000, 1 << 32, i64::MAX, i64::MIN] {
        if let Some(ahead) = zone.ahead(seconds) {
            assert_eq!(i64::from(ahead as i32), ahead);
        }
        let _ = year_and_day(seconds);
        let since = std::time::Duration::from_secs(seconds.unsigned_abs() / 2);
        if let Some(shown) = UNIX_EPOCH
            .checked_add(since)
            .and_then(|at| in_zone(at, &zone.0))
        {
            assert!(!shown.contains(char::is_control), "{shown:?}");
        }
    }
}

fn in_zone(time: SystemTime, zone: &TimeZone) -> Option<String> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let time = DateTime::from_timespec(seconds.try_into().ok()?, 0, zone.as_ref()).ok()?;
    Some(format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02} {}",
        time.year(),
        time.month(),
        time.month_day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.local_time_type().time_zone_designation(),
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_zone_has_its_summer() {
        let zone = TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |seconds| in_zone(UNIX_EPOCH + Duration::from_secs(seconds), &zone);
        assert_eq!(at(1_767_225_600).unwrap(), "2026-01-01 01:00:00 CET");
        assert_eq!(at(1_782_864_000).unwrap(), "2026-07-01 02:00:00 CEST");
    }
}
