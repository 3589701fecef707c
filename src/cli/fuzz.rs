//! What people and other programs may write for the tool, and what it shows of that, at random.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, UNIX_EPOCH};

use super::question::{Answer, Question};
use super::{history, jitter, labels, numbers, once, quoting, report, settings, times, view};
use crate::locker::operator::{Contender, Queue};
use crate::locker::{PastRun, Record, marks};
use crate::{columns, describe, supervise};

/// The configuration file.
pub(crate) fn configuration(data: &[u8]) {
    if let Err(why) = settings::fuzz::read(data) {
        let shown = describe::printable(&why);
        assert!(shown.chars().count() < 100_000, "{} bytes", shown.len());
    }
}

/// What is read of this host: processes, a file of metrics, a message to the socket of a run.
pub(crate) fn host(data: &[u8]) {
    supervise::fuzz::read(data);
    report::keeps_metrics(data);
    if let Ok(question) = serde_json::from_slice::<Question>(data) {
        let written = serde_json::to_vec(&question).expect("JSON");
        assert_eq!(
            serde_json::from_slice::<Question>(&written).ok(),
            Some(question)
        );
    }
    if let Ok(answer) = serde_json::from_slice::<Answer>(data) {
        let written = serde_json::to_vec(&answer).expect("JSON");
        assert_eq!(
            serde_json::from_slice::<Answer>(&written).ok(),
            Some(answer)
        );
    }
}

/// Durations, numbers, slots and labels, as words of the command line.
pub(crate) fn times(data: &[u8]) {
    let Some((at, text)) = data.split_first_chunk() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let _ = (
        jitter::parse(text),
        times::parse_ttl(text),
        times::parse_pause(text),
    );
    let _ = (
        numbers::token(text),
        numbers::holders(text),
        labels::parse(text),
    );
    let parsed = times::parse(text);
    if let Ok(seconds) = text.parse::<u32>() {
        assert_eq!(parsed, Ok(Duration::from_secs(seconds.into())));
    }
    // What is longer is written in months.
    if let Ok(time) = parsed
        && time < Duration::from_secs(30 * 86_400)
    {
        let shown = humantime::format_duration(time).to_string();
        assert_eq!(times::parse(&shown), Ok(time), "{shown}");
    }
    let at = UNIX_EPOCH + Duration::from_secs(u32::from_be_bytes(*at).into());
    if let Some(slot) = once::slot_of(text, at) {
        assert!(marks::check_name(&slot).is_ok(), "{slot:?}");
    }
}

/// Records, runs and words of others, as they are shown.
pub(crate) fn shown(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for shown in [describe::escape(&text), describe::note(&text)] {
        harmless(&shown);
        assert_eq!(describe::printable(&shown), shown);
    }
    for room in [0, 1, 7, 40] {
        assert!(columns::width(&columns::fit(&text, room)) <= room);
        assert!(columns::width(&columns::fit_middle(&text, room)) <= room);
    }
    let words = data.split(|&byte| byte == 0).map(OsStr::from_bytes);
    harmless(&quoting::line(words));
    if let Some(record) = Record::from_json(data) {
        harmless(&describe::holder(Some(&record)));
        let contender = Contender::new(text.clone()).with_record(Some(record));
        harmless(&view::who(&contender));
        harmless(&view::mode(&contender));
        harmless(&view::notes(&contender));
        harmless(&view::since(&contender).unwrap_or_default());
        let queue = Queue::new(text, vec![contender.clone(), contender]);
        let json = serde_json::to_string(&view::StatusView::of(&queue, None)).expect("JSON");
        assert!(!json.contains(|c: char| c.is_ascii_control() && c != '\u{7f}'));
    }
    if let Some(run) = PastRun::from_json(data) {
        history::fuzz::show(run);
    }
}

/// It is one line, and moves no cursor.
pub(super) fn harmless(shown: &str) {
    let strange = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!shown.contains(strange), "{shown:?}");
}
