//! The keys and TTLs that no store takes.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result, Setting, Subject};

/// The longest key that is taken, in bytes. A key becomes a part of the environment, of messages
/// and of a store's own keys.
pub const MAX_KEY: usize = 4096;

/// How many keys are taken at once, at most: each is a few operations of one transaction, of which
/// etcd takes 128 (`--max-txn-ops`).
pub const MAX_KEYS: usize = 16;

/// Refuses a key that no store should take. For stores; [`Request::check`](super::Request::check) does
/// this too.
///
/// # Errors
/// [`ErrorKind::InvalidKey`].
pub fn check_key(key: &str) -> Result<()> {
    let why = if key.is_empty() {
        "a key cannot be empty".to_owned()
    } else if key.ends_with('/') {
        "a key cannot end in '/': the store puts its own part after it".to_owned()
    } else if key.contains('\0') {
        "a key cannot have a NUL byte".to_owned()
    } else if key.len() > MAX_KEY {
        format!("a key has at most {MAX_KEY} bytes, this one {}", key.len())
    } else {
        return Ok(());
    };
    let shown: String = key.escape_debug().take(64).collect();
    let error = Error::new(ErrorKind::InvalidKey, format!("key \"{shown}\": {why}"));
    Err(error.concerning(Subject::Key(key.to_owned())))
}

/// The longest TTL that is taken, 285 years: etcd's own limit (`MaxLeaseTTL` of its lessor).
pub const MAX_TTL: Duration = Duration::from_secs(9_000_000_000);

/// The shortest TTL that is taken: it can still be renewed in time.
pub(crate) const MIN_TTL: Duration = Duration::from_secs(1);

/// Refuses a TTL that is too short to be renewed in time, and one that no store counts to.
pub(super) fn check_ttl(ttl: Duration) -> Result<()> {
    let why = if ttl < MIN_TTL {
        format!("at least {}s", MIN_TTL.as_secs())
    } else if ttl > MAX_TTL {
        format!("at most {}s, which is 285 years", MAX_TTL.as_secs())
    } else {
        return Ok(());
    };
    let shown = humantime::format_duration(ttl);
    let error = Error::new(ErrorKind::InvalidTtl, format!("TTL {shown}: {why}"));
    Err(error.about([Setting::Ttl]))
}
