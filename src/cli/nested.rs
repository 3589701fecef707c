//! Whether we run under the lock that we wait for: its holder then waits for its command, which is or
//! contains us, and neither ever ends. The environment says so ($GENLOCK_HELD_OWNER_KEYS), and where that
//! was emptied, as below `env -i` and sudo(8), the process tree.
//!
//! A process that /proc does not show (`hidepid`, proc(5); another PID namespace) counts as not there.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::locking::FirstAhead;
use super::{command_for, environment, is_run, read};
use crate::locker::operator::Contender;
use crate::locker::{Mode, Operator, Record, Request};
use crate::supervise;
use crate::{Error, ErrorKind};

/// More than any tree is deep. A bound is needed: process numbers that are reused while we read could
/// lead in a circle.
const DEPTH: usize = 10_000;

/// Whether the holder of the lock `key`, with this owner key and this record, is a genlock under whose
/// lock we run.
pub(super) fn runs_us(key: &str, owner_key: Option<&String>, holder: Option<&Record>) -> bool {
    owner_key.is_some_and(|owner_key| environment::outer_owner_keys().contains(owner_key))
        || holder.is_some_and(|holder| is_ancestor(holder, key))
}

/// Whether this request, which waits behind those, waits for a genlock under whose lock we run, whoever
/// else lets go.
pub(super) async fn waits_for_us(
    request: &Request,
    seen: &FirstAhead,
    store: &dyn Operator,
) -> bool {
    let (owner_key, holder) = (seen.owner_key.as_ref(), seen.holder.as_ref());
    let is_alone = request.mode() == Mode::Exclusive;
    let mut keys = request.keys().iter();
    if is_alone && keys.any(|key| runs_us(key, owner_key, holder)) {
        return true;
    }
    if !is_below_a_run() {
        return false;
    }
    for key in request.keys() {
        // What cannot be seen now is seen with the next news.
        let queue = store.queue(key).await.unwrap_or_default();
        let is_before = |one: &&Contender| seen.place.is_none() || one.token != seen.place;
        let ahead = queue.contenders.iter().take_while(is_before);
        let ahead = ahead.map(|one| {
            let is_ours = runs_us(key, Some(&one.owner_key), one.record.as_ref());
            (one.locks(), is_ours)
        });
        if is_stuck(request.mode(), ahead) {
            return true;
        }
    }
    false
}

/// Whether one of this mode never gets its turn, if those ahead that are ours never let go, and all others
/// do once they held: each with its mode, and whether it is ours.
fn is_stuck(mode: Mode, ahead: impl IntoIterator<Item = (Mode, bool)>) -> bool {
    let mut staying: Vec<Mode> = Vec::new();
    for (other, is_ours) in ahead {
        if is_ours || !other.may_hold(staying.iter().copied()) {
            staying.push(other);
        }
    }
    !mode.may_hold(staying)
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
    let mut runs = runs_above();
    runs.any(|run| run == holder.pid) && was_given(holder.pid, key)
}

/// Whether we run under a lock at all, as far as can be seen.
fn is_below_a_run() -> bool {
    !environment::outer_owner_keys().is_empty() || runs_above().next().is_some()
}

/// The genlocks that run us, the innermost first.
fn runs_above() -> impl Iterator<Item = u32> {
    // "self", and not our own number: /proc may show another PID namespace than ours.
    let us = name_and_parent("self");
    let above = std::iter::successors(us, |&(_, parent)| match parent {
        0 => None,
        parent => name_and_parent(&parent.to_string()),
    });
    let above = above.take(DEPTH);
    above.filter_map(|(name, parent)| is_watchdog(&name).then_some(parent))
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
        let keys = ["key", "also"].into_iter();
        let mut keys = keys
            .filter_map(|name| run?.get_many::<String>(name))
            .flatten();
        keys.any(|given| given == key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: bool = true;
    const ANOTHERS: bool = false;

    #[test]
    fn who_waits_for_itself_is_told_from_who_waits_for_others() {
        let [alone, shared, two] = [Mode::Exclusive, Mode::Shared, Mode::OneOf(2)];
        for (mode, ahead, expected) in [
            (alone, &[(alone, OURS)][..], true),
            (alone, &[(alone, ANOTHERS)], false),
            (alone, &[(shared, ANOTHERS), (shared, OURS)], true),
            (shared, &[(shared, OURS)], false),
            // A writer waits for us, and we behind it.
            (shared, &[(shared, OURS), (alone, ANOTHERS)], true),
            (shared, &[(shared, ANOTHERS), (alone, ANOTHERS)], false),
            (two, &[(two, OURS), (two, ANOTHERS)], false),
            (two, &[(two, OURS), (two, OURS)], true),
            (
                two,
                &[(two, OURS), (shared, ANOTHERS), (two, ANOTHERS)],
                true,
            ),
        ] {
            assert_eq!(is_stuck(mode, ahead.iter().copied()), expected, "{ahead:?}");
        }
    }
}
