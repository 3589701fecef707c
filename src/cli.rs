//! Every option of the command line, once: help, man pages and completions come from here.

mod check;
mod doctor;
mod environment;
mod help;
mod ls;
mod operate;
mod quoting;
mod refusal;
mod release;
mod run;
mod settings;
mod status;
mod store;
mod times;
mod view;
mod wait;
mod watch;

use std::ffi::{OsString, c_char, c_int};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{
    ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand,
    ValueHint,
};

use crate::describe;
use crate::exit::{self, Exit};
use crate::supervise::{self, Forked, signals};
use settings::Settings;

/// Runs a command while holding a distributed lock, and stops it before anyone else can hold it.
#[derive(Parser)]
#[command(
    name = "genlock",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_long_help = help::genlock()
)]
struct Cli<V: Subcommand> {
    #[command(subcommand)]
    verb: V,
}

#[derive(Subcommand)]
enum Verb {
    Run(Box<Run>),
    Status(status::Status),
    Ls(ls::Ls),
    Watch(watch::Watch),
    Wait(wait::Wait),
    Check(check::Check),
    Release(release::Release),
    Doctor(Box<doctor::Doctor>),
}

/// The verb of most runs, alone.
#[derive(Subcommand)]
enum OnlyRun {
    Run(Box<Run>),
}

/// Take the lock KEY, run COMMAND, release the lock.
///
/// The lock covers the command and what it starts: what it leaves behind is stopped before the
/// release. If the lock is being lost the command is told SIGTERM in time, then SIGKILL, so that
/// it is gone before anyone else can hold the lock. COMMAND finds the fencing token in
/// $GENLOCK_HELD_TOKEN.
#[derive(Args)]
#[command(after_help = help::RUN_SHORT, after_long_help = help::run())]
struct Run {
    /// Do not wait: if another holds the lock, exit with 75
    #[arg(short = 'n', long = "try")]
    try_: bool,

    /// Wait this long at most, then exit with 75; 0 is --try. Default: wait until the lock is held
    #[arg(short, long, value_name = "DURATION", value_parser = times::parse, env = "GENLOCK_WAIT")]
    wait: Option<Duration>,

    /// The status when the lock was not acquired, in place of 75; 0 is allowed
    #[arg(
        short = 'E',
        long,
        value_name = "N",
        default_value_t = exit::NOT_ACQUIRED,
        env = "GENLOCK_CONFLICT_EXIT_CODE"
    )]
    conflict_exit_code: u8,

    /// How long the store keeps the lock when it does not hear of us; etcd may grant more
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = times::parse,
        env = "GENLOCK_TTL"
    )]
    ttl: Duration,

    /// From SIGTERM to SIGKILL when the command is stopped. Default: a fifth of the TTL
    #[arg(short, long, value_name = "DURATION", value_parser = times::parse, env = "GENLOCK_KILL_AFTER")]
    kill_after: Option<Duration>,

    /// Stop the command after this time, counted from its start, and exit with 124
    #[arg(long, value_name = "DURATION", value_parser = times::parse, env = "GENLOCK_MAX_RUNTIME")]
    max_runtime: Option<Duration>,

    /// Do not renew the lock: it, and with it the command, ends at the TTL
    #[arg(long)]
    no_renew: bool,

    /// The pause between attempts where a store must be polled, and before a reconnect
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "100ms",
        value_parser = times::parse_pause,
        env = "GENLOCK_RETRY_INTERVAL"
    )]
    retry_interval: Duration,

    /// The status when the lock was lost and the command stopped; never 0
    #[arg(
        long,
        value_name = "N",
        default_value_t = exit::LOST,
        value_parser = clap::value_parser!(u8).range(1..),
        env = "GENLOCK_LOST_EXIT_CODE"
    )]
    lost_exit_code: u8,

    /// Leave the processes that the command leaves behind: for one that starts a daemon on purpose
    #[arg(long)]
    leave_descendants: bool,

    /// Do not show the command to others in the holder's record
    #[arg(long, env = "GENLOCK_NO_RECORD_COMMAND", value_parser = FalseyValueParser::new())]
    no_record_command: bool,

    /// Say nothing of waiting, nor who holds the lock
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Say when the lock is held and released, and of trouble with the store; twice: renewals too
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// The lock's name, such as /locks/backup
    #[arg(value_name = "KEY")]
    key: String,

    /// The command and its arguments; no `--` is needed before them
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    command: Vec<OsString>,

    #[command(flatten)]
    connection: Connection,

    /// All that genlock was given.
    #[arg(skip)]
    words: Vec<OsString>,
}

/// Where the lock is. Each option has a GENLOCK_ variable, and where etcdctl has one an ETCDCTL_
/// variable, which counts where neither is given; then the configuration does.
#[derive(Args, Clone)]
#[command(next_help_heading = "Connection")]
struct Connection {
    /// The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between;
    /// file:DIR, or file: for /run/lock/genlock, for this host alone. Default: 127.0.0.1:2379
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        env = "GENLOCK_ENDPOINTS"
    )]
    endpoints: Option<Vec<String>>,

    /// The authority that signed the servers' certificates, PEM. Default: the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CACERT")]
    cacert: Option<PathBuf>,

    /// Our certificate, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CERT")]
    cert: Option<PathBuf>,

    /// The key of our certificate, PEM
    #[arg(
        long = "key",
        id = "tls_key",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_KEY"
    )]
    tls_key: Option<PathBuf>,

    /// Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In
    /// $GENLOCK_USER it may be NAME:PASSWORD
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// The file whose first line is the password
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_PASSWORD_FILE"
    )]
    password_file: Option<PathBuf>,

    /// Do not check who the server is. Anyone on the way can then take its place
    #[arg(
        long,
        value_parser = FalseyValueParser::new(),
        env = "GENLOCK_INSECURE_SKIP_TLS_VERIFY"
    )]
    insecure_skip_tls_verify: bool,

    /// How long to try to reach the store, if it gives no sign of life. Default: 2s
    #[arg(long, value_name = "DURATION", value_parser = times::parse_pause, env = "GENLOCK_DIAL_TIMEOUT")]
    dial_timeout: Option<Duration>,

    /// How long one request to the store may take. Default: 5s
    #[arg(long, value_name = "DURATION", value_parser = times::parse_pause, env = "GENLOCK_COMMAND_TIMEOUT")]
    command_timeout: Option<Duration>,

    /// The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say
    /// /etc/genlock/config.toml
    // Read before the rest: see settings.rs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "GENLOCK_CONFIG")]
    config: Option<PathBuf>,
}

impl Connection {
    /// Takes this list in place of any other.
    fn set_endpoints(&mut self, list: &str) {
        self.endpoints = Some(list.split(',').map(str::to_owned).collect());
    }
}

/// The definition of the command line, for what is generated from it.
pub fn command() -> Command {
    Cli::<Verb>::command()
}

/// As much of the definition as these words need: all of it takes longer to make than a lock on
/// this host takes.
fn command_for(words: &[OsString]) -> Command {
    if is_run(words) {
        Cli::<OnlyRun>::command()
    } else {
        command()
    }
}

/// Whether these are the words of a run: nothing stands before a verb.
fn is_run(words: &[OsString]) -> bool {
    words.first().is_some_and(|verb| verb == "run")
}

/// Runs the tool, and gives its status. It does for itself what it needs of Rust's runtime.
///
/// # Safety
/// These must be the arguments of `main`, and this the first call in it.
pub unsafe fn main(count: c_int, words: *const *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let words = unsafe { supervise::arguments(count, words) };
    supervise::enter();
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.to_string().replace('\n', " ");
        describe::complain(format_args!("an error in genlock itself: {what}"));
    }));
    let status = std::panic::catch_unwind(|| status(&words)).unwrap_or(exit::INTERNAL);
    // Whoever closed it is told by no status of ours.
    let _ = io::stdout().flush();
    status.into()
}

/// Does what the words say, and gives the status.
fn status(words: &[OsString]) -> u8 {
    // First of all, while there is one thread and little that fork(2) has to copy.
    let watchdog = is_run(words).then(|| run::fork(words));
    let exit = match refusal::parse(words) {
        Ok((command, given)) => run(words, &command, given, watchdog),
        Err(exit) => Ok(exit),
    };
    let exit = exit.unwrap_or_else(|error| {
        let (exit, message) = judge(&error);
        describe::complain(format_args!("{message}"));
        exit
    });
    match exit {
        Exit::Status(_) => {}
        Exit::Signal(signal) => signals::die_by(signal),
        Exit::Interrupt(signal) => signals::die_with_group(signal),
    }
    exit.status()
}

/// Runs the verb. If the configuration says more than the command line, of which the latter has
/// told where it is, that is read once more on top of it.
fn run(
    words: &[OsString],
    command: &Command,
    mut given: ArgMatches,
    watchdog: Option<io::Result<Forked>>,
) -> anyhow::Result<Exit> {
    let settings = Settings::read(command, &given)?;
    let usage = |error| times::Usage::new(refusal::one_line(&error));
    if settings.say_more() {
        let mut command =
            settings.as_defaults(settings::without_empty_variables(command_for(words)));
        given = refusal::read(&mut command, words).map_err(usage)?;
    }
    let Cli { verb } = Cli::<Verb>::from_arg_matches_mut(&mut given).map_err(usage)?;
    match (verb, watchdog) {
        (Verb::Run(mut options), Some(watchdog)) => {
            options.words = words.to_vec();
            run::run(&options, &settings, watchdog)
        }
        (verb, _) => verb.run(&settings),
    }
}

impl Verb {
    fn run(&self, settings: &Settings) -> anyhow::Result<Exit> {
        match self {
            Self::Run(_) => anyhow::bail!("there is no watchdog"),
            Self::Status(options) => status::run(options, settings),
            Self::Ls(options) => ls::run(options, settings),
            Self::Watch(options) => watch::run(options, settings),
            Self::Wait(options) => wait::run(options, settings),
            Self::Check(options) => check::run(options, settings),
            Self::Release(options) => release::run(options, settings),
            Self::Doctor(options) => doctor::run(options, settings),
        }
    }
}

/// The status and the line for an error at the edge. The library's errors say all on one line.
fn judge(error: &anyhow::Error) -> (Exit, String) {
    if let Some(usage) = error.downcast_ref::<times::Usage>() {
        return (Exit::Status(exit::USAGE), usage.to_string());
    }
    match error.downcast_ref::<crate::Error>() {
        Some(error) => (Exit::of_error(error.kind()), error.to_string()),
        None => {
            let causes = error.chain().map(|cause| match cause.downcast_ref() {
                Some(error) => describe::io_error(error),
                None => cause.to_string(),
            });
            let message = causes.collect::<Vec<_>>().join(": ");
            (Exit::Status(exit::INTERNAL), message)
        }
    }
}
