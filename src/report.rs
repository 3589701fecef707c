//! A run as it is told afterwards: whether it ran, how it ended, how long it waited and held. Its fields,
//! as JSON, are an interface.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::record::{Record, TakenAway};

/// The version of the format.
const VERSION: u32 = 1;

/// One run. Unknown fields are passed over and missing ones are empty, so that every version reads
/// every other's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunReport {
    /// The version of the format.
    pub v: u32,
    /// The lock's key.
    pub key: String,
    /// Whether the command was started.
    pub ran: bool,
    /// Why the command did not run, or was stopped; `None` if it ended by itself.
    pub why: Option<Why>,
    /// The same in words, on one line, where there is more to say.
    pub detail: Option<String>,
    /// The tool's own exit status, 128+n for a signal. `None` while it runs.
    pub status: Option<u8>,
    /// How the command ended; `None` if it did not run, or that is not known.
    pub command: Option<CommandEnd>,
    /// The fencing token, if it held the lock.
    pub token: Option<u64>,
    /// What it ran for, of that which is to be done once.
    pub slot: Option<String>,
    /// Which of several holders it was.
    pub index: Option<u32>,
    /// How long it waited for the lock, in seconds.
    pub waited_seconds: Option<f64>,
    /// How long it held the lock, in seconds.
    pub held_seconds: Option<f64>,
    /// When it began to ask for the lock, RFC 3339 in UTC.
    pub started_at: String,
    /// When it was over, RFC 3339 in UTC. `None` while it runs.
    pub ended_at: Option<String>,
    /// Who held the lock when it came, without the command.
    pub holder: Option<Box<Record>>,
    /// What was in the way in the end, if it did not run because another held the lock.
    pub blocked_by: Option<Vec<BlockedKey>>,
    /// The operator who took the lock away from it.
    pub taken_away: Option<TakenAway>,
}

/// A key that was not free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BlockedKey {
    /// The key.
    pub key: String,
    /// The first of those who held it, without the command, as far as they say who they are.
    pub holders: Vec<Record>,
    /// How many others held it.
    pub more: usize,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CommandEnd {
    /// Its exit status.
    pub status: Option<u8>,
    /// The signal that it died of.
    pub signal: Option<i32>,
}

/// Why a command did not run, or was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// It did not run: another held the lock.
    Busy,
    /// It did not run: it was done already.
    Done,
    /// It did not run: a newer one took its place in the queue.
    Superseded,
    /// It did not run: the store could not be reached, or refused to work.
    Unavailable,
    /// It did not run: the store refused the credentials.
    Denied,
    /// It did not run: what was asked for makes no sense, or is beyond the store.
    Usage,
    /// It did not run: the configuration cannot work.
    Config,
    /// It did not run: a signal ended the tool before.
    Interrupted,
    /// It could not be executed.
    NotExecuted,
    /// It was stopped: the lock was lost.
    Lost,
    /// It was stopped: an operator took the lock away.
    TakenAway,
    /// It was stopped: it had run for as long as it may.
    MaxRuntime,
    /// It did not run, or was stopped: an error of the tool's or its host's.
    Internal,
    /// What a later version says.
    #[serde(other)]
    Other,
}

impl Default for RunReport {
    fn default() -> Self {
        Self {
            v: VERSION,
            key: String::new(),
            ran: false,
            why: None,
            detail: None,
            status: None,
            command: None,
            token: None,
            slot: None,
            index: None,
            waited_seconds: None,
            held_seconds: None,
            started_at: String::new(),
            ended_at: None,
            holder: None,
            blocked_by: None,
            taken_away: None,
        }
    }
}

impl RunReport {
    /// Of a run that began to ask for the lock of `key` at this time.
    pub fn new(key: impl Into<String>, started: SystemTime) -> Self {
        Self {
            key: key.into(),
            started_at: time(started),
            ..Self::default()
        }
    }

    /// It waited for so long.
    pub fn waited(&mut self, time: Duration) {
        self.waited_seconds = Some(seconds(time));
    }

    /// It held the lock for so long.
    pub fn held(&mut self, time: Duration) {
        self.held_seconds = Some(seconds(time));
    }

    /// The lock that it had was released at this time, by another of its user's processes.
    #[cfg(feature = "cli")]
    pub(crate) fn release(&mut self, at: SystemTime) {
        let waited = Duration::try_from_secs_f64(self.waited_seconds.unwrap_or_default());
        let started = humantime::parse_rfc3339(&self.started_at).ok();
        let granted = started.and_then(|started| started.checked_add(waited.ok()?));
        if let Some(granted) = granted {
            self.held(at.duration_since(granted).unwrap_or_default());
        }
        self.status = Some(0);
        self.end(at);
    }

    /// It is over since this time.
    pub fn end(&mut self, at: SystemTime) {
        self.ended_at = Some(time(at));
    }
}

impl BlockedKey {
    /// Of a key that so many held, these among them.
    pub fn new(key: impl Into<String>, all: usize, holders: Vec<Record>) -> Self {
        Self {
            key: key.into(),
            more: all.saturating_sub(holders.len()),
            holders,
        }
    }
}

impl CommandEnd {
    /// It exited with this status.
    pub fn exited(status: u8) -> Self {
        Self {
            status: Some(status),
            signal: None,
        }
    }

    /// It died of this signal.
    pub fn killed(signal: i32) -> Self {
        Self {
            status: None,
            signal: Some(signal),
        }
    }
}

/// So many seconds, to a thousandth.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

/// RFC 3339, in UTC.
fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_writes_is_read() {
        let text = r#"{"v":2,"key":"/k","ran":true,"why":"bored","later":[1],"command":{"x":1}}"#;
        let report: RunReport = serde_json::from_str(text).expect("a report");
        assert_eq!((report.v, &*report.key, report.ran), (2, "/k", true));
        assert_eq!(report.why, Some(Why::Other));
        assert_eq!(report.command, Some(CommandEnd::default()));
    }

    #[test]
    fn the_fields_have_their_names() {
        let mut report = RunReport::new("/k", SystemTime::UNIX_EPOCH);
        report.why = Some(Why::TakenAway);
        report.command = Some(CommandEnd::killed(15));
        report.waited(Duration::from_micros(1_500_700));
        report.end(SystemTime::UNIX_EPOCH);
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["why"], "taken-away");
        assert_eq!(json["command"]["signal"], 15);
        assert_eq!(json["waited_seconds"], 1.5);
        assert_eq!(json["ended_at"], "1970-01-01T00:00:00.000Z");
        for name in [
            "v",
            "ran",
            "status",
            "token",
            "slot",
            "index",
            "held_seconds",
            "started_at",
            "holder",
        ] {
            assert!(json.get(name).is_some(), "{name}");
        }
    }
}
