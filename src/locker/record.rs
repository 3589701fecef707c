//! Who holds a lock: what the store keeps for others to read.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

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
    /// Since when it holds or waits, RFC 3339 in UTC.
    pub since: String,
    /// `exclusive`.
    pub mode: String,
    /// Anything else, such as the URL of a CI job.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Record {
    /// Describes this process, without a command.
    pub fn of_this_process() -> Self {
        Self {
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            pid: std::process::id(),
            user: user_name(rustix::process::getuid().as_raw()),
            mode: "exclusive".to_owned(),
            ..Self::default()
        }
    }

    /// The record as a store keeps it, with `since` set to this moment.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let stamped = Self {
            since: now,
            ..self.clone()
        };
        // Strings, a number and a map of strings always serialise.
        serde_json::to_vec(&stamped).unwrap_or_default()
    }

    /// Reads what a store keeps. Another tool's empty or strange value is no record.
    pub(crate) fn from_json(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// Reads passwd(5) itself: asking libc for the name can mean asking the network (nsswitch.conf(5)).
fn user_name(uid: u32) -> String {
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
        record.since.clone_from(&read.since);
        assert_eq!(read, record);
    }

    #[test]
    fn what_others_write_is_no_record() {
        for value in [&b""[..], b"not json", b"[1]", b"\xff", b"17"] {
            assert_eq!(Record::from_json(value), None);
        }
    }

    #[test]
    fn root_has_a_name() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(4_000_000_000), "4000000000");
    }
}
