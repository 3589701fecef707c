//! `genlock renew`: hold the lock that `genlock acquire` left in the environment for longer.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};

use super::acquire::KEPT;
use super::args::ConnectionArgs;
use super::environment::Around;
use super::operate::operate;
use super::question::{self, Order};
use super::release::{nothing, order_exit, say_lost};
use super::settings::Settings;
use super::times::Usage;
use super::{help, times};
use crate::ErrorKind;
use crate::exit::Exit;
use crate::locker::operator::Remaining;

/// Hold the lock that genlock acquire has left in the environment for longer.
///
/// It then ends so long from now, and not when the time of its --for is over. Exits with 80 if it was
/// lost meanwhile, or released.
#[derive(Args)]
#[command(before_help = help::RENEW_EXAMPLES, after_long_help = help::renew())]
pub(super) struct RenewArgs {
    /// Hold it for so long from now
    ///
    /// Default: 12h; after genlock acquire --pid none it has to be said.
    #[arg(long = "for", id = "for", value_name = "DURATION", value_parser = times::parse_pause)]
    for_: Option<Duration>,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Asks the keeper; `None` if this is another verb, or it does not answer.
pub(super) fn ask_keeper(given: &ArgMatches) -> anyhow::Result<Option<Exit>> {
    let Some(("renew", given)) = given.subcommand() else {
        return Ok(None);
    };
    let options = RenewArgs::from_arg_matches(given)?;
    let Some(around) = Around::us() else {
        return Ok(None);
    };
    let order = Order::Extend(options.for_.unwrap_or(KEPT));
    let answer = question::ask(&around, Some(order));
    Ok(answer.and_then(|answer| order_exit(&around, answer)))
}

/// Runs the verb where no keeper has answered: the store is told.
pub(super) fn run(options: &RenewArgs, settings: &Settings) -> anyhow::Result<Exit> {
    let around = Around::us().ok_or_else(|| nothing("renew"))?;
    let time = options.for_.ok_or_else(|| {
        Usage::new(
            "renew: no keeper answers: say for how long the store keeps the lock, as in --for 45m",
        )
    })?;
    let connection = settings.connection(&options.connection);
    operate(connection, async |store| {
        let left = store.left(&around.owner_key, around.token).await?;
        if left == Remaining::Nothing {
            return Ok(say_lost(&around));
        }
        let extended = store.extend(&around.key, &around.owner_key, around.token, time);
        match extended.await {
            Ok(()) => Ok(Exit::Status(0)),
            Err(error) if error.kind() == ErrorKind::NotHeld => Ok(say_lost(&around)),
            Err(error) => Err(error.into()),
        }
    })
}
