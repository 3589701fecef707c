//! Numbers on the command line, and the errors for those that are refused.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::locker::history::MOST_KEPT;

/// So many holders a lock may have at most.
const MOST_HOLDERS: u32 = 10_000;

/// An exit status.
pub(super) fn status(text: &str) -> Result<u8, String> {
    within(text, 0..=u8::MAX)
}

/// An exit status that tells of a failure.
pub(super) fn failure(text: &str) -> Result<u8, String> {
    within(text, 1..=u8::MAX)
}

/// How many runs a store keeps.
pub(super) fn kept(text: &str) -> Result<u32, String> {
    within(text, 0..=MOST_KEPT)
}

/// How many may hold a lock.
pub(super) fn holders(text: &str) -> Result<u32, String> {
    within(text, 1..=MOST_HOLDERS)
}

/// A fencing token.
pub(super) fn token(text: &str) -> Result<u64, String> {
    let token = text.parse();
    token.map_err(|_| "a token is a whole number, as genlock status shows it".to_owned())
}

fn within<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + Display,
{
    let number = text.parse().ok();
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("a whole number from {least} to {most}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_too_large_is_said_in_words() {
        assert_eq!(status("0"), Ok(0));
        assert_eq!(failure("255"), Ok(255));
        assert_eq!((kept("0"), kept("1000")), (Ok(0), Ok(1000)));
        assert_eq!(
            kept("1001"),
            Err("a whole number from 0 to 1000".to_owned())
        );
        assert_eq!(token("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "x", "-1", "256", "0x10", "1.5", "99999999999999999999"] {
            let why = status(text).expect_err(text);
            assert_eq!(why, "a whole number from 0 to 255");
        }
        assert_eq!(failure("0"), Err("a whole number from 1 to 255".to_owned()));
        for text in ["", "x", "-1", "18446744073709551616"] {
            assert!(token(text).is_err(), "{text}");
        }
    }
}
