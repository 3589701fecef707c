//! Processes that our SIGKILL does not end: those of another user, which sudo(8) may have started for the
//! command, and those in an uninterruptible sleep in the kernel. The lock is not released while they live.
//! The user is told, and can have genlock leave them.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use rustix::process::Pid;

use crate::clock::Instant;
use crate::describe;
use crate::exit::Exit;
use crate::locker::Held;
use crate::record::user_name;
use crate::stderr;
use crate::supervise::Supervision;

/// How many of them are named.
const NAMED: usize = 3;

/// How many signals end the wait, of those that come after the line about it and whose default action is
/// to end a process.
const SIGNALS: u32 = 2;

/// Where nothing is found, it may have ended this moment: so much later it is looked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether the line was written, and the signals since.
#[derive(Default)]
pub(super) struct Survivors {
    said: bool,
    /// When to look again, after nothing was found.
    again: Option<Instant>,
    signals: u32,
}

impl Survivors {
    /// When the line is due; `None` if it was written, or nothing is late.
    pub(super) fn due(&self, supervision: &Supervision) -> Option<Instant> {
        let late = supervision.late().filter(|_| !self.said);
        late.map(|late| self.again.unwrap_or(late))
    }

    /// Writes the line: for which processes we wait, and what the user can do.
    pub(super) fn say(&mut self, held: &Held, supervision: &mut Supervision) {
        let survivors = supervision.survivors();
        self.said = self.is_certain(&survivors, Instant::now());
        if !self.said {
            return;
        }
        if let Some(lock) = held.descriptor() {
            // In case we are killed while we wait. It is done again before we leave them.
            let _ = keep(supervision, &survivors, lock);
        }
        let (key, names) = (describe::escape(held.key()), names(&survivors));
        stderr::complain(format_args!(
            "{key}: waiting for what SIGKILL from us does not end: {names}: end it, \
             or send SIGTERM to genlock twice to leave it"
        ));
    }

    /// Whether something lives that SIGKILL does not end. What is found does; where nothing is found, what
    /// lives may be hidden.
    fn is_certain(&mut self, survivors: &[Pid], now: Instant) -> bool {
        let again = *self.again.get_or_insert(now + AGAIN);
        !survivors.is_empty() || now >= again
    }

    /// Counts a signal whose default action is to end a process. True if the processes are to be left.
    pub(super) fn note_signal(&mut self) -> bool {
        self.signals += u32::from(self.said);
        self.signals >= SIGNALS
    }
}

/// Leaves the processes, and the lock with them, because of this signal: says so, and gives how genlock
/// ends, with the status `lost` if the lock is lost. `None` if they cannot be left without releasing the
/// lock.
pub(super) fn leave(
    held: &Held,
    supervision: &mut Supervision,
    lost: Option<u8>,
    signal: i32,
) -> Option<Exit> {
    let key = describe::escape(held.key());
    let left = supervision.survivors();
    let lock = match (lost, held.descriptor()) {
        (Some(_), _) => "the lock is lost",
        (None, Some(lock)) => {
            if let Err(error) = keep(supervision, &left, lock) {
                stderr::complain(format_args!("{key}: cannot leave the lock: {error}"));
                return None;
            }
            "the lock is held until that has ended"
        }
        (None, None) => "the lock is not released, and runs out at its TTL",
    };
    let names = names(&left);
    stderr::complain(format_args!("{key}: left behind: {names}; {lock}"));
    Some(lost.map_or(Exit::Signal(signal), Exit::Status))
}

/// Has another process keep the lock, a flock(2) on this descriptor, until all of these have ended.
fn keep(
    supervision: &mut Supervision,
    survivors: &[Pid],
    lock: BorrowedFd<'_>,
) -> Result<(), String> {
    if survivors.is_empty() {
        return Err("what still lives cannot be found".to_owned());
    }
    let kept = supervision.keep(survivors, lock);
    kept.map_err(|error| describe::io_error(&error))
}

/// `sleep (pid 812, user root), …`, as far as /proc shows it.
fn names(survivors: &[Pid]) -> String {
    let named = survivors.iter().take(NAMED);
    let mut names: Vec<_> = named.map(|&pid| name(pid)).collect();
    match survivors.len() {
        0 => names.push("processes that /proc does not show".to_owned()),
        count @ NAMED.. if count > NAMED => names.push(format!("{} more", count - NAMED)),
        _ => {}
    }
    names.join(", ")
}

fn name(pid: Pid) -> String {
    let number = pid.as_raw_nonzero();
    let place = Path::new("/proc").join(number.to_string());
    let name = std::fs::read(place.join("comm")).unwrap_or_default();
    let name = String::from_utf8_lossy(&name);
    let status = std::fs::read_to_string(place.join("status")).unwrap_or_default();
    let user = status.lines().find_map(|line| {
        let mut numbers = line.strip_prefix("Uid:")?.split_whitespace();
        Some(user_name(numbers.next()?.parse().ok()?))
    });
    let user = user.map_or(String::new(), |user| {
        format!(", user {}", describe::escape(&user))
    });
    match name.trim_end() {
        "" => format!("pid {number}{user}"),
        name => format!("{} (pid {number}{user})", describe::escape(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_found_is_looked_for_once_more() {
        let (mut survivors, now) = (Survivors::default(), Instant::now());
        assert!(!survivors.is_certain(&[], now));
        assert!(!survivors.is_certain(&[], now + AGAIN / 2));
        assert!(survivors.is_certain(&[], now + AGAIN));
        assert!(Survivors::default().is_certain(&[Pid::INIT], now));
    }
}
