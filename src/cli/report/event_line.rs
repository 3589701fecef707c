//! An event as a line of JSON. Its fields are an interface.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::words::{command_end, stopping, why_skipped, why_stopped, without_command};
use crate::clock::Instant;
use crate::events::{Event, EventKind, StopReason};
use crate::report::seconds;

/// The version of the format.
const VERSION: u32 = 1;

/// What every event has, and what belongs to this one.
#[derive(Serialize)]
struct EventLine<'a> {
    v: u32,
    event: &'a str,
    at: String,
    boottime_seconds: f64,
    key: &'a str,
    #[serde(flatten)]
    what: Map<String, Value>,
    dropped: u64,
}

/// The line of an event of the run under the lock of `key`, before which so many were dropped.
pub(super) fn event_line(event: &Event, key: &str, dropped: u64) -> String {
    let line = EventLine {
        v: VERSION,
        event: event.what.name(),
        at: humantime::format_rfc3339_millis(event.at).to_string(),
        boottime_seconds: seconds(event.boot.since_boot()),
        key: event.key.as_deref().unwrap_or(key),
        what: fields(event),
        dropped,
    };
    // Strings, numbers and maps of strings always serialise.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

/// What belongs to the event.
fn fields(event: &Event) -> Map<String, Value> {
    let left = |deadline: &Instant| seconds(deadline.since(event.boot));
    let fields = match &event.what {
        EventKind::Waiting {
            holder,
            owner_key,
            ahead,
            token,
        } => json!({
            "holder": holder.as_ref().map(without_command),
            "owner_key": owner_key,
            "ahead": ahead,
            "token": token,
        }),
        EventKind::Granted {
            token,
            index,
            deadline,
        } => json!({
            "token": token,
            "index": index,
            "left_seconds": deadline.as_ref().map(left),
        }),
        EventKind::Renewed(deadline) => json!({ "left_seconds": left(deadline) }),
        EventKind::OtherTtl { asked, granted } => json!({
            "why": "other-ttl",
            "asked_seconds": seconds(*asked),
            "granted_seconds": seconds(*granted),
        }),
        EventKind::PlaceLost(loss) => trouble("place-lost", loss.to_string()),
        EventKind::Retrying(why) => trouble("retrying", why.clone()),
        EventKind::Beneath(text) => trouble("beneath", text.clone()),
        EventKind::Limited(what) => trouble("limited", what.clone()),
        EventKind::TakenAway(by) => json!({ "why": "taken-away", "taken_away": by }),
        EventKind::Lost(loss) => json!({ "detail": loss.to_string() }),
        EventKind::Skipped(why) => json!({ "why": why_skipped(*why) }),
        EventKind::Stopping(why) => json!({
            "why": why_stopped(why),
            "detail": match why {
                StopReason::LockLost(detail) => detail.clone(),
                why => stopping(why),
            },
        }),
        EventKind::Ended(status) => json!({ "command": status.map(command_end) }),
        EventKind::Released => json!({}),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn trouble(why: &str, detail: String) -> Value {
    json!({ "why": why, "detail": detail })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::events::SkipReason;
    use crate::locker::{Loss, TakenAway};

    /// One of each kind that has fields of its own.
    fn each() -> Vec<EventKind> {
        let second = Duration::from_secs(1);
        vec![
            EventKind::Waiting {
                holder: None,
                owner_key: None,
                ahead: Some(1),
                token: None,
            },
            EventKind::Granted {
                token: 7,
                index: None,
                deadline: None,
            },
            EventKind::Renewed(Instant::from_boot(second)),
            EventKind::OtherTtl {
                asked: second,
                granted: second * 2,
            },
            EventKind::PlaceLost(Loss::Expired),
            EventKind::Retrying("no answer".to_owned()),
            EventKind::Beneath("broken".to_owned()),
            EventKind::Limited("less".to_owned()),
            EventKind::TakenAway(TakenAway::default()),
            EventKind::Lost(Loss::Expired),
            EventKind::Skipped(SkipReason::Done),
            EventKind::Stopping(StopReason::MaxRuntime),
            EventKind::Ended(Some(15)),
            EventKind::Released,
        ]
    }

    #[test]
    fn every_field_and_every_trouble_is_documented() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scripting.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let (_, part) = page.split_once("\n**`run --events`**").expect("a part");
        let (part, _) = part.split_once("\n**`").expect("its end");
        for what in each() {
            let event = Event {
                at: SystemTime::UNIX_EPOCH,
                boot: Instant::from_boot(Duration::ZERO),
                key: None,
                what,
            };
            let line = event_line(&event, "/k", 3);
            let fields: Map<String, Value> = serde_json::from_str(&line).expect("JSON");
            assert_eq!(
                (&fields["key"], &fields["dropped"]),
                (&"/k".into(), &3.into())
            );
            let of_trouble = event.what.name() == "trouble";
            let why = fields.get("why").and_then(Value::as_str);
            let named = fields.keys().map(String::as_str);
            for name in named
                .chain(why.filter(|_| of_trouble))
                .chain([event.what.name()])
            {
                assert!(part.contains(&format!("`{name}`")), "{name} in {line}");
            }
        }
    }
}
