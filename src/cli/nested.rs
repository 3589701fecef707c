//! Whether the holder of a lock runs us: who waits for it waits for itself. The environment says it,
//! and where that is emptied, as below `env -i` and sudo(8), the process tree.
//!
//! What cannot be read in /proc (`hidepid`, proc(5)), or is in another PID namespace, is nobody.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{command_for, environment, is_run, read};
use crate::locker::Record;
use crate::supervise;
use crate::{Error, ErrorKind};

/// No tree is as deep; numbers that are read while processes end could go round.
const DEPTH: u32 = 10_000;

/// Whether who holds the lock `key`, by this owner key and with this record, is a genlock below whose
/// command we are.
pub(super) fn runs_us(key: &str, owner_key: Option<&String>, holder: Option<&Record>) -> bool {
    owner_key.is_some_and(|owner_key| environment::outer_owner_keys().contains(owner_key))
        || holder.is_some_and(|holder| is_ancestor(holder, key))
}

/// What is said of it.
pub(super) fn refused(key: &str) -> Error {
    let why = "this lock is held by the genlock that runs us: it would wait for itself";
    Error::new(ErrorKind::AlreadyHeld, why).of_key(key)
}

/// By the process tree: one that has this number on this host and was given this key, since a
/// container that has the name of another has the same small numbers too.
fn is_ancestor(holder: &Record, key: &str) -> bool {
    if holder.host != Record::host_name() {
        return false;
    }
    // Of the PID namespace that /proc shows, whichever that is.
    let mut process = "self".to_owned();
    for _ in 0..DEPTH {
        match name_and_parent(&process) {
            Some((name, parent)) if parent == holder.pid && is_watchdog(&name) => {
                return was_given(parent, key);
            }
            Some((_, parent @ 1..)) => process = parent.to_string(),
            _ => return false,
        }
    }
    false
}

fn is_watchdog(name: &str) -> bool {
    name.as_bytes() == supervise::WATCHDOG.to_bytes()
}

/// From `17 (name) S 16 …`; there can be anything in a name.
fn name_and_parent(process: &str) -> Option<(String, u32)> {
    let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (before, fields) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once(" (")?;
    let parent = fields.split(' ').nth(1)?.parse().ok()?;
    Some((name.to_owned(), parent))
}

/// Whether the process is a run of genlock's with this key.
fn was_given(process: u32, key: &str) -> bool {
    let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words = words.strip_suffix(b"\0").unwrap_or(&words);
    let words = words.split(|&byte| byte == 0).skip(1);
    let words: Vec<_> = words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    if !is_run(&words) {
        return false;
    }
    let given = read(&mut command_for(&words), &words);
    given.is_ok_and(|given| {
        let run = given.subcommand().map(|(_, run)| run);
        run.and_then(|run| run.get_one::<String>("key"))
            .is_some_and(|given| given == key)
    })
}
