//! The text of paths. A node's name may not be everything that a part of a key may (PathUtils.java):
//! the rest is written as in URLs, by the bytes of UTF-8 in hexadecimal behind a `%`.

use std::fmt::Write;

/// In place of a part that is empty.
const EMPTY: &str = "%";

/// The first part of the path of a key that does not begin with a slash.
pub(super) const RELATIVE: &str = "%~";

/// A part of a key as a part of a path.
pub(super) fn escaped(part: &str) -> String {
    match part {
        "" => return EMPTY.to_owned(),
        "." => return "%2E".to_owned(),
        ".." => return "%2E%2E".to_owned(),
        _ => {}
    }
    let mut written = String::new();
    for c in part.chars() {
        if is_plain(c) {
            written.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a string does not fail.
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// Whether ZooKeeper takes it, and we have no use for it. Java counts what is beyond U+FFFF as two
/// surrogates, which it refuses.
fn is_plain(c: char) -> bool {
    !matches!(
        c,
        '%' | '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..
    )
}

/// The part of a key that a part of a path was written for; `None` if none was.
pub(super) fn unescaped(part: &str) -> Option<String> {
    if part == EMPTY {
        return Some(String::new());
    }
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (hex, after) = rest.split_at_checked(2)?;
            let hex = std::str::from_utf8(hex).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_back() {
        for part in [
            "",
            ".",
            "..",
            "a",
            "a b",
            "%",
            "%2F",
            "a\nb",
            "\u{7f}",
            "\u{85}",
            "Ärger",
            "\u{1f512}",
            "\u{e000}",
            "\u{ffff}",
            "...",
            "%~",
        ] {
            let written = escaped(part);
            assert!(!written.is_empty() && !written.contains('/'), "{written}");
            assert!(written != "." && written != ".." && written != RELATIVE);
            assert!(written.chars().all(|c| c == '%' || is_plain(c)));
            assert_eq!(unescaped(&written).as_deref(), Some(part));
        }
        assert_eq!(escaped("Ärger"), "Ärger");
        for strange in ["%2", "%zz", "a%", RELATIVE, "%FF"] {
            assert_eq!(unescaped(strange), None, "{strange}");
        }
    }
}
