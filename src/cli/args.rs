//! The options of `run`, and those that verbs have in common, as clap reads them from the command line
//! and from GENLOCK_ variables. etcdctl's variables and the configuration, which come below these, are
//! added in `settings`.

mod command;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum, ValueHint};

use super::labels::LabelArgs;
use super::modes::ModeArgs;
use super::once::OnceArgs;
use super::report::ReportArgs;
use super::{help, jitter, numbers, times};
use crate::exit;
pub(super) use command::{CommandArgs, GraceArgs, OutputArgs};

/// The heading of the options that have a page of their own, `genlock help connection`.
pub(super) const CONNECTION: &str = "Connection";

/// Take the lock KEY, run COMMAND, release the lock.
///
/// The lock covers the command and what it starts: what it leaves behind is stopped before the
/// release. If the lock is being lost the command is told SIGTERM in time, then SIGKILL, so that
/// it is gone before anyone else can hold the lock. COMMAND finds the fencing token in
/// $GENLOCK_HELD_TOKEN.
#[derive(Args)]
#[command(before_help = help::RUN_EXAMPLES)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) patience: PatienceArgs,

    #[command(flatten)]
    pub(super) modes: ModeArgs,

    #[command(flatten)]
    pub(super) times: TimesArgs,

    #[command(flatten)]
    pub(super) of_command: CommandArgs,

    /// Hold the lock for at least so long, counted from when it was acquired
    ///
    /// Also if the command ends earlier, well or not: genlock ends with it, and the store keeps the lock
    /// for the rest. If the host dies the lock is free at the TTL. genlock break ends it.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "DURATION",
        value_parser = times::parse_pause,
        env = "GENLOCK_MIN_HOLD"
    )]
    pub(super) min_hold: Option<Duration>,

    /// Ask for the lock up to so much later, at most a day
    ///
    /// How much is always the same for this host and KEY. Where every host would then run in turn it is
    /// refused: it is for --once, --once-per, --min-hold of at least as much, and for locks of this host
    /// (file:). In the configuration it counts for whichever runs can have it. The time of --wait begins
    /// afterwards.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "DURATION",
        default_value = "0s",
        hide_default_value = true,
        value_parser = jitter::parse,
        env = "GENLOCK_JITTER"
    )]
    pub(super) jitter: Duration,

    #[command(flatten)]
    pub(super) once: OnceArgs,

    /// Do not renew the lock: it, and with it the command, ends at the TTL
    #[arg(hide_short_help = true, long)]
    pub(super) no_renew: bool,

    /// The pause between attempts where a store must be polled, and before a reconnect
    #[arg(
        hide_short_help = true,
        long,
        value_name = "DURATION",
        default_value = "100ms",
        value_parser = times::parse_pause,
        env = "GENLOCK_RETRY_INTERVAL"
    )]
    pub(super) retry_interval: Duration,

    /// What of the command others see in the holder's record
    ///
    /// All of it, its name without arguments, or nothing. Whoever can read the store can read the
    /// record: host, user, process number and command, with a password that is among its arguments.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "WHAT",
        default_value = "full",
        env = "GENLOCK_RECORD_COMMAND"
    )]
    pub(super) record_command: Recorded,

    #[command(flatten)]
    pub(super) kept_runs: KeptRunsArgs,

    /// What --record-command none was called first.
    #[arg(
        long,
        hide = true,
        env = "GENLOCK_NO_RECORD_COMMAND",
        value_parser = FalseyValueParser::new()
    )]
    pub(super) no_record_command: bool,

    #[command(flatten)]
    pub(super) labels: LabelArgs,

    #[command(flatten)]
    pub(super) report: ReportArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,

    /// Run COMMAND under the lock that is held around it: no KEY, no option of the lock
    ///
    /// For the steps of a pipeline: $GENLOCK_HELD_KEY and its like say which lock it is. It is neither
    /// taken nor released here. A lock that is not ours any more stops COMMAND, or it is not started: 80.
    #[arg(hide_short_help = true, long)]
    pub(super) held: bool,

    /// The lock's name, such as /locks/backup
    #[arg(value_name = "KEY")]
    pub(super) key: String,

    /// The command and its arguments, without quotes
    ///
    /// No `--` is needed before them.
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    pub(super) command: Vec<OsString>,

    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
}

/// What is kept of a run when it is over.
#[derive(Args)]
pub(super) struct KeptRunsArgs {
    /// Keep the last N runs in the store, for genlock history
    ///
    /// When and where each came, how long it waited and held, and how it ended. 0 keeps none, which is
    /// the default. It costs a request when the lock is held, and one along with the release.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "N",
        value_parser = numbers::kept,
        env = "GENLOCK_HISTORY"
    )]
    pub(super) history: Option<u32>,
}

/// How long to wait for the lock, and the status when it was not acquired.
#[derive(Args)]
pub(super) struct PatienceArgs {
    /// Do not wait: exit with 75 if another holds it
    #[arg(short = 'n', long = "try")]
    pub(super) try_: bool,

    /// Wait this long at most, then exit with 75
    ///
    /// 0 is --try. Default: wait until the lock is held.
    #[arg(short, long, value_name = "DURATION", value_parser = times::parse, env = "GENLOCK_WAIT")]
    pub(super) wait: Option<Duration>,

    /// The status when it was not acquired, not 75
    ///
    /// 0 is allowed.
    #[arg(
        short = 'E',
        long,
        value_name = "N",
        default_value_t = exit::NOT_ACQUIRED,
        value_parser = numbers::status,
        env = "GENLOCK_CONFLICT_EXIT_CODE"
    )]
    pub(super) conflict_exit_code: u8,
}

impl PatienceArgs {
    /// How long to wait at most: zero is not to wait at all, `None` without end.
    pub(super) fn limit(&self) -> Option<Duration> {
        // --try beats a --wait, which may come from the environment.
        if self.try_ {
            Some(Duration::ZERO)
        } else {
            self.wait
        }
    }
}

/// How long the lock and its command last: what `run` goes by and `doctor` judges.
#[derive(Args)]
pub(super) struct TimesArgs {
    #[command(flatten)]
    pub(super) ttl: TtlArgs,

    #[command(flatten)]
    pub(super) grace: GraceArgs,
}

/// The lock's TTL.
#[derive(Args)]
pub(super) struct TtlArgs {
    /// How long the store keeps it without us
    ///
    /// The lock is renewed at every third of it; the store lets go of it when it has not heard of us
    /// for so long. The store may grant more.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = times::parse_ttl,
        env = "GENLOCK_TTL"
    )]
    pub(super) ttl: Duration,
}

/// What a holder's record says of the command.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Recorded {
    Full,
    Name,
    None,
}

/// Where the lock is. Each option has a GENLOCK_ variable, and where etcdctl has one an ETCDCTL_
/// variable, which counts where neither is given; then the configuration does.
#[derive(Args, Clone)]
#[command(next_help_heading = CONNECTION)]
pub(super) struct ConnectionArgs {
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        env = "GENLOCK_ENDPOINTS"
    )]
    pub(super) endpoints: Option<Vec<String>>,

    /// The authority that signed the servers' certificates, PEM. Default: the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CACERT")]
    pub(super) cacert: Option<PathBuf>,

    /// Our certificate, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CERT")]
    pub(super) cert: Option<PathBuf>,

    /// The key of our certificate, PEM
    #[arg(
        long = "key",
        id = "tls_key",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_KEY"
    )]
    pub(super) tls_key: Option<PathBuf>,

    /// Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In
    /// $GENLOCK_USER it may be NAME:PASSWORD
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,

    /// The file whose first line is the password. It may be readable by nobody else (chmod 600); one
    /// of root's or another user's also by its group
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_PASSWORD_FILE"
    )]
    pub(super) password_file: Option<PathBuf>,

    /// Do not check who the server is. Anyone on the way can then take its place
    #[arg(
        long,
        value_parser = FalseyValueParser::new(),
        env = "GENLOCK_INSECURE_SKIP_TLS_VERIFY"
    )]
    pub(super) insecure_skip_tls_verify: bool,

    /// How long to try to reach the store, if it gives no sign of life. Default: 2s
    #[arg(long, value_name = "DURATION", value_parser = times::parse_pause, env = "GENLOCK_DIAL_TIMEOUT")]
    pub(super) dial_timeout: Option<Duration>,

    /// How long one request to the store may take. Default: 5s
    #[arg(long, value_name = "DURATION", value_parser = times::parse_pause, env = "GENLOCK_COMMAND_TIMEOUT")]
    pub(super) command_timeout: Option<Duration>,

    /// The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say
    /// /etc/genlock/config.toml
    // Read before the rest: see settings.rs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CONFIG")]
    pub(super) config: Option<PathBuf>,
}
