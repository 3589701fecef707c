//! Verbs and options of other tools that people type out of habit, and what they mean here.

use std::ffi::{OsStr, OsString};

use super::Mistake;
use super::edit::{removed, replace, text};
use crate::cli::environment::PASSWORD_SEEN;

/// Verbs of etcdctl, consul and tools like setlock(8), each with the one of genlock. A line counts only
/// while genlock has no verb of that name.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("lock", "run"),
    ("exec", "run"),
    ("unlock", BREAK),
    ("list", "ls"),
    ("version", "--version"),
];

/// The verb that takes a lock away; its former name is that of another verb now.
pub(super) const BREAK: &str = "break";
pub(super) const FORMERLY_BREAK: &str = "release";
/// The options that it has, and had by its former name.
pub(super) const OF_BREAK: &[&str] = &["--token", "--force", "--waiters"];
/// The message for the former name with what it took.
pub(super) const RENAMED: &str = "release: it lets go of what genlock acquire has taken, and takes no KEY; to \
    take a lock away it is genlock break KEY --token N";

/// The verb that takes a lock for what comes afterwards.
pub(super) const ACQUIRE: &str = "acquire";

/// What another tool's option means here.
#[derive(Clone, Copy)]
pub(super) enum Meant {
    /// The same as this option.
    Option(&'static str),
    /// What genlock always does: it can be left out.
    Always(&'static str),
    /// What genlock does not do; why.
    Never(&'static str),
}

pub(super) const EXCLUSIVE: &str = "a lock is exclusive if nothing else is said";
const CONSULS: &str = "that is for consul: --endpoints says which stores there are";

/// Options of flock(1), then those of consul, which may have one dash as well. A line counts only while
/// genlock has no option of that name.
const OPTIONS: &[(&str, Meant)] = &[
    ("--nonblock", Meant::Option("--try")),
    ("--nb", Meant::Option("--try")),
    ("--timeout", Meant::Option("--wait")),
    ("-e", Meant::Always(EXCLUSIVE)),
    ("-o", Meant::Always(LEFT_BEHIND)),
    ("--close", Meant::Always(LEFT_BEHIND)),
    ("-F", Meant::Always(STAYS)),
    ("--no-fork", Meant::Always(STAYS)),
    ("-u", Meant::Never(FREE)),
    ("--unlock", Meant::Never(FREE)),
    (
        "--child-exit-code",
        Meant::Always("the status is that of the command"),
    ),
    (
        "--pass-stdin",
        Meant::Always("the command has the stdin of genlock"),
    ),
    ("--http-addr", Meant::Never(CONSULS)),
    ("--token-file", Meant::Never(CONSULS)),
    ("--datacenter", Meant::Never(CONSULS)),
    ("--stale", Meant::Never(CONSULS)),
    ("--token", Meant::Never(CONSULS)),
    ("--namespace", Meant::Never(CONSULS)),
    ("--partition", Meant::Never(CONSULS)),
    ("--ca-path", Meant::Never(CONSULS)),
    ("--tls-server-name", Meant::Never(CONSULS)),
    ("--ca-file", Meant::Option("--cacert")),
    ("--client-cert", Meant::Option("--cert")),
    ("--client-key", Meant::Option("--key")),
    ("--shell", Meant::Never(SHELL)),
    ("--monitor-retry", Meant::Never(RETRIED)),
    ("--name", Meant::Never(NAMED)),
];

const SHELL: &str = "a shell is a command like any other: KEY -- sh -c LINE";
const RETRIED: &str = "a renewal that fails is tried again until its time is over";
const NAMED: &str = "a holder is named by its host, user and command";
const LEFT_BEHIND: &str = "what a command leaves behind is stopped, and keeps no lock";
const STAYS: &str = "genlock stays beside the command, to stop it in time";
const FREE: &str = "a lock is free when its command has ended";

/// What an option of another tool means here.
pub(super) fn meant(option: &str) -> Option<Meant> {
    if is_password(option) {
        return Some(Meant::Never(PASSWORD_SEEN));
    }
    let found = OPTIONS.iter().find(|(theirs, _)| *theirs == option);
    found.map(|&(_, meant)| meant)
}

/// Whether the option looks as if a password followed it, as after etcdctl's `--password`. A mistyped
/// `--password-file` does not, nor does consul's `--pass-stdin`.
pub(super) fn is_password(option: &str) -> bool {
    let name = option.trim_start_matches('-');
    let begins = ["pass", "pwd", "pw"]
        .iter()
        .any(|start| name.starts_with(start));
    (begins && !name.contains('-')) || name.ends_with("password")
}

impl Meant {
    /// The mistake of the option at `at`, which is shown as `shown`; `value` is what stands behind its `=`.
    pub(super) fn mistake(
        self,
        words: &[OsString],
        at: usize,
        shown: &str,
        value: Option<&OsStr>,
    ) -> Mistake {
        match self {
            Self::Always(why) => Mistake::new(format!("{shown}: {why}"), Some(removed(words, at))),
            Self::Never(why) => Mistake::said(format!("{shown}: {why}")),
            Self::Option(ours) => {
                let mut mended = replace(words, at, ours);
                if let Some(value) = value {
                    mended[at].push("=");
                    mended[at].push(value);
                }
                let what = format!("{shown}: no such option of {}", text(&words[0]));
                Mistake::new(what, Some(mended))
            }
        }
    }
}

/// The option of flock(1) that takes a line for the shell.
pub(super) const SCRIPT: &str = "-c";
