//! What SIGKILL from us does not end: processes of another user, such as those that sudo(8) started
//! for the command, and those that sit in the kernel. The lock is not released while they live; but
//! who waits for them has to know, and can leave them.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::process::Pid;

use crate::clock::Instant;
use crate::describe;
use crate::exit::Exit;
use crate::locker::Held;
use crate::record::user_name;
use crate::stderr;
use crate::supervise::Supervision;

/// So many are named.
const NAMED: usize = 3;

/// So many signals that would end a process, once it was said that we wait, end the wait.
const SIGNALS: u32 = 2;

/// What was said of them, and heard since.
#[derive(Default)]
pub(super) struct Survivors {
    said: bool,
    signals: u32,
}

impl Survivors {
    /// When it is to be said that there are any, if that was not.
    pub(super) fn due(&self, supervision: &Supervision) -> Option<Instant> {
        supervision.late().filter(|_| !self.said)
    }

    /// Says for whom we wait, and the way out.
    pub(super) fn say(&mut self, held: &Held, supervision: &mut Supervision) {
        self.said = true;
        let survivors = supervision.survivors();
        if let Some(lock) = held.descriptor() {
            // For the case that we are killed; before we leave them it is done again.
            let _ = keep(supervision, &survivors, lock);
        }
        let (key, names) = (describe::escape(held.key()), names(&survivors));
        stderr::complain(format_args!(
            "{key}: waiting for what SIGKILL from us does not end: {names}: end it, \
             or send SIGTERM to genlock twice to leave it"
        ));
    }

    /// Takes note of a signal that would end a process. True if they are to be left.
    pub(super) fn note_signal(&mut self) -> bool {
        self.signals += u32::from(self.said);
        self.signals >= SIGNALS
    }
}

/// Leaves them, because of this signal, and the lock with them: says so, and gives how genlock ends,
/// which is `lost` if the lock is. `None` if that would let go of the lock.
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

/// Keeps the lock until all of these have ended, even if we end before.
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

/// `sleep (pid 812, user root), …`, as far as /proc tells.
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
