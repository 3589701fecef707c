//! `genlock release`: let go of the lock that `genlock acquire` left in the environment.

use std::time::{Duration, SystemTime};

use clap::{ArgMatches, Args, FromArgMatches};
use tokio::time::timeout;

use super::args::ConnectionArgs;
use super::environment::Around;
use super::help;
use super::operate::operate;
use super::question::{self, Answer, Order};
use super::settings::Settings;
use super::times::Usage;
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::kind::StoreClient;
use crate::locker::operator::{Remaining, Removal};
use crate::locker::{PastRun, TakenAway};
use crate::stderr;
use crate::{Error, ErrorKind};

/// How much longer than the TTL it may take until the lock is gone when the store has told its keeper: by then
/// it is of one that lives, or of nobody.
const TOLD: Duration = Duration::from_secs(5);

/// Let go of the lock that genlock acquire has left in the environment.
///
/// Exits with 80 if it was lost meanwhile, or released before: the work may have run beside another's.
#[derive(Args)]
#[command(before_help = help::RELEASE_EXAMPLES, after_long_help = help::release())]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Asks the keeper to let go; `None` if this is another verb, or it does not answer.
pub(super) fn ask_keeper(given: &ArgMatches) -> anyhow::Result<Option<Exit>> {
    let Some(("release", given)) = given.subcommand() else {
        return Ok(None);
    };
    ReleaseArgs::from_arg_matches(given)?;
    let Some(around) = Around::us() else {
        return Ok(None);
    };
    let answer = question::ask(&around, Some(Order::Release));
    Ok(answer.and_then(|answer| order_exit(&around, answer)))
}

/// The exit for the answer to an order; `None` if it is not understood.
pub(super) fn order_exit(around: &Around, answer: Answer) -> Option<Exit> {
    match answer {
        Answer::Done => Some(Exit::Status(0)),
        Answer::Nothing | Answer::TakenAway(_) => Some(say_lost(around)),
        Answer::Failed { status, text } => {
            stderr::complain(format_args!("{text}"));
            Some(Exit::Status(status))
        }
        Answer::AtLeast(_) | Answer::NoEnd => None,
    }
}

/// Runs the verb where no keeper has answered: the store is told.
pub(super) fn run(options: &ReleaseArgs, settings: &Settings) -> anyhow::Result<Exit> {
    let around = Around::us().ok_or_else(|| nothing("release"))?;
    let connection = settings.connection(&options.connection);
    operate(connection, async |store| {
        let left = store.left(&around.owner_key, around.token).await?;
        if left == Remaining::Nothing {
            return Ok(say_lost(&around));
        }
        match let_go(store, &around).await {
            Ok(removal) => {
                if removal == Removal::Removed {
                    end_history(store, &around).await;
                }
                Ok(Exit::Status(0))
            }
            Err(error) if error.kind() == ErrorKind::NotHeld => Ok(say_lost(&around)),
            Err(error) => Err(error.into()),
        }
    })
}

/// Has the store let go of the lock. A keeper that is there does it when it is told, once nothing runs under
/// the lock; of one that is not the lock ends with its TTL. It is not taken by force: a step may be running.
async fn let_go(store: &dyn StoreClient, around: &Around) -> crate::Result<Removal> {
    let (key, token, by) = (&around.key, around.token, TakenAway::by_this_process());
    let removal = store.take_away(key, token, &by, false).await?;
    if removal == Removal::Removed {
        return Ok(removal);
    }
    let within = TOLD + around.ttl.unwrap_or_default();
    let gone = timeout(within, store.until_gone(key, token)).await;
    gone.unwrap_or_else(|_| {
        let why = "not released yet: its holder was told to, and what runs under it does not end";
        Err(Error::new(ErrorKind::Unavailable, why).of_key(key))
    })?;
    Ok(removal)
}

/// Writes the end of a lock that nobody keeps, where its beginning is in the history: who was told to let go
/// writes it himself. Whoever may not read or write that may release the lock all the same.
async fn end_history(store: &dyn StoreClient, around: &Around) {
    let runs = store.history(&around.key).await.unwrap_or_default();
    let is_it = |run: &PastRun| run.token() == around.token && run.kept && !run.is_over();
    if let Some(mut run) = runs.into_iter().find(is_it) {
        run.report.release(SystemTime::now());
        let _ = store.end(&run, &[]).await;
    }
}

/// The error where no lock is named.
pub(super) fn nothing(verb: &str) -> Usage {
    Usage::new(format!(
        "{verb}: there is no lock in the environment ($GENLOCK_HELD_KEY): \
         it is for one that genlock acquire has taken"
    ))
}

/// Says that the lock is not held, and gives the status for it.
pub(super) fn say_lost(around: &Around) -> Exit {
    let (key, token) = (describe::escape(&around.key), around.token);
    stderr::complain(format_args!(
        "{key}: the lock is not ours any more (token {token}): it was lost, or released before"
    ));
    Exit::Status(exit::LOST)
}
