//! `genlock run --held`: runs a command under the lock that is held around it, and takes none. The words of
//! such a run have a definition of their own, without KEY and the options of a lock.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, CommandFactory, Subcommand, ValueHint};

use super::args::{CommandArgs, ConnectionArgs, GraceArgs, OutputArgs, Recorded};
use super::environment::Around;
use super::labels::Notes;
use super::modes::ModeOptions;
use super::report::ReportArgs;
use super::settings::{LockOptions, RunOptions, Settings};
use super::times::Usage;
use super::{Cli, OnlyRun, help, is_run, read};
use crate::exit;
use crate::locker::{Options, grace};

/// How long the command may take to end, unless it is said, however long the TTL is.
const LONGEST_GRACE: Duration = Duration::from_secs(10);

/// The verb `run` in this form.
#[derive(Subcommand)]
pub(super) enum OnlyHeld {
    Run(Box<HeldArgs>),
}

/// Run COMMAND under the lock that is held around it.
///
/// $GENLOCK_HELD_KEY and its like say which lock it is. It is neither taken nor released. If it is
/// not ours any more COMMAND is not started; if it is being lost COMMAND is told SIGTERM in time,
/// then SIGKILL, so that it is gone before anyone else can hold the lock: 80.
#[derive(Args)]
#[command(before_help = help::HELD_EXAMPLES, after_long_help = help::held())]
pub(super) struct HeldArgs {
    /// The lock is held already: none is taken, and none released
    #[arg(long = "held", id = "held", required = true)]
    _held: bool,

    #[command(flatten)]
    grace: GraceArgs,

    #[command(flatten)]
    of_command: CommandArgs,

    #[command(flatten)]
    _report: ReportArgs,

    #[command(flatten)]
    output: OutputArgs,

    /// The command and its arguments, without quotes
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    command: Vec<OsString>,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Whether these are the words of such a run: the option stands among those before KEY. Behind that it
/// may be the command's.
pub(super) fn is_held(words: &[OsString]) -> bool {
    let at = words.iter().position(|word| word == "--held");
    let Some(at) = at.filter(|_| is_run(words)) else {
        return false;
    };
    let mut command = Cli::<OnlyRun>::command().ignore_errors(true);
    let given = read(&mut command, &words[..=at]);
    given.is_ok_and(|given| {
        let run = given.subcommand();
        run.is_some_and(|(_, run)| run.get_flag("held") && !run.contains_id("key"))
    })
}

impl Settings {
    /// The options of `run --held`, where these were typed, in `words`.
    ///
    /// # Errors
    /// There is no lock around us.
    pub(super) fn held(&self, typed: HeldArgs, words: &[OsString]) -> anyhow::Result<RunOptions> {
        let around = Around::us().ok_or_else(|| {
            Usage::new(
                "run --held: there is no lock around this ($GENLOCK_HELD_KEY): \
                 `genlock acquire` and `genlock run` hold one",
            )
        })?;
        // Where locks do not expire it says nothing.
        let ttl = around.ttl.unwrap_or(Options::default().ttl);
        let said = self.duration("kill-after").or(typed.grace.kill_after);
        let lock = LockOptions {
            key: around.key.clone(),
            asked: ModeOptions::default(),
            limit: None,
            conflict_exit_code: exit::NOT_ACQUIRED,
            ttl,
            kill_after: said.or(Some(grace(ttl, None).min(LONGEST_GRACE))),
            // Without a process that answers for the lock nobody renews it.
            no_renew: around.socket.is_none(),
            retry_interval: self
                .duration("retry-interval")
                .unwrap_or(Options::default().retry_interval),
            around: Some(around),
            notes: Notes::default(),
            once: None,
            quiet: typed.output.quiet,
            verbose: typed.output.verbose,
            connection: self.connection(&typed.connection),
        };
        Ok(RunOptions {
            lock,
            min_hold: None,
            jitter: Duration::ZERO,
            max_runtime: typed.of_command.max_runtime,
            lost_exit_code: typed.of_command.lost_exit_code,
            leave_descendants: typed.of_command.leave_descendants,
            record_command: Recorded::None,
            history: None,
            command: typed.command,
            words: words.to_vec(),
        })
    }
}
