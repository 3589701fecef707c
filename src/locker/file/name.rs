//! The one file name that a key has, and those of its marks.
//!
//! Readable where it can be: letters, digits and `._-` stand for themselves, every other byte is
//! `%XX`, and a dot at the beginning too, so that no name is `.`, `..` or hidden. A name that the
//! file system would not take (`NAME_MAX` is 255, limits.h(0p)) is cut, and has a hash of the
//! whole key after a `~`, which no short name contains.
//!
//! The mapping is kept over all versions: two versions that named a key differently would not
//! exclude each other.

use std::fmt::Write;

const SUFFIX: &str = ".lock";
/// Of the file beside it that has the last runs.
const PAST: &str = ".history";
/// Of the file beside it that has those who share it. As long as a lock file's, so that it fits too.
const HELD: &str = ".held";
const MARK_SUFFIX: &str = ".once";
const NEW_SUFFIX: &str = ".new";
const NAME_MAX: usize = 255;
/// What is kept of the beginning of a name that is too long.
const BEGINNING: usize = 200;
/// The key and the name of a mark share one file's name.
const PART_MAX: usize = 120;
const PART_BEGINNING: usize = 80;

/// Names the lock file of `key`.
pub(super) fn of(key: &str) -> String {
    with_suffix(key, SUFFIX)
}

/// Names the file of the last runs under the lock of `key`.
pub(super) fn of_history(key: &str) -> String {
    with_suffix(key, PAST)
}

/// Names the file of those who share the lock of this lock file.
pub(super) fn of_sharers(lock: &str) -> String {
    format!("{}{HELD}", lock.strip_suffix(SUFFIX).unwrap_or(lock))
}

fn with_suffix(key: &str, suffix: &str) -> String {
    let mut name = part(key, NAME_MAX - suffix.len(), BEGINNING);
    name.push_str(suffix);
    name
}

/// Names the file of the mark of `key` with this name. A `:` is in no other part of a file's name.
pub(super) fn of_mark(key: &str, name: &str) -> String {
    let name = part(name, PART_MAX, PART_BEGINNING);
    format!("{}{name}{MARK_SUFFIX}", marks_of(key))
}

/// Names the file in which the holder of `key` with this token writes a mark.
pub(super) fn of_new_mark(key: &str, token: u64) -> String {
    format!("{}{token}{NEW_SUFFIX}", marks_of(key))
}

/// Whether this is the name of a mark of `key`, or of one that is being written.
pub(super) fn is_mark_of(name: &str, key: &str) -> bool {
    let rest = name.strip_prefix(&*marks_of(key));
    rest.is_some_and(|rest| rest.ends_with(MARK_SUFFIX) || rest.ends_with(NEW_SUFFIX))
}

/// Whether one of these is of a mark that is being written.
pub(super) fn is_new_mark(name: &str) -> bool {
    name.ends_with(NEW_SUFFIX)
}

/// What the names of all marks of `key` begin with.
fn marks_of(key: &str) -> String {
    part(key, PART_MAX, PART_BEGINNING) + ":"
}

/// A part of a name, of at most so many bytes; if it has to be cut so many of the beginning are left.
fn part(text: &str, most: usize, beginning: usize) -> String {
    let mut name = String::with_capacity(text.len() + SUFFIX.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => name.push_str("%2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                name.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    if name.len() > most {
        name.truncate(beginning);
        let _ = write!(name, "~{:032x}", fnv1a(text.as_bytes()));
    }
    name
}

/// The key that a lock file has its name from; of one that was cut the beginning and `…`. `None` if
/// it is no lock file's name.
pub(super) fn key_of(name: &str) -> Option<String> {
    let name = name.strip_suffix(SUFFIX)?;
    let (kept, cut) = match name.split_once('~') {
        Some((kept, _)) => (kept, true),
        None => (name, false),
    };
    let mut bytes = Vec::with_capacity(kept.len());
    let mut rest = kept.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
        } else if let Some((hex, after)) = rest.split_at_checked(2) {
            let hex = std::str::from_utf8(hex).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = after;
        } else if !cut {
            return None;
        } else {
            break;
        }
    }
    let mut key = if cut {
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        String::from_utf8(bytes).ok()?
    };
    if cut {
        key.push('…');
    }
    Some(key)
}

/// FNV-1a with 128 bits (draft-eastlake-fnv): two keys that met would merely share a lock.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fixed_for_ever() {
        for (key, name) in [
            ("backup", "backup.lock"),
            ("/locks/backup", "%2Flocks%2Fbackup.lock"),
            ("A-z_0.9", "A-z_0.9.lock"),
            ("..", "%2E..lock"),
            (".hidden", "%2Ehidden.lock"),
            ("a b\n%~", "a%20b%0A%25%7E.lock"),
            ("ü", "%C3%BC.lock"),
        ] {
            assert_eq!(of(key), name);
        }
        assert_eq!(
            of(&"k".repeat(4096)),
            format!(
                "{}~b888667e6ac739ea824891d08857558d.lock",
                "k".repeat(BEGINNING)
            )
        );
    }

    #[test]
    fn a_history_is_no_lock() {
        assert_eq!(of_history("/k"), "%2Fk.history");
        assert_eq!(key_of(&of_history("/k")), None);
        assert!(of_history(&"k".repeat(250)).len() <= NAME_MAX);
    }

    #[test]
    fn the_names_of_marks_are_fixed_for_ever() {
        let name = "2026-11-27@Europe/Berlin";
        let file = of_mark("/k", name);
        assert_eq!(file, "%2Fk:2026-11-27%40Europe%2FBerlin.once");
        assert!(is_mark_of(&file, "/k") && is_mark_of(&of_new_mark("/k", 7), "/k"));
        assert!(!is_mark_of(&file, "/") && !is_mark_of(&of("/k:x"), "/k"));
        assert_eq!(key_of(&file), None);
        let long = of_mark(&"k".repeat(4096), &"n".repeat(255));
        assert!(long.len() <= NAME_MAX, "{long}");
        assert_ne!(long, of_mark(&"k".repeat(4096), &"n".repeat(254)));
        assert!(of_new_mark(&"k".repeat(4096), u64::MAX).len() <= NAME_MAX);
        let whole = of_mark(&"k".repeat(120), &"n".repeat(120));
        assert!(!whole.contains('~') && whole.len() <= NAME_MAX);
    }

    #[test]
    fn a_name_tells_its_key() {
        for key in ["backup", "/locks/backup", "..", ".hidden", "a b\n%~", "ü"] {
            assert_eq!(key_of(&of(key)).as_deref(), Some(key));
        }
        let long = "k".repeat(4096);
        assert_eq!(
            key_of(&of(&long)),
            Some(format!("{}…", "k".repeat(BEGINNING)))
        );
        assert!(key_of(&of(&"ü".repeat(999))).is_some_and(|key| key.starts_with("üü")));
        for name in ["README", "a%2.lock", "a%zz.lock", "%FF.lock"] {
            assert_eq!(key_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_cut_only_when_it_has_to_be() {
        assert_eq!(of(&"k".repeat(250)), format!("{}.lock", "k".repeat(250)));
        for key in ["k".repeat(251), "ü".repeat(2048), "/x".repeat(100)] {
            assert!(of(&key).len() <= NAME_MAX && of(&key).contains('~'));
        }
        assert_ne!(of(&"k".repeat(251)), of(&"k".repeat(252)));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // draft-eastlake-fnv, test vectors.
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
