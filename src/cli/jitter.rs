//! `--jitter`: a run asks for its lock some time later, so that many hosts do not ask at the same moment.
//! The time is the same for the same host and key in every run, as of systemd's `FixedRandomDelaySec=`.
//!
//! Hosts that come one after the other run one after the other: whoever finds the lock free again runs too.
//! So it is refused where nothing else sees to one run.

use std::time::Duration;

use super::settings::{Origin, RunOptions, Settings};
use super::times::{self, Usage};
use crate::locker::Record;
use crate::locker::kind::StoreKind;

/// No jitter is longer.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What a host is known by, on most (machine-id(5)).
const MACHINE_ID: &str = "/etc/machine-id";

/// Reads the longest time of a jitter.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let longest = times::parse(text)?;
    if longest > LONGEST {
        return Err("at most a day, 24h".to_owned());
    }
    Ok(longest)
}

/// How much later than now this run asks for its lock, in that kind of store.
///
/// # Errors
/// [`Usage`] if a jitter is asked for, and every host would run in turn. One of the configuration is meant
/// for whichever runs can have it.
pub(super) fn delay(
    options: &RunOptions,
    settings: &Settings,
    kind: &StoreKind,
) -> Result<Duration, Usage> {
    let longest = options.jitter;
    if longest.is_zero() {
        return Ok(longest);
    }
    if kind.is_local || is_one_run(options) {
        return Ok(of_host(longest, &options.lock.key));
    }
    let origin = settings.origin("jitter");
    if matches!(origin, Origin::File(..)) {
        return Ok(Duration::ZERO);
    }
    let longest = humantime::format_duration(longest);
    Err(Usage::new(format!(
        "{} {longest}: every host would run, one after the other; it is for --once, --once-per, \
         --min-hold of at least {longest}, and for locks of this host (file:)",
        origin.place("jitter")
    )))
}

/// Whether hosts that ask for the lock within the jitter come to one run together, not to one each.
fn is_one_run(options: &RunOptions) -> bool {
    let once = options.lock.once.as_ref();
    let keeps_others_out = !options.lock.asked.is_shared();
    once.is_some_and(|once| !once.again)
        || keeps_others_out && options.min_hold.is_some_and(|held| held >= options.jitter)
}

/// The part of `longest` that is this host's, for this key.
fn of_host(longest: Duration, key: &str) -> Duration {
    // Both: machines that were copied share their id, and containers have none or that of their image.
    let machine = std::fs::read_to_string(MACHINE_ID).unwrap_or_default();
    let host = Record::host_name();
    let share = u128::from(mix([machine.trim(), &host, key]));
    let nanos = (longest.as_nanos() * share) >> u64::BITS;
    // A day has fewer nanoseconds.
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A number that looks like any other, and is the same for the same words. It may not change between
/// versions: FNV-1a, and the finalizer of SplitMix64.
fn mix(words: [&str; 3]) -> u64 {
    let mut mixed: u64 = 0xcbf2_9ce4_8422_2325;
    for word in words {
        for byte in word.bytes().chain([0]) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_keys_are_spread_evenly_and_stay_where_they_are() {
        let mut quarters = [0; 4];
        for host in 0..1000 {
            for key in ["/locks/a", "/locks/b"] {
                let share = mix(["", &format!("web{host}"), key]);
                quarters[(share >> 62) as usize] += 1;
            }
        }
        assert!(
            quarters.iter().all(|&count| (400..600).contains(&count)),
            "{quarters:?}"
        );
        assert_ne!(mix(["a", "b", "c"]), mix(["ab", "", "c"]));
        // Another version of genlock has to come to the same.
        assert_eq!(mix(["", "web1", "/locks/a"]), 15_569_598_298_386_036_270);
    }

    #[test]
    fn a_part_is_below_the_whole() {
        for seconds in [1, 60, 86_400] {
            let longest = Duration::from_secs(seconds);
            for key in ["a", "b", "c", "d"] {
                let part = of_host(longest, key);
                assert!(part < longest && part == of_host(longest, key), "{part:?}");
            }
        }
    }
}
