//! The text of help of the verbs that step in, or look on: `watch`, `wait`, `break` and `forget`.

use super::sections;

/// `genlock watch --help`.
pub(in crate::cli) fn watch() -> String {
    sections(&[EVENTS])
}

/// `genlock wait --help`.
pub(in crate::cli) fn wait() -> String {
    sections(&[WAIT_EXIT])
}

/// `genlock break --help`.
pub(in crate::cli) fn breaking() -> String {
    sections(&[BREAK_NOTES, BREAK_EXIT])
}

/// `genlock forget --help`.
pub(in crate::cli) fn forget() -> String {
    sections(&[FORGET_EXIT])
}

const EVENTS: &str = "\
Events:
  holds, waits   what there is at the beginning
  acquired       it holds the lock from now on
  queued         it waits for the lock from now on, where that is known
  released       it held the lock, and let go
  expired        it held the lock, which ran out: it was not heard of for a TTL, or died
  left           it waited, and does so no more
  taken-away     an operator told it to let go
  As JSON: time (RFC 3339), event, key, and the fields of a holder as of genlock status.
  A store that is away is asked again; what changed meanwhile is told then. Where the
  store does not tell a lock that ran out from one that was released, that is seen for up to 200
  holders at a time.";

pub(in crate::cli) const WATCH_EXAMPLES: &str = "\
Examples:
  genlock watch /locks/
  genlock watch --json --exact /locks/backup";

const WAIT_EXIT: &str = "\
Exit status:
  0    the lock was free at that moment; another may hold it by now
  75   --wait is over
  Otherwise as of genlock(1).";

pub(in crate::cli) const WAIT_EXAMPLES: &str = "\
Examples:
  genlock wait -w 10m /locks/migrate && ./start.sh";

const BREAK_NOTES: &str = "\
Notes:
  A genlock that is told stops its command with SIGTERM, then SIGKILL, and the lock is free when
  nothing of it lives. One that is frozen or gone is overtaken by its TTL. A holder that is no
  genlock is removed from the store at once, and may not notice; so is any under --force.
  --waiters takes those out of the queue whose lease has less than half of its TTL left: a client
  that lives renews it before. One that lives all the same queues anew.";

const BREAK_EXIT: &str = "\
Exit status:
  0    the lock was taken away
  1    it is free (without --token)
  64   it is held: --token is needed
  75   nobody has this token, or the holder has not let go within --wait
  Otherwise as of genlock(1).";

pub(in crate::cli) const BREAK_EXAMPLES: &str = "\
Examples:
  genlock break /locks/backup
  genlock break /locks/backup --token 4711";

const FORGET_EXIT: &str = "\
Exit status:
  0    what was marked as done is not any more
  1    nothing was
  Otherwise as of genlock(1).";

pub(in crate::cli) const FORGET_EXAMPLES: &str = "\
Examples:
  genlock forget /locks/backup
  genlock forget /locks/backup 2026-11-27";
