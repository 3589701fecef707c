//! `genlock acquire`: take the lock, and leave a process that keeps it for the steps that follow.

mod caller;
mod keeper;
mod letting_go;
mod notify;
mod output;
mod unkept;
mod whom;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::args::{ConnectionArgs, KeptRunsArgs, PatienceArgs, TtlArgs};
use super::labels::LabelArgs;
use super::locking::{self, Keeping, Locking};
use super::modes::{self, ModeArgs};
use super::operate::{block_on, print};
use super::report::{ReportArgs, Reporter};
use super::settings::{ConnectionOptions, LockOptions, Settings};
use super::store::Store;
use super::{help, times};
use crate::exit::Exit;
use crate::locker::{Capability, PastRun};
use crate::stderr;
use crate::supervise::detached::{self, GivenDescriptors, Side};
use crate::supervise::followed::FollowedProcess;
use caller::Caller;
use output::Form;
use whom::KeptFor;

/// How long the lock is kept at most, if nobody says.
pub(super) const KEPT: Duration = Duration::from_secs(12 * 60 * 60);

/// What the holder's record says in place of a command.
const RECORDED: &str = "genlock acquire";

/// Take the lock KEY, and keep it for the steps that follow.
///
/// A keeper is left behind, which renews the lock for as long as the process of --pid lives. What is
/// printed are the variables by which genlock run --held, check, renew and release find it. The keeper
/// stops no command: only what runs under genlock run --held is stopped in time if the lock is lost.
#[derive(Args)]
#[command(before_help = help::ACQUIRE_EXAMPLES, after_long_help = help::acquire())]
pub(super) struct AcquireArgs {
    #[command(flatten)]
    patience: PatienceArgs,

    #[command(flatten)]
    modes: ModeArgs,

    #[command(flatten)]
    ttl: TtlArgs,

    /// Hold it while this process lives
    ///
    /// Its number; or parent, who runs genlock: the script; or none, which leaves no
    /// keeper: the store keeps the lock for the time of --for, and genlock renew extends that. Default: parent.
    #[arg(long, value_name = "PID", value_parser = whom::parse)]
    pid: Option<KeptFor>,

    /// Hold it for so long at most
    ///
    /// Default: 12h. With --pid none it has to be said.
    #[arg(long = "for", id = "for", value_name = "DURATION", value_parser = times::parse_pause)]
    for_: Option<Duration>,

    /// Stay in front, and keep the lock until a signal comes
    ///
    /// For a unit of a service manager (Type=notify). Without --pid and --for there is no other end.
    #[arg(hide_short_help = true, long)]
    foreground: bool,

    /// Print lines that a shell evaluates
    ///
    /// Of bash, dash, zsh and fish.
    #[arg(long, conflicts_with = "json")]
    export: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    kept_runs: KeptRunsArgs,

    #[command(flatten)]
    labels: LabelArgs,

    #[command(flatten)]
    _report: ReportArgs,

    /// Say nothing of waiting, nor who holds the lock
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Say what happens; twice: renewals too
    #[arg(hide_short_help = true, short, long, action = clap::ArgAction::Count)]
    verbose: u8,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is to be acquired, and for whom it is kept.
struct AcquireOptions {
    lock: LockOptions,
    /// How long it is kept; `None` without end.
    time: Option<Duration>,
    form: Form,
    foreground: bool,
    /// How many runs the store keeps; `None` if none of ours.
    history: Option<u32>,
}

/// Runs the verb; `words` are what genlock was given.
pub(super) fn run(
    typed: AcquireArgs,
    settings: &Settings,
    words: &[OsString],
    reporter: &Reporter,
) -> anyhow::Result<Exit> {
    let life = typed.pid;
    let options = typed.resolved(settings)?;
    let mut store = locking::store(&options.lock, settings)?;
    options.form.check(&options.lock.key)?;
    if options.history.is_some() {
        let able = store.kind.capabilities;
        able.check(&options.lock.key, Capability::History)?;
    }
    if life == Some(KeptFor::None) {
        let able = store.kind.capabilities;
        modes::check_min_hold(&options.lock.asked, "--pid none")?;
        able.check(&options.lock.key, Capability::MinHold)?;
        reporter.places().leave_to_store()?;
        return block_on(unkept::acquire(&options, store, reporter))?;
    }
    if options.foreground {
        let followed = life.map(|_| whom::followed(life, words)).transpose()?;
        return block_on(keeper::acquire(&options, store, followed, None, reporter))?;
    }
    let given = GivenDescriptors::now();
    let followed = Some(whom::followed(life, words)?);
    reporter.places().leave_caller()?;
    // The keeper leaves the directory of its caller.
    let lock = &options.lock;
    store = Store::of(&anchored(&lock.connection, &store)?)?;
    // The copy of a process that has other threads cannot do much (fork(2)).
    stderr::finish();
    match detached::fork(given).context("cannot start the keeper")? {
        Side::Caller(child, socket) => {
            reporter.leave();
            caller::relay(&child, socket)
        }
        Side::Detached(detached, socket) => block_on(async {
            let caller = Caller::new(detached, socket)?;
            keeper::acquire(&options, store, followed, Some(caller), reporter).await
        })?,
    }
}

/// Under --export: has the shell that evaluates what is printed fail as genlock does, since `eval` of nothing
/// is a success, and the script would go on without the lock.
pub(super) fn say_failure(words: &[OsString], exit: Exit) {
    let is_export = words.first().is_some_and(|verb| verb == "acquire")
        && words.iter().any(|word| word == "--export");
    if is_export && exit != Exit::Status(0) && !detached::is_detached() {
        // It fails if nobody reads it, and then nobody evaluates it.
        let _ = print(&format!("sh -c 'exit {}';\n", exit.status()));
    }
}

impl AcquireArgs {
    fn resolved(self, settings: &Settings) -> anyhow::Result<AcquireOptions> {
        let is_kept = self.pid != Some(KeptFor::None);
        if self.for_.is_none() && !is_kept {
            return Err(times::Usage::new(
                "--pid none: say for how long the store keeps the lock, as in --for 45m",
            )
            .into());
        }
        let endless = self.foreground && is_kept;
        let form = match (self.export, self.json) {
            (true, _) => Form::Export,
            (_, true) => Form::Json,
            _ => Form::Dotenv,
        };
        Ok(AcquireOptions {
            time: self.for_.or((!endless).then_some(KEPT)),
            form,
            foreground: self.foreground,
            history: settings.history(&self.kept_runs),
            lock: LockOptions {
                around: None,
                key: self.key,
                asked: self.modes.into(),
                limit: self.patience.limit(),
                conflict_exit_code: self.patience.conflict_exit_code,
                ttl: settings.ttl(&self.ttl),
                kill_after: None,
                no_renew: false,
                retry_interval: crate::Options::default().retry_interval,
                notes: settings.notes(self.labels)?,
                once: None,
                quiet: self.quiet,
                verbose: self.verbose,
                connection: settings.connection(&self.connection),
            },
        })
    }
}

impl AcquireOptions {
    /// Begins to write that the lock is held, where the store is to keep that.
    fn begin(&self, locking: &Locking<'_>, reporter: &Reporter) -> Option<Keeping> {
        let report = reporter.account().so_far();
        let run = PastRun::new(report, locking.holder().clone()).that_keeps();
        let begin = |keep| Keeping::begin(locking.store(), run, keep);
        self.history.map(begin)
    }

    /// Opens the lock, which sends nothing yet.
    fn open(&self, store: Store, reporter: &Reporter) -> crate::Result<Locking<'_>> {
        reporter.account().begin(None, Duration::ZERO);
        Locking::open(
            &self.lock,
            store,
            Duration::ZERO,
            RECORDED.to_owned(),
            reporter.reader(),
        )
    }
}

/// The same connection, from any directory: its files are read anew whenever a connection is made.
fn anchored(connection: &ConnectionOptions, store: &Store) -> anyhow::Result<ConnectionOptions> {
    let path = |path: &Option<PathBuf>| {
        let path = path.as_deref().map(|path: &Path| std::path::absolute(path));
        path.transpose()
            .context("cannot tell the working directory")
    };
    let endpoints = store.endpoints();
    Ok(ConnectionOptions {
        endpoints: Some(endpoints.split(',').map(str::to_owned).collect()),
        cacert: path(&connection.cacert)?,
        cert: path(&connection.cert)?,
        tls_key: path(&connection.tls_key)?,
        password_file: path(&connection.password_file)?,
        user: connection.user.clone(),
        password: connection.password.clone(),
        ..*connection
    })
}
