//! The last runs under a lock, which a store keeps beside the lock for those who ask afterwards what
//! happened. They decide nothing: who holds a lock is never read from here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::capabilities::{Capabilities, Capability};
use super::{BoxFuture, Locker, Mode, Record};
use crate::error::Result;
use crate::report::RunReport;

/// How many runs of a key are kept at most.
pub const MOST_KEPT: u32 = 1_000;

/// A store that keeps the last runs of each key. Without it the methods have no effect but
/// [`Unsupported`](crate::ErrorKind::Unsupported): see [`Capabilities::history`].
///
/// Every future is cancel-safe, and every call to the store is bounded in time. What other clients
/// wrote into a store is theirs: escape it before it is shown.
pub trait History: Locker {
    /// Writes down that a run has begun, of which `keep` are to be kept, along with those before it.
    /// It has no lease, so that it is there if the host dies. Nothing changes if the run's end was
    /// written before. Gives the tokens of the runs that are too many.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported),
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable),
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied).
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        let _ = keep;
        Box::pin(async { Err(lacks(self.capabilities(), &run.report.key)) })
    }

    /// Writes down how a run ended, and removes the runs with these tokens: what
    /// [`History::begin`] gave, or nothing. To be called when the lock is about to be released,
    /// along with that.
    ///
    /// # Errors
    /// As [`History::begin`].
    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        let _ = surplus;
        Box::pin(async { Err(lacks(self.capabilities(), &run.report.key)) })
    }

    /// The runs of `key` that are kept, the oldest first. What is no run's is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey), and as [`History::begin`].
    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        Box::pin(async { Err(lacks(self.capabilities(), key)) })
    }
}

fn lacks(capabilities: &Capabilities, key: &str) -> crate::Error {
    capabilities.lacks(key, Capability::History)
}

/// A run as a store keeps it: what is told of it, and who it was. As JSON it is one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PastRun {
    /// How it went. Without an end it goes on, or was not heard of again.
    #[serde(flatten)]
    pub report: RunReport,
    /// The host's name.
    pub host: String,
    /// The process that took the lock.
    pub pid: u32,
    /// The user's name.
    pub user: String,
    /// With whom it shared the lock: `exclusive`, `shared` or `one-of`.
    pub mode: String,
    /// How many might hold the lock, of `one-of`.
    pub max_holders: Option<u32>,
    /// What ran under the lock, for people.
    pub command_line: String,
    /// The lock was kept for what came afterwards, and no command ran under it.
    pub kept: bool,
    /// What else its record said, such as the URL of a CI job.
    pub labels: BTreeMap<String, String>,
    /// Why it took the lock, for people.
    pub reason: String,
}

impl PastRun {
    /// The run of this holder.
    pub fn new(report: RunReport, holder: Record) -> Self {
        Self {
            report,
            host: holder.host,
            pid: holder.pid,
            user: holder.user,
            mode: holder.mode,
            max_holders: holder.max_holders,
            command_line: holder.command,
            kept: false,
            labels: holder.labels,
            reason: holder.reason,
        }
    }

    /// The same of one that kept the lock for what came afterwards.
    #[must_use]
    pub fn that_keeps(self) -> Self {
        Self { kept: true, ..self }
    }

    /// The fencing token, by which a store keeps it.
    pub fn token(&self) -> u64 {
        self.report.token.unwrap_or_default()
    }

    /// In which mode it held the lock. One that says nothing had it alone.
    pub fn locks(&self) -> Mode {
        let (mode, max_holders) = (self.mode.clone(), self.max_holders);
        let record = Record {
            mode,
            max_holders,
            ..Record::default()
        };
        record.locks()
    }

    /// Whether its end was written.
    pub fn is_over(&self) -> bool {
        self.report.ended_at.is_some()
    }

    /// As a store keeps it.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and a map of strings always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what a store keeps; `None` for what is no run's, with a token.
    pub fn from_json(value: &[u8]) -> Option<Self> {
        let run: Self = serde_json::from_slice(value).ok()?;
        run.report.token.is_some().then_some(run)
    }
}

/// For stores: which of these are too many, of which so many newest are kept.
pub fn surplus(tokens: impl IntoIterator<Item = u64>, keep: u32) -> Vec<u64> {
    let tokens: BTreeSet<_> = tokens.into_iter().collect();
    let many = tokens.len().saturating_sub(keep as usize);
    tokens.into_iter().take(many).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_survives_the_store() {
        let mut report = RunReport::new("/k", std::time::SystemTime::UNIX_EPOCH);
        report.token = Some(7);
        let run = PastRun::new(report, Record::of_this_process());
        let read = PastRun::from_json(&run.to_json()).expect("a run");
        assert_eq!(read, run);
        assert!(!read.is_over() && read.token() == 7);
        for other in [&b""[..], b"{}", b"[7]", br#"{"token":"x"}"#] {
            assert_eq!(PastRun::from_json(other), None);
        }
    }

    #[test]
    fn the_newest_are_kept() {
        assert_eq!(surplus([4, 1, 3, 2], 2), [1, 2]);
        assert!(surplus([4, 1], 2).is_empty());
    }
}
