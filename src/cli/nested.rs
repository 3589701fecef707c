//! Whether we run under the lock that we wait for: its holder then waits for its command, which is or
//! contains us, and neither ever ends. The environment says so ($GENLOCK_HELD_OWNER_KEYS), and where that
//! was emptied, as below `env -i` and sudo(8), the process tree.
//!
//! A process that /proc does not show (`hidepid`, proc(5); another PID namespace) counts as not there.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{command_for, environment, is_run, read};
use crate::locker::Record;
use crate::supervise;
use crate::{Error, ErrorKind};

/// More than any tree is deep. A bound is needed: process numbers that are reused while we read could
/// lead in a circle.
const DEPTH: u32 = 10_000;

/// Whether the holder of the lock `key`, with this owner key and this record, is a genlock under whose
/// lock we run.
pub(super) fn runs_us(key: &str, owner_key: Option<&String>, holder: Option<&Record>) -> bool {
    owner_key.is_some_and(|owner_key| environment::outer_owner_keys().contains(owner_key))
        || holder.is_some_and(|holder| is_ancestor(holder, key))
}

/// The error for that.
pub(super) fn refused(key: &str) -> Error {
    let why = "this lock is held by the genlock around us: it would wait for itself; genlock run --held \
               runs under it";
    Error::new(ErrorKind::AlreadyHeld, why).of_key(key)
}

/// The same by the process tree: an ancestor of ours is a watchdog whose parent has the holder's process
/// number and this key among its words. Host name and number alone are not enough: containers with the
/// same host name have the same small numbers.
fn is_ancestor(holder: &Record, key: &str) -> bool {
    if holder.host != Record::host_name() {
        return false;
    }
    // "self", and not our own number: /proc may show another PID namespace than ours.
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

/// The name and the parent in /proc/PID/stat, `17 (name) S 16 …`. A name may have blanks and parentheses
/// in it, so the last `) ` counts.
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
