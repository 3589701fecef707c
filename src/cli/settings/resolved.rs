//! The options that verbs work with: each is what was typed, or else its GENLOCK_ variable, etcdctl's
//! variable, what a file says, or the default.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::Settings;
use super::keys::{self, FORMER, HISTORY, KEYS, PASSWORD, PASSWORD_FILE, USER, ValueKind};
use crate::cli::args::{ConnectionArgs, KeptRunsArgs, Recorded, RunArgs, TimesArgs, TtlArgs};
use crate::cli::environment::Around;
use crate::cli::labels::Notes;
use crate::cli::modes::ModeOptions;
use crate::cli::once::Once;

/// Which store to use, and as which user.
pub(in crate::cli) struct ConnectionOptions {
    /// `None` if nobody says.
    pub(in crate::cli) endpoints: Option<Vec<String>>,
    /// Whether to use TLS where an endpoint has no scheme, also if no certificate is set.
    pub(in crate::cli) tls: bool,
    pub(in crate::cli) cacert: Option<PathBuf>,
    pub(in crate::cli) cert: Option<PathBuf>,
    pub(in crate::cli) tls_key: Option<PathBuf>,
    pub(in crate::cli) insecure_skip_tls_verify: bool,
    pub(in crate::cli) user: Option<String>,
    /// The password itself; only if there is no `password_file`.
    pub(in crate::cli) password: Option<String>,
    pub(in crate::cli) password_file: Option<PathBuf>,
    pub(in crate::cli) dial_timeout: Option<Duration>,
    pub(in crate::cli) command_timeout: Option<Duration>,
}

/// How long the lock and its command last.
pub(in crate::cli) struct TimesOptions {
    pub(in crate::cli) ttl: Duration,
    /// `None` if it is not set: it follows from the TTL.
    pub(in crate::cli) kill_after: Option<Duration>,
}

/// The lock that a verb takes, whatever is done under it.
pub(in crate::cli) struct LockOptions {
    pub(in crate::cli) key: String,
    /// The lock that is held around us, where it is that one and none is taken.
    pub(in crate::cli) around: Option<Around>,
    /// The mode, the queue, and the keys beside that.
    pub(in crate::cli) asked: ModeOptions,
    /// How long to wait at most: zero is not to wait at all, `None` without end.
    pub(in crate::cli) limit: Option<Duration>,
    /// The status if another holds it then.
    pub(in crate::cli) conflict_exit_code: u8,
    pub(in crate::cli) ttl: Duration,
    /// From SIGTERM to SIGKILL, where the holder is a process that is stopped; `None` if it is not set.
    pub(in crate::cli) kill_after: Option<Duration>,
    pub(in crate::cli) no_renew: bool,
    pub(in crate::cli) retry_interval: Duration,
    /// The reason and the labels of the holder's record.
    pub(in crate::cli) notes: Notes,
    /// What is to be done once only, if anything is.
    pub(in crate::cli) once: Option<Once>,
    pub(in crate::cli) quiet: bool,
    pub(in crate::cli) verbose: u8,
    pub(in crate::cli) connection: ConnectionOptions,
}

/// A run: the lock, and the command under it.
pub(in crate::cli) struct RunOptions {
    pub(in crate::cli) lock: LockOptions,
    /// How long the lock is held at least, from when it is acquired.
    pub(in crate::cli) min_hold: Option<Duration>,
    /// How much later it may ask for the lock.
    pub(in crate::cli) jitter: Duration,
    pub(in crate::cli) max_runtime: Option<Duration>,
    pub(in crate::cli) lost_exit_code: u8,
    pub(in crate::cli) leave_descendants: bool,
    pub(in crate::cli) record_command: Recorded,
    /// How many runs the store keeps; `None` if none of ours.
    pub(in crate::cli) history: Option<u32>,
    pub(in crate::cli) command: Vec<OsString>,
    /// All the words that genlock was given.
    pub(in crate::cli) words: Vec<OsString>,
}

impl Settings {
    /// The options of the connection, where this was typed.
    pub(in crate::cli) fn connection(&self, typed: &ConnectionArgs) -> ConnectionOptions {
        let list = self.below("endpoints");
        let list = list.map(|list| list.split(',').map(str::to_owned).collect());
        ConnectionOptions {
            endpoints: list.or_else(|| typed.endpoints.clone()),
            tls: self.tls,
            cacert: self.path("cacert").or_else(|| typed.cacert.clone()),
            cert: self.path("cert").or_else(|| typed.cert.clone()),
            tls_key: self.path("key").or_else(|| typed.tls_key.clone()),
            insecure_skip_tls_verify: self
                .flag("insecure-skip-tls-verify")
                .unwrap_or(typed.insecure_skip_tls_verify),
            user: self
                .below(USER)
                .map(str::to_owned)
                .or_else(|| typed.user.clone()),
            password: self.below(PASSWORD).map(str::to_owned),
            password_file: self
                .path(PASSWORD_FILE)
                .or_else(|| typed.password_file.clone()),
            dial_timeout: self.duration("dial-timeout").or(typed.dial_timeout),
            command_timeout: self.duration("command-timeout").or(typed.command_timeout),
        }
    }

    /// The times, where these were typed.
    pub(in crate::cli) fn times(&self, typed: &TimesArgs) -> TimesOptions {
        TimesOptions {
            ttl: self.ttl(&typed.ttl),
            kill_after: self.duration("kill-after").or(typed.grace.kill_after),
        }
    }

    /// The TTL, where this was typed.
    pub(in crate::cli) fn ttl(&self, typed: &TtlArgs) -> Duration {
        self.duration("ttl").unwrap_or(typed.ttl)
    }

    /// How many runs the store keeps; `None` if none of ours.
    pub(in crate::cli) fn history(&self, typed: &KeptRunsArgs) -> Option<u32> {
        let keep = self.count(HISTORY).or(typed.history);
        keep.filter(|&keep| keep > 0)
    }

    /// The options of `run`, where these were typed, in `words`.
    ///
    /// # Errors
    /// As [`Settings::notes`] and [`Once::of`].
    pub(in crate::cli) fn run(
        &self,
        typed: RunArgs,
        words: &[OsString],
    ) -> anyhow::Result<RunOptions> {
        let TimesOptions { ttl, kill_after } = self.times(&typed.times);
        let recorded = self.below("record-command");
        let recorded = recorded.and_then(|text| keys::recorded(text).ok());
        let recorded = recorded.unwrap_or(typed.record_command);
        let is_hidden = self.flag(FORMER).unwrap_or(typed.no_record_command);
        let lock = LockOptions {
            key: typed.key,
            around: None,
            asked: typed.modes.into(),
            limit: typed.patience.limit(),
            conflict_exit_code: typed.patience.conflict_exit_code,
            ttl,
            kill_after,
            no_renew: typed.no_renew,
            retry_interval: self
                .duration("retry-interval")
                .unwrap_or(typed.retry_interval),
            notes: self.notes(typed.labels)?,
            once: Once::of(typed.once)?,
            quiet: typed.output.quiet,
            verbose: typed.output.verbose,
            connection: self.connection(&typed.connection),
        };
        Ok(RunOptions {
            lock,
            min_hold: typed.min_hold,
            jitter: self.duration("jitter").unwrap_or(typed.jitter),
            max_runtime: typed.of_command.max_runtime,
            lost_exit_code: typed.of_command.lost_exit_code,
            leave_descendants: typed.of_command.leave_descendants,
            record_command: if is_hidden { Recorded::None } else { recorded },
            history: self.history(&typed.kept_runs),
            command: typed.command,
            words: words.to_vec(),
        })
    }

    /// The value that replaces clap's, because neither the option nor its GENLOCK_ variable is set.
    pub(super) fn below(&self, key: &str) -> Option<&str> {
        let value = self.values.get(key).filter(|_| self.below.contains(key))?;
        value.to_str()
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let path = self.values.get(key).filter(|_| self.below.contains(key))?;
        Some(path.into())
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        Some(self.below(key)? == "true")
    }

    /// A value that is no number was refused when it was read.
    fn count(&self, name: &str) -> Option<u32> {
        match KEYS.iter().find(|key| key.name == name)?.kind {
            ValueKind::Count(parse) => parse(self.below(name)?).ok(),
            _ => None,
        }
    }

    /// A value that is no duration was refused when it was read.
    pub(in crate::cli) fn duration(&self, name: &str) -> Option<Duration> {
        match KEYS.iter().find(|key| key.name == name)?.kind {
            ValueKind::Duration(parse) => parse(self.below(name)?).ok(),
            _ => None,
        }
    }
}
