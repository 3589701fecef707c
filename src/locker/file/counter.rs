//! The counter behind the fencing tokens: the first line of a lock file, in decimal and padded, so
//! that it always has the same length.
//!
//! A token is one more than the last, and at least the time in microseconds since 1970. A lock is
//! not taken that often, so a token is larger than all before it even where the counter was lost: the
//! file removed or emptied, torn by a crash, or in memory before the host booted. Only who sets the
//! clock back too gets an older one.
//!
//! A write that is cut short, as at a limit, leaves the beginning of the new number and the end of
//! the old one. That is no less than the old one, and the new one was given to nobody.

use std::time::SystemTime;

/// The digits and a newline.
pub(super) const LINE: usize = 21;

/// The token of an acquisition after the one with `last`; `None` if there is no larger number.
pub(super) fn next(last: u64) -> Option<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_micros() as u64);
    Some(last.checked_add(1)?.max(now))
}

pub(super) fn line(token: u64) -> String {
    format!("{token:020}\n")
}

/// The last token, from the first [`LINE`] bytes of a file: 0 if it was lost. `None` for bytes that are
/// neither a counter nor a part of one: the file may be another program's.
pub(super) fn last(line: &[u8]) -> Option<u64> {
    let all_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    match line.strip_suffix(b"\n") {
        Some(digits) if line.len() == LINE && all_digits(digits) => {
            std::str::from_utf8(digits).ok()?.parse().ok()
        }
        _ => is_torn(line).then_some(0),
    }
}

/// Whether it is the beginning of such a line. After a crash of the host there can be NUL bytes where
/// nothing was written yet (ext4(5), `data=`).
fn is_torn(line: &[u8]) -> bool {
    let end = line.iter().rposition(|&byte| byte != 0);
    match &line[..end.map_or(0, |last| last + 1)] {
        [] => true,
        // With a zero: a process number, which other tools write to lock files, has none there.
        [b'0', rest @ ..] => rest.len() < LINE - 1 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_does_not_set_tokens_back() {
        let before = next(0).expect("a token");
        assert!(before > 1_700_000_000_000_000, "{before}");
        assert!(next(0).expect("a token") >= before);
        let far = u64::MAX / 2;
        assert_eq!(next(far), Some(far + 1));
        assert_eq!(next(u64::MAX), None);
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for token in [0, 1, 41, u64::MAX] {
            assert_eq!(line(token).len(), LINE);
            assert_eq!(last(line(token).as_bytes()), Some(token));
        }
    }

    #[test]
    fn every_beginning_of_a_line_is_ours_and_has_no_number() {
        let whole = line(1_764_000_000_000_000);
        for length in 0..LINE {
            let torn = &whole.as_bytes()[..length];
            assert_eq!(last(torn), Some(0), "{torn:?}");
            let zeroes = [torn, &[0; LINE][length..]].concat();
            assert_eq!(last(&zeroes), Some(0), "{zeroes:?}");
        }
    }

    /// A write that is cut short leaves the beginning of the new one and the end of the old one.
    #[test]
    fn a_mixture_is_no_less_than_the_old_one() {
        for (old, new) in [(9, 10), (199, 200), (999, 1_764_000_000_000_000)] {
            for length in 0..LINE {
                let mixture = [&line(new)[..length], &line(old)[length..]].concat();
                assert!(last(mixture.as_bytes()) >= Some(old), "{mixture}");
            }
        }
    }

    #[test]
    fn another_programs_file_is_no_counter() {
        for other in [
            "1",
            "4711\n",
            "\n",
            "root:x:0:0:\n",
            "+0000000000000000001\n",
        ] {
            assert_eq!(last(other.as_bytes()), None, "{other:?}");
        }
    }
}
