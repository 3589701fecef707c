//! The text of help and man pages beside the options. Each section is a heading that ends in a colon,
//! and indented lines.

mod explained;
mod kept;
mod operator;
mod stores;

use crate::exit;
pub(super) use explained::{explained, of_endpoints};
pub(super) use kept::{
    ACQUIRE_EXAMPLES, RELEASE_EXAMPLES, RENEW_EXAMPLES, acquire, release, renew,
};
pub(super) use operator::{
    BREAK_EXAMPLES, FORGET_EXAMPLES, WAIT_EXAMPLES, WATCH_EXAMPLES, breaking, forget, wait, watch,
};

/// `genlock --help`.
fn genlock() -> String {
    sections(&[PROMISE, exit::TABLE, &stores::files()])
}

/// Above the verbs in `genlock --help`.
pub(super) const EXAMPLE: &str = "\
Examples:
  genlock run /locks/backup -- ./backup.sh
    one at a time; the next one waits
  genlock run --try -E 0 -q /locks/report ./report.sh
    skips a run while the last one goes on, on whatever host
  genlock run -q --once-per day --wait 2h /locks/nightly ./nightly.sh
    once a day, on whichever host comes first
  genlock acquire --pid none --for 1h --export /locks/deploy >lock
  . ./lock && genlock run --held make deploy
  . ./lock && genlock release
    over several steps, as of a CI job
  genlock status /locks/backup
    who has it, and who waits";

/// `genlock run -h`.
pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  genlock run /locks/backup -- ./backup.sh
  genlock run --try -E 0 -q /locks/report ./report.sh";

/// `genlock help connection`, above the options and below them.
pub(super) const CONNECTION: &str = "\
Where the lock is, and who we are there: options of every verb. An option comes first, then its
GENLOCK_ variable, then etcdctl's ETCDCTL_ variable, then the configuration.";

pub(super) fn connection() -> String {
    sections(&[CONFIGURATION, &stores::all()])
}

/// In place of the options of [`CONNECTION`], in the help of each verb.
pub(super) const CONNECTION_ELSEWHERE: &str = "\
Connection:
  Where the lock is, and who we are there, --endpoints, --cacert, --user and so on: genlock help
  connection";

/// `genlock run --help`.
fn run() -> String {
    sections(&[
        TIMES,
        &stores::environment(),
        VARIABLES,
        CONFIGURATION,
        &stores::all(),
        SIGNALS,
        exit::TABLE,
    ])
}

/// `genlock run --held --help`.
pub(super) fn held() -> String {
    sections(&[HELD_NOTES, SIGNALS, exit::TABLE])
}

/// `genlock doctor --help`.
pub(super) fn doctor() -> String {
    sections(&[DOCTOR_LINES, &stores::doctor_json(), DOCTOR_STATUS])
}

/// `genlock status --help`.
pub(super) fn status() -> String {
    sections(&[STATUS_EXIT, CONTENDER_JSON])
}

/// `genlock ls --help`.
pub(super) fn ls() -> String {
    sections(&[LS_JSON])
}

/// `genlock history --help`.
pub(super) fn history() -> String {
    sections(&[HISTORY_JSON])
}

/// `genlock check --help`.
pub(super) fn check() -> String {
    sections(&[CHECK_NOTES, CHECK_EXIT, CHECK_JSON])
}

fn sections(sections: &[&str]) -> String {
    sections.join("\n\n")
}

const PROMISE: &str = "\
Promise:
  While genlock and its host run, and clocks advance at nearly the same rate, the command and
  everything it started has been stopped before anyone else can hold the lock. It also holds
  when genlock itself is killed, frozen or cut off.
  When the whole host is paused past the TTL, two can overlap until the host has run again for
  a moment: for that there is the fencing token. Pass it to what the lock protects, which
  refuses a token smaller than the largest it has seen.";

const TIMES: &str = "\
Times:
  The lock is renewed at every third of its TTL. Counted from the moment the last acknowledged
  renewal was sent, the command is told SIGTERM at TTL - margin - kill-after, and SIGKILL at
  TTL - margin. The margin is 100ms and a twentieth of the TTL. With the defaults, a TTL of 10s
  and 2s from SIGTERM to SIGKILL, the store can be gone for 4s at any moment, and is not missed.
  If the store says that the lock is gone, SIGTERM comes at once.
  A duration is written 10s, 1m30s or 500ms; a bare number is in seconds.";

const VARIABLES: &str = "\
Environment of genlock:
  An option that shows [env: GENLOCK_...] is read from there if it is not given. Where etcdctl
  has a variable for the same, ETCDCTL_..., that one counts if neither is given, and then the
  configuration. An empty variable says nothing. What becomes of each of etcdctl's variables is
  in genlock(7); with a store that is not etcdctl's none counts but ETCDCTL_ENDPOINTS.
  GENLOCK_PASSWORD, ETCDCTL_PASSWORD  the password; the file of --password-file comes first";

const CONFIGURATION: &str = "\
Configuration:
  ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml; or, in
  place of both, the file of --config, which may be /dev/null. They need not be there. With
  XDG_CONFIG_HOME the first is in there. In TOML, the keys are the long options
      endpoints = [\"https://a:2379\", \"https://b:2379\"]
      cacert cert key user password-file insecure-skip-tls-verify dial-timeout command-timeout
      ttl kill-after retry-interval jitter record-command history reason label
      no-ci-label
  and password. label is a table of names and values; those of each place are added up. Paths are
  relative to the file. A duration is a string, or a number of seconds.
  A password is here only if nobody else can read the file (chmod 600); that of password-file may
  be readable by nobody else, one of root's or another user's also by its group.";

const SIGNALS: &str = "\
Signals:
  HUP, INT, QUIT, TERM, USR1, USR2, ALRM, XCPU, ABRT, WINCH and CONT are passed to the command's
  process group.
  While genlock waits, those that end a process take it out of the queue, and it dies of them.
  If genlock is killed, the command and what it started is killed at once.
  What SIGKILL from genlock does not end, as a process of root's that sudo started, is named and
  waited for, with the lock held; two signals that end a process leave it. The lock then runs out
  at its TTL, or when that process has ended where locks do not expire.";

pub(super) const HELD_EXAMPLES: &str = "\
Examples:
  genlock run --held -- ./deploy.sh";

const HELD_NOTES: &str = "\
Notes:
  The store is asked whether the lock is still ours, as whoever we are to it: before the start,
  and again and again while COMMAND runs. Nobody renewing it, as when the keeper was killed,
  COMMAND is stopped at the end of the TTL.";

const DOCTOR_LINES: &str = "\
Output:
  The verdict, and below it a line for each finding and each setting. Its first word is
  wrong  locks do not work, or not as they should; the line ends in what mends it
  warn   locks work, but look at it: one of several members is down, say
  ok     as it should be
  set    a setting that somebody has set, its value and where that comes from; with --verbose all
         of them; a password is never shown
  and the second says of what it is, such as config, store, endpoint, tls, auth, rights, times,
  clock or directory.";

const DOCTOR_STATUS: &str = "\
Exit status:
  0    nothing is wrong
  64   the times do not fit each other
  69   an endpoint or the store cannot be used
  77   the credentials, or their rights, do not do
  78   bad configuration
  The first that is wrong decides.";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  genlock doctor
  genlock doctor /locks/backup --user backup --password-file password
  genlock doctor --json | jq -r '.findings[] | select(.state == \"wrong\").text'";

const STATUS_EXIT: &str = "\
Exit status:
  0    the lock is held
  1    the lock is free
  Otherwise as of genlock(1).";

const CONTENDER_JSON: &str = "\
JSON:
  key      the lock
  held     whether it is
  holder   null, or an object; of several holders the first:
    token       the fencing token; null where another tool holds a lock that has none
    owner_key   what stands for it in the store
    lease       as the store writes it, or null
    foreign     true if it is another tool's, which says no more
    mode        exclusive, shared, or one-of: with max_holders, and the index of a holder
    queue       latest, of run --queue latest, or null
    host, user, pid, command, since (RFC 3339), reason, labels, min_hold_ends_at,
    taken_away
  holders  an array of such objects: all who hold it
  ttl      null, or {granted, left} in seconds: how long the lock lasts if it is not renewed
  waiters  an array of such objects, in the order in which they are served, where they are known
  last_mark  of genlock status: null, or what was marked as done last (run --once), an object:
    slot, host, user, pid, command, reason, labels, token
    started_at, ended_at (null if it was marked at its start), expires_at (RFC 3339)
    held_seconds  how long it took, or null
  Fields may be added, and do not change.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  genlock status /locks/backup
  if genlock status -q /locks/deploy; then echo 'a deploy is on its way'; fi
  genlock status --json /locks/backup | jq -r .holder.host";

const LS_JSON: &str = "\
JSON:
  An array of objects: key, holder, holders (as of genlock status), waiting (how many).";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  genlock run --history 20 /locks/backup -- ./backup.sh
  genlock history /locks/backup
  genlock history --svg backup.svg /locks/backup";

const HISTORY_JSON: &str = "\
JSON:
  An array of objects, the oldest first. Each is what is told of a run: v, key, ran, why, detail,
  status, command (status, signal), token, slot, index, waited_seconds, held_seconds, started_at,
  ended_at, holder, blocked_by, taken_away; with host, user, pid, mode, max_holders, command_line,
  labels and reason of who ran, and
  kept     whether it was genlock acquire: nothing ran, and status is that of the release
  state    running, ended, or not-heard-of: it does not hold the lock any more, and never said how
           it ended
  Fields may be added, and do not change.";

pub(super) const LS_EXAMPLES: &str = "\
Examples:
  genlock ls
  genlock ls /locks/ --sort held
  genlock ls --json | jq -r '.[] | select(.waiting > 3).key'";

const CHECK_NOTES: &str = "\
Notes:
  The lock is the innermost one around the command, as $GENLOCK_HELD_KEY and its like say. The
  genlock that runs the command is asked, which asks the store as whoever it is there: no option
  is needed. Where it does not answer, in another network namespace, say, the store is asked from
  here; certificates and a user are then taken from where they always are.
  The store confirms the answer as it does a renewal. What is left is less the margin that genlock
  keeps; genlock goes on renewing the lock while the command runs.";

const CHECK_EXIT: &str = "\
Exit status:
  0    the lock is held; the seconds that are left are on stdout, or \"unlimited\" where locks do
       not expire
  75   it is held, but less than --at-least is left
  80   it is not ours any more, or an operator has taken it away
  Otherwise as of genlock(1).";

const CHECK_JSON: &str = "\
JSON:
  key, token, held, left (seconds; null if the lock lasts for as long as its holder)";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  genlock run k sh -c './build && genlock check --at-least 5s && ./switch'";
