//! Who holds a lock: what the store keeps for others to read.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::mode::{Mode, QueuePolicy};

/// The modes, as a record writes them.
const EXCLUSIVE: &str = "exclusive";
const SHARED: &str = "shared";
const ONE_OF: &str = "one-of";

/// A policy in the queue, as a record writes it. The ordinary one is not written.
const LATEST: &str = "latest";

/// The holder's record, kept as JSON in the store. Unknown fields are passed over and missing ones
/// are empty, so that every version reads every other's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The host's name.
    pub host: String,
    /// The process that takes the lock.
    pub pid: u32,
    /// The user's name, or the number if it has none.
    pub user: String,
    /// What runs under the lock, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Since when it holds or waits, RFC 3339 in UTC. Of a holder that had to wait it says so once
    /// the lock is held for a tenth of a second (etcd, Redis, ZooKeeper).
    pub since: String,
    /// `exclusive`, `shared` or `one-of`. An empty one is kept as `exclusive`.
    pub mode: String,
    /// How many may hold at a time, of `one-of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_holders: Option<u32>,
    /// `latest` of one who, while it waits, is sent away by a newer one of this kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub queue: String,
    /// Why it holds or waits, in the words of who asked for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Anything else, such as the URL of a CI job.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Until when the lock stays held although its holder is gone, RFC 3339 in UTC, by the clock of its
    /// host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_hold_ends_at: Option<String>,
    /// The operator who has taken the lock away, and waits for the holder to let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_away: Option<TakenAway>,
}

/// Who took a lock away from its holder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TakenAway {
    /// The operator's user name.
    pub user: String,
    /// The host that it was done from.
    pub host: String,
    /// When, RFC 3339 in UTC.
    pub since: String,
}

impl TakenAway {
    /// Taken away now, by the user of this process.
    pub fn by_this_process() -> Self {
        let Record { user, host, .. } = Record::of_this_process();
        Self {
            user,
            host,
            since: now(),
        }
    }
}

impl Record {
    /// Describes this process, without a command.
    pub fn of_this_process() -> Self {
        Self {
            host: Self::host_name(),
            pid: std::process::id(),
            user: user_name(rustix::process::getuid().as_raw()),
            mode: EXCLUSIVE.to_owned(),
            ..Self::default()
        }
    }

    /// The name of this host, as in a record.
    pub(crate) fn host_name() -> String {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    }

    /// The record of one who takes a lock in this mode, and waits for it so.
    #[must_use]
    pub(crate) fn locking(mut self, mode: Mode, queue: QueuePolicy) -> Self {
        let (word, limit) = match mode {
            Mode::Exclusive => (EXCLUSIVE, None),
            Mode::Shared => (SHARED, None),
            Mode::OneOf(limit) => (ONE_OF, Some(limit)),
        };
        word.clone_into(&mut self.mode);
        self.max_holders = limit;
        self.queue = match queue {
            QueuePolicy::Fifo => String::new(),
            QueuePolicy::Latest => LATEST.to_owned(),
        };
        self
    }

    /// In which mode it locks. What this version does not know is exclusive.
    pub fn locks(&self) -> Mode {
        match (&*self.mode, self.max_holders) {
            (SHARED, _) => Mode::Shared,
            (ONE_OF, Some(limit)) if limit > 0 => Mode::OneOf(limit),
            _ => Mode::Exclusive,
        }
    }

    /// What it does while it waits.
    pub fn queues(&self) -> QueuePolicy {
        match &*self.queue {
            LATEST => QueuePolicy::Latest,
            _ => QueuePolicy::Fifo,
        }
    }

    /// The record as a store keeps it, with `since` set to this moment.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, a number and a map of strings always serialise.
        serde_json::to_vec(&self.clone().since(now())).unwrap_or_default()
    }

    /// The record as a store keeps it, with this `since`. It always has a mode: without one it would be
    /// read as no record, by its own holder too.
    pub(crate) fn since(self, since: String) -> Self {
        let mut kept = Self { since, ..self };
        if kept.mode.is_empty() {
            EXCLUSIVE.clone_into(&mut kept.mode);
        }
        kept
    }

    /// Whether `holder` wrote this, at some moment.
    pub fn is_of(&self, holder: &Self) -> bool {
        *self == holder.clone().since(self.since.clone())
    }

    /// The value that a store keeps, marked: the lock is taken away. `None` if no genlock wrote it,
    /// since no other holder looks for the mark. Fields of a later version stay in it.
    pub fn marked(value: &[u8], by: &TakenAway) -> Option<Vec<u8>> {
        Self::with_field(value, "taken_away", serde_json::to_value(by).ok()?)
    }

    /// The value that a store keeps, of a lock that stays held until then although its holder is gone.
    /// `None` if no genlock wrote it, or an operator has taken the lock away.
    pub fn held_until(value: &[u8], until: SystemTime) -> Option<Vec<u8>> {
        if Self::from_json(value)?.taken_away.is_some() {
            return None;
        }
        let until = humantime::format_rfc3339_seconds(until).to_string();
        Self::with_field(value, "min_hold_ends_at", until.into())
    }

    fn with_field(value: &[u8], name: &str, content: serde_json::Value) -> Option<Vec<u8>> {
        Self::from_json(value)?;
        let mut value: serde_json::Value = serde_json::from_slice(value).ok()?;
        value.as_object_mut()?.insert(name.to_owned(), content);
        serde_json::to_vec(&value).ok()
    }

    /// Reads what a store keeps. `None` for what has no mode, such as another tool's empty value: every
    /// genlock writes one.
    pub fn from_json(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value)
            .ok()
            .and_then(Self::from_value)
    }

    /// Reads what a store keeps, where that is JSON.
    pub(crate) fn from_value(value: serde_json::Value) -> Option<Self> {
        let record: Self = serde_json::from_value(value).ok()?;
        (!record.mode.is_empty()).then_some(record)
    }
}

/// RFC 3339, in UTC.
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Reads passwd(5) itself: asking libc for the name can mean asking the network (nsswitch.conf(5)).
pub(crate) fn user_name(uid: u32) -> String {
    let number = uid.to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    name.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_store() {
        let mut record = Record::of_this_process();
        record.command = "./backup.sh --all".to_owned();
        let read = Record::from_json(&record.to_json()).expect("a record");
        assert!(read.since.ends_with('Z'), "{}", read.since);
        assert!(read.is_of(&record) && !read.is_of(&Record::default()));
        record.since.clone_from(&read.since);
        assert_eq!(read, record);
    }

    #[test]
    fn what_an_older_genlock_wrote_is_read() {
        let written = br#"{"host":"h","pid":1,"user":"u","since":"","mode":"exclusive"}"#;
        let read = Record::from_json(written).expect("a record");
        assert_eq!((&*read.host, &*read.reason), ("h", ""));
        assert_eq!(read.clone().since(String::new()), read);
        // Nor does it meet a field that it does not know where there is nothing to say.
        assert!(!String::from_utf8_lossy(&read.to_json()).contains("reason"));
    }

    #[test]
    fn a_mode_that_is_not_known_is_exclusive() {
        for (kept, mode) in [
            (r#"{"mode":"exclusive"}"#, Mode::Exclusive),
            (r#"{"mode":"shared"}"#, Mode::Shared),
            (r#"{"mode":"one-of","max_holders":2}"#, Mode::OneOf(2)),
            (r#"{"mode":"one-of"}"#, Mode::Exclusive),
            (r#"{"mode":"one-of","max_holders":0}"#, Mode::Exclusive),
            (r#"{"mode":"later"}"#, Mode::Exclusive),
        ] {
            let read = Record::from_json(kept.as_bytes()).expect("a record");
            assert_eq!(read.locks(), mode, "{kept}");
            assert_eq!(read.queues(), QueuePolicy::Fifo);
        }
    }

    #[test]
    fn what_others_write_is_no_record() {
        for value in [&b""[..], b"not json", b"[1]", b"\xff", b"17", b"{}"] {
            assert_eq!(Record::from_json(value), None);
        }
    }

    #[test]
    fn a_mark_keeps_what_it_does_not_know() {
        let by = TakenAway::by_this_process();
        let marked = Record::marked(br#"{"mode":"exclusive","later":[1]}"#, &by).expect("ours");
        assert_eq!(
            Record::from_json(&marked).expect("a record").taken_away,
            Some(by.clone())
        );
        assert!(String::from_utf8_lossy(&marked).contains(r#""later":[1]"#));
        assert_eq!(Record::marked(b"", &by), None);
        assert_eq!(Record::marked(br#"{"pid":1}"#, &by), None);
    }

    #[test]
    fn root_has_a_name() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(4_000_000_000), "4000000000");
    }
}
