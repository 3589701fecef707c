//! Marks: what a run leaves in the store when it has done its work, so that the same work is not done
//! again: once per slot. A mark is no lock, and nobody waits for it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{BoxFuture, Capability, Held, Locker, check_key};
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::record::Record;

/// The longest name of a mark, in bytes.
pub const MAX_NAME: usize = 255;

/// What stands between the key of a lock and the name of its mark: no part of another lock's queue.
const INFIX: &str = ".once:";

/// A store's marks, each of the lock of a key and with a name.
///
/// The defaults are those of a store without marks, which refuses: [`ErrorKind::Unsupported`].
/// Every future is cancel-safe, and every call to the store is bounded in time.
pub trait Marks: Locker {
    /// The mark of this name, read from the store itself (no copy that may be late) without a lease and
    /// without a place in the queue.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::Unsupported`], [`ErrorKind::Unavailable`],
    /// [`ErrorKind::Denied`].
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        let _ = name;
        refused(self.capabilities().lacks(key, Capability::Marks))
    }

    /// The mark of `key` that was set last.
    ///
    /// # Errors
    /// As [`Marks::marked`].
    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        refused(self.capabilities().lacks(key, Capability::Marks))
    }

    /// Sets a mark of the key that is held (the first, if there are several), in place of one of the same
    /// name, in the same step in which the store finds that the lock is still held. It is kept for at
    /// least so long, and goes away by itself. A second call with the same mark does no harm.
    ///
    /// # Errors
    /// [`ErrorKind::OwnershipLost`] if the lock is not held any more, and as [`Marks::marked`]. After
    /// [`ErrorKind::Unavailable`] it may be set, or not.
    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (mark, keep);
        refused(self.capabilities().lacks(held.key(), Capability::Marks))
    }

    /// Removes the mark of this name, or all that `key` has. How many there were.
    ///
    /// # Errors
    /// As [`Marks::marked`].
    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        let _ = name;
        refused(self.capabilities().lacks(key, Capability::Marks))
    }
}

/// What was done, by whom and when. Kept as JSON; unknown fields are passed over and missing ones are
/// empty, so that every version reads every other's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Mark {
    /// Its name: the slot.
    pub slot: String,
    /// Who did it.
    #[serde(flatten)]
    pub by: Record,
    /// The token of the lock under which it was done.
    pub token: u64,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it was done; none if it was marked at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// How long the lock had been held by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_seconds: Option<f64>,
    /// Until when it is kept at least, by the clock of who set it.
    pub expires_at: String,
}

impl Mark {
    /// What `by` does under `held` from now on, in this slot.
    pub fn begun(slot: impl Into<String>, by: Record, held: &Held) -> Self {
        let now = timestamp(SystemTime::now());
        Self {
            slot: slot.into(),
            by: by.since(now.clone()),
            token: held.token(),
            started_at: now,
            ..Self::default()
        }
    }

    /// It is done now, and the lock has been held for so long.
    #[must_use]
    pub fn done(mut self, held_for: Duration) -> Self {
        self.ended_at = Some(timestamp(SystemTime::now()));
        self.held_seconds = Some(held_for.as_millis() as f64 / 1000.0);
        self
    }

    /// As a store keeps it, for so long from now on.
    pub fn to_json(&self, keep: Duration) -> Vec<u8> {
        let kept = Self {
            expires_at: end_of(SystemTime::now(), keep),
            ..self.clone()
        };
        // Strings, numbers and a map of strings always serialise.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// Reads what a store keeps. `None` for what is no mark.
    pub fn from_json(value: &[u8]) -> Option<Self> {
        let mark: Self = serde_json::from_slice(value).ok()?;
        (!mark.slot.is_empty()).then_some(mark)
    }

    /// Whether it has been kept long enough, by the clock of this host: for stores that do not remove it
    /// themselves.
    pub fn is_over(&self) -> bool {
        let end = humantime::parse_rfc3339(&self.expires_at);
        end.is_ok_and(|end| end <= SystemTime::now())
    }
}

/// For stores, which ask it first: refuses what is no name of a mark.
///
/// # Errors
/// [`ErrorKind::InvalidKey`].
pub fn check_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "a name cannot be empty".to_owned()
    } else if name.contains('\0') {
        "a name cannot have a NUL byte".to_owned()
    } else if name.len() > MAX_NAME {
        format!(
            "a name has at most {MAX_NAME} bytes, this one {}",
            name.len()
        )
    } else {
        return Ok(());
    };
    let shown: String = name.escape_debug().take(64).collect();
    let error = Error::new(ErrorKind::InvalidKey, format!("name \"{shown}\": {why}"));
    Err(error.concerning(Subject::Capability(Capability::Marks)))
}

/// For stores: whether `held` can still be the ground for a mark. Only the store knows for certain.
///
/// # Errors
/// [`ErrorKind::OwnershipLost`].
pub fn check_held(held: &Held) -> Result<()> {
    match held.ownership().loss() {
        Some(loss) => Err(super::held::was_lost(held.key(), loss)),
        None => Ok(()),
    }
}

/// For stores: the error for a holder whom the store does not know any more.
pub fn not_held(held: &Held) -> Error {
    let reason = "the lock was lost, so nothing is marked";
    Error::new(ErrorKind::OwnershipLost, reason).of_key(held.key())
}

/// For stores: the name in the store of a mark of `key`, outside of the lock's own queue `key/…`, and
/// without a `/` behind the key: see [`mark_prefix`].
///
/// # Errors
/// [`ErrorKind::InvalidKey`].
pub fn mark_key(key: &str, name: &str) -> Result<String> {
    check_name(name)?;
    let mut full = mark_prefix(key)?;
    for &byte in name.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'@' => {
                full.push(char::from(byte));
            }
            _ => full.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(full)
}

/// For stores: what the names of all marks of `key` begin with. What has a `/` behind that is no mark.
///
/// # Errors
/// [`ErrorKind::InvalidKey`].
pub fn mark_prefix(key: &str) -> Result<String> {
    check_key(key)?;
    Ok(format!("{key}{INFIX}"))
}

/// For stores: whether this name in the store is that of a mark.
pub fn is_mark_key(full: &str) -> bool {
    let last = full.rsplit('/').next().unwrap_or_default();
    last.contains(INFIX)
}

fn refused<'a, T>(error: Error) -> BoxFuture<'a, Result<T>>
where
    T: Send + 'a,
{
    Box::pin(std::future::ready(Err(error)))
}

/// RFC 3339, in UTC.
fn timestamp(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// The end of what is kept so long: rounded up to a second, and within what RFC 3339 can write.
fn end_of(now: SystemTime, keep: Duration) -> String {
    const YEARS: Duration = Duration::from_secs(100 * 365 * 86_400);
    timestamp(now + keep.min(YEARS) + Duration::from_millis(999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_the_store() {
        let mark = Mark {
            slot: "2026-11-27".to_owned(),
            by: Record::of_this_process(),
            token: u64::MAX,
            started_at: timestamp(SystemTime::now()),
            ..Mark::default()
        };
        let mark = mark.done(Duration::from_millis(1500));
        let mut read = Mark::from_json(&mark.to_json(Duration::from_secs(60))).expect("a mark");
        assert!(read.ended_at.is_some() && !read.is_over());
        read.expires_at.clear();
        assert_eq!(read, mark);
        let over = Mark::from_json(&mark.to_json(Duration::ZERO)).expect("a mark");
        assert!(over.expires_at >= mark.started_at);
        let long = mark.to_json(Duration::MAX);
        assert!(!Mark::from_json(&long).expect("a mark").is_over());
        for other in [&b""[..], b"{}", b"17", br#"{"mode":"exclusive"}"#] {
            assert_eq!(Mark::from_json(other), None);
        }
    }

    #[test]
    fn a_mark_lies_outside_of_its_queue() {
        for (name, full) in [
            (
                "2026-11-27@Europe/Berlin",
                "/k.once:2026-11-27@Europe%2FBerlin",
            ),
            ("a b%", "/k.once:a%20b%25"),
        ] {
            assert_eq!(mark_key("/k", name).expect("a name"), full);
            assert!(is_mark_key(full) && !full.starts_with("/k/"));
        }
        assert!(!is_mark_key("/k.once:x/694d"));
        for name in ["", "a\0", &"n".repeat(MAX_NAME + 1)] {
            let refused = mark_key("/k", name).expect_err("no name");
            assert_eq!(refused.kind(), ErrorKind::InvalidKey, "{refused}");
        }
        assert!(mark_key("/k", &"n".repeat(MAX_NAME)).is_ok());
        assert!(mark_key("/k/", "n").is_err());
    }
}
