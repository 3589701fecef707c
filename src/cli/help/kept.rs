//! The text of help for a lock that is kept: of `acquire`, `renew` and `release`.

use super::sections;

/// `genlock acquire --help`.
pub(in crate::cli) fn acquire() -> String {
    sections(&[ACQUIRE_NOTES, ACQUIRE_EXIT, ACQUIRE_JSON])
}

/// `genlock release --help`.
pub(in crate::cli) fn release() -> String {
    sections(&[RELEASE_NOTES, RELEASE_EXIT])
}

/// `genlock renew --help`.
pub(in crate::cli) fn renew() -> String {
    sections(&[RENEW_EXIT])
}

const RENEW_EXIT: &str = "\
Exit status:
  0    the lock is held, for so long from now
  64   no lock is named, it is that of a genlock run, or the store keeps none without its holder
  80   it was not ours any more: lost, or released before
  Otherwise as of genlock(1).";

pub(in crate::cli) const RENEW_EXAMPLES: &str = "\
Examples:
  genlock renew --for 45m";

const ACQUIRE_NOTES: &str = "\
Notes:
  The lines are NAME=value, as $GITHUB_ENV, the dotenv report of GitLab, docker --env-file and
  EnvironmentFile= take them. There is no password in them, but $GENLOCK_HELD_SOCKET lets whoever
  knows it, on this host, release the lock.
  The keeper is a process of its own, in a session of its own. Nothing of the caller's stays open in
  it, but its environment stays: by it a CI runner finds and ends what a job has left.
  It lets go of the lock when the process that it follows has ended, when --for is over, and at
  HUP, INT, QUIT and TERM. If it is killed the lock ends at its TTL.
  A step under genlock run --held is told to end before the keeper lets go, and when the lock is
  lost. No other step is.
  --report, --events and --metrics-file are the keeper's: the report is there when the lock has been
  let go of. It has nothing of its caller's open, so that /dev/stderr is no file for it.
  With --history genlock history shows how long the lock was held, and how that ended. Of a lock
  that is left to the store (--pid none) only genlock release writes the end.";

const ACQUIRE_EXIT: &str = "\
Exit status:
  0    the lock is held, and the variables are on stdout
  64   usage; also a process that cannot be followed
  75   not acquired: held by another under --try, --wait ran out, or a newer one came (--queue
       latest); -E changes it
  80   of --foreground: the lock was lost
  Otherwise as of genlock(1).";

const ACQUIRE_JSON: &str = "\
JSON:
  v, key, token, index (null if there is none), ttl_seconds (null if the lock does not expire)
  pid          the keeper's, or null
  ends_at      when it lets go at the latest (RFC 3339), or null
  environment  an object: the variables
  Fields may be added, and do not change.";

pub(in crate::cli) const ACQUIRE_EXAMPLES: &str = "\
Examples:
  eval \"$(genlock acquire --export /locks/deploy)\"
  genlock acquire --pid none --for 2h --reason 'a freeze' /locks/deploy";

const RELEASE_NOTES: &str = "\
Notes:
  The lock is the one that $GENLOCK_HELD_KEY and its like name. Its keeper is asked, and needs no
  option; where it does not answer, as in another network namespace, or there is none, the store is
  told, with certificates and a user from where they always are.";

const RELEASE_EXIT: &str = "\
Exit status:
  0    the lock was held, and is released
  64   no lock is named, or it is that of a genlock run, which ends with its command
  69   also: not released yet, as a command of genlock run --held does not end
  80   it was not ours any more: lost, or released before
  Otherwise as of genlock(1).";

pub(in crate::cli) const RELEASE_EXAMPLES: &str = "\
Examples:
  genlock release";
