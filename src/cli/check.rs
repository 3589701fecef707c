//! `genlock check`: is the lock under which this command runs still held? To be asked before a step that
//! cannot be undone.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use serde::Serialize;

use super::args::ConnectionArgs;
use super::environment::Around;
use super::operate::{operate, print, print_json};
use super::question::{self, Answer};
use super::settings::Settings;
use super::times::Usage;
use super::{help, times};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::operator::Remaining;
use crate::stderr;

/// In a command that genlock runs: ask whether the lock is still held for it.
///
/// Prints the seconds that are left if nothing is renewed any more, and exits with 0; with 80 if
/// the lock is not ours any more.
#[derive(Args)]
#[command(before_help = help::CHECK_EXAMPLES, after_long_help = help::check())]
pub(super) struct CheckArgs {
    /// Exit with 75 if less than this is left
    #[arg(long, value_name = "DURATION", value_parser = times::parse)]
    at_least: Option<Duration>,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Print nothing; the status tells
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    key: &'a str,
    token: u64,
    held: bool,
    /// Seconds; null if the lock does not expire.
    left: Option<f64>,
}

/// Asks the genlock under which we run, and tells what it answers; `None` if this is another verb, or it
/// does not answer. That comes before the settings are read: the command may lack what they need, such as
/// the password.
pub(super) fn ask_around(given: &ArgMatches) -> anyhow::Result<Option<Exit>> {
    let Some(("check", given)) = given.subcommand() else {
        return Ok(None);
    };
    let options = CheckArgs::from_arg_matches(given)?;
    let Some(around) = Around::us() else {
        return Ok(None);
    };
    let left = match question::ask(&around, None) {
        Some(Answer::Nothing | Answer::TakenAway(_)) => Remaining::Nothing,
        Some(Answer::AtLeast(left)) => Remaining::AtLeast(left),
        Some(Answer::NoEnd) => Remaining::NoEnd,
        Some(Answer::Failed { status, text }) => {
            stderr::complain(format_args!("{text}"));
            return Ok(Some(Exit::Status(status)));
        }
        Some(Answer::Done) | None => return Ok(None),
    };
    options.tell(&around, left).map(Some)
}

/// Runs the verb where no genlock has answered: asks the store itself.
pub(super) fn run(options: &CheckArgs, settings: &Settings) -> anyhow::Result<Exit> {
    let Some(around) = Around::us() else {
        return Err(Usage::new(
            "check: there is no lock around this ($GENLOCK_HELD_KEY): \
             it is for a command that `genlock run` runs, or after `genlock acquire`",
        )
        .into());
    };
    let connection = settings.connection(&options.connection);
    operate(connection, async |store| {
        let left = store.left(&around.owner_key, around.token).await?;
        options.tell(&around, left)
    })
}

impl CheckArgs {
    fn tell(&self, around: &Around, left: Remaining) -> anyhow::Result<Exit> {
        let key = describe::escape(&around.key);
        let held = left != Remaining::Nothing;
        let seconds = match left {
            Remaining::AtLeast(left) => Some((left.as_secs_f64() * 1000.0).floor() / 1000.0),
            Remaining::Nothing => Some(0.0),
            Remaining::NoEnd => None,
        };
        if self.json {
            print_json(&Report {
                key: &around.key,
                token: around.token,
                held,
                left: seconds,
            })?;
        } else if !self.quiet && held {
            let shown = seconds.map(|seconds| seconds.floor().to_string());
            print(&format!("{}\n", shown.as_deref().unwrap_or("unlimited")))?;
        }
        if !held {
            let token = around.token;
            stderr::complain(format_args!(
                "{key}: the lock is not ours any more (token {token})"
            ));
            return Ok(Exit::Status(exit::LOST));
        }
        match (left, self.at_least) {
            (Remaining::AtLeast(left), Some(wanted)) if left < wanted => {
                let (left, wanted) = (describe::duration(left), describe::duration(wanted));
                stderr::complain(format_args!(
                    "{key}: {left} are left, less than {wanted}: take a longer --ttl"
                ));
                Ok(Exit::Status(exit::NOT_ACQUIRED))
            }
            _ => Ok(Exit::Status(0)),
        }
    }
}
