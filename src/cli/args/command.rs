//! The options of the command that is run, whatever lock it runs under.

use std::time::Duration;

use clap::{ArgAction, Args};

use crate::cli::{numbers, times};
use crate::exit;

/// From SIGTERM to SIGKILL.
#[derive(Args)]
pub(in crate::cli) struct GraceArgs {
    /// From SIGTERM to SIGKILL when the command is stopped
    ///
    /// Default: a fifth of the TTL.
    #[arg(
        hide_short_help = true,
        short,
        long,
        value_name = "DURATION",
        value_parser = times::parse,
        env = "GENLOCK_KILL_AFTER"
    )]
    pub(in crate::cli) kill_after: Option<Duration>,
}

/// How the command is stopped, and what is left of it.
#[derive(Args)]
pub(in crate::cli) struct CommandArgs {
    /// Stop the command after this time; exit with 124
    ///
    /// Counted from its start.
    #[arg(long, value_name = "DURATION", value_parser = times::parse, env = "GENLOCK_MAX_RUNTIME")]
    pub(in crate::cli) max_runtime: Option<Duration>,

    /// The status when the lock was lost and the command stopped; never 0
    #[arg(
        hide_short_help = true,
        long,
        value_name = "N",
        default_value_t = exit::LOST,
        value_parser = numbers::failure,
        env = "GENLOCK_LOST_EXIT_CODE"
    )]
    pub(in crate::cli) lost_exit_code: u8,

    /// Leave the processes that the command leaves behind: for one that starts a daemon on purpose
    #[arg(hide_short_help = true, long)]
    pub(in crate::cli) leave_descendants: bool,
}

/// How much is said.
#[derive(Args)]
pub(in crate::cli) struct OutputArgs {
    /// Say nothing of waiting, nor who holds the lock
    #[arg(short, long, conflicts_with = "verbose")]
    pub(in crate::cli) quiet: bool,

    /// Say what happens; twice: renewals too
    ///
    /// When the lock is acquired and released, and of trouble with the store.
    #[arg(short, long, action = ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
}
