//! Words for people: who holds a lock, since when, for how long; and text that is safe for a terminal.

use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use crate::error::plain;
use crate::local_time;
use crate::loss::Loss;
use crate::record::{Record, TakenAway};

/// `user@host (pid 17: ./backup.sh) since 2026-01-01T00:00:00Z`, for stderr.
pub(crate) fn holder(record: Option<&Record>) -> String {
    let mut text = who(record);
    if let Some(since) = record.map(|record| &record.since).filter(|s| !s.is_empty()) {
        let since = time(since, &std::io::stderr());
        text.push_str(&format!(" since {since}"));
    }
    text
}

/// `user@host (pid 17: ./backup.sh)`. What others wrote is escaped: a record must not move the
/// cursor.
pub(crate) fn who(record: Option<&Record>) -> String {
    let Some(record) = record else {
        return "another tool, which left no record".to_owned();
    };
    let mut text = user_and_host(&record.user, &record.host);
    text.push_str(&format!(" (pid {}", record.pid));
    if !record.command.is_empty() {
        text.push_str(&format!(": {}", escape(&record.command)));
    }
    text.push(')');
    text
}

/// `: a freeze (ci=https://ci/17, team=db)`: the reason that the record gives, and its labels, cut so that
/// they can stand behind all else on a line. Empty where it has neither.
pub(crate) fn notes(record: Option<&Record>) -> String {
    let Some(record) = record else {
        return String::new();
    };
    let mut text = String::new();
    if !record.reason.is_empty() {
        text.push_str(&format!(": {}", escape(&record.reason)));
    }
    if !record.labels.is_empty() {
        let labels = record.labels.iter();
        let labels = labels.map(|(name, value)| format!("{name}={value}"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        text.push_str(&format!(" ({})", bounded(&labels, 2 * SHOWN)));
    }
    text
}

/// A reason or a label: as [`escape`], but all of what genlock lets one write.
pub(crate) fn note(text: &str) -> String {
    bounded(text, NOTE)
}

/// `user@host`.
pub(crate) fn user_and_host(user: &str, host: &str) -> String {
    format!("{}@{}", escape(user), escape(host))
}

/// A time that a store keeps, in RFC 3339: at a terminal in its reader's time zone. What is no such
/// time is shown as it is, escaped.
pub(crate) fn time(kept: &str, on: &impl IsTerminal) -> String {
    let time = humantime::parse_rfc3339_weak(kept).ok();
    let local = time
        .filter(|_| on.is_terminal())
        .and_then(local_time::shown);
    local.unwrap_or_else(|| escape(kept))
}

/// How long it has held or waited, by this host's clock: the clocks of hosts differ. `None` where
/// that is not known.
pub(crate) fn held_for(record: &Record) -> Option<Duration> {
    let since = humantime::parse_rfc3339_weak(&record.since).ok()?;
    let time = SystemTime::now().duration_since(since).unwrap_or_default();
    Some(Duration::from_secs(time.as_secs()))
}

/// `an operator took it away: user@host`.
pub(crate) fn taken_away(by: &TakenAway) -> String {
    format!("{}: {}", Loss::TakenAway, user_and_host(&by.user, &by.host))
}

/// At most this much of another's text is shown.
const SHOWN: usize = 120;

/// At most this much of a reason, or of a label with its `=`: not less than a record of genlock's may have.
const NOTE: usize = 1024 + 1;

/// Another's text, safe for a terminal and of bounded length.
pub(crate) fn escape(text: &str) -> String {
    bounded(text, SHOWN)
}

fn bounded(text: &str, characters: usize) -> String {
    let end = text.char_indices().nth(characters).map(|(end, _)| end);
    let mut shown = printable(&text[..end.unwrap_or(text.len())]);
    if end.is_some() {
        shown.push('…');
    }
    shown
}

/// The text with all that cannot be seen, or moves the cursor, escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Only these does escape_debug() escape although they can be seen.
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// The system's own words for an error, without its number.
pub(crate) fn io_error(error: &std::io::Error) -> String {
    plain(&error.to_string())
}

/// A time to whole seconds, or to milliseconds below ten.
pub(crate) fn duration(time: Duration) -> impl fmt::Display {
    let precise = if time < Duration::from_secs(10) {
        Duration::from_millis(time.as_millis() as u64)
    } else {
        Duration::from_secs(time.as_secs())
    };
    humantime::format_duration(precise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_move_the_cursor() {
        let record = Record {
            host: "h\x1b[2J".to_owned(),
            user: "u\n".to_owned(),
            command: "x".repeat(4000),
            mode: "exclusive".to_owned(),
            ..Record::default()
        };
        let text = holder(Some(&record));
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() < 300, "{}", text.len());
    }

    #[test]
    fn notes_have_an_end_and_cannot_move_the_cursor() {
        let mut record = Record {
            reason: "a\nb".to_owned(),
            ..Record::default()
        };
        for (name, value) in [("ci", "https://ci/17"), ("\r", "\x1b[2J")] {
            record.labels.insert(name.to_owned(), value.to_owned());
        }
        let shown = r": a\nb (\r=\u{1b}[2J, ci=https://ci/17)";
        assert_eq!(notes(Some(&record)), shown);
        record.reason = "r".repeat(NOTE);
        record.labels.insert("x".to_owned(), "y".repeat(100_000));
        assert!(notes(Some(&record)).chars().count() < 4 * SHOWN);
        assert_eq!(note(&record.reason), record.reason);
        assert_eq!(notes(None), "");
    }

    #[test]
    fn quotes_of_a_command_stay_readable() {
        assert_eq!(escape(r#"sh -c 'echo "hi"'"#), r#"sh -c 'echo "hi"'"#);
    }

    #[test]
    fn what_is_escaped_once_stays_as_it_is() {
        let once = escape("a\x1b[m\u{202e}\n\\ü");
        assert_eq!(once, r"a\u{1b}[m\u{202e}\n\ü");
        assert_eq!(printable(&once), once);
    }
}
