//! Times in the time zone of whoever looks at them.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tz::{DateTime, TimeZone};

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
