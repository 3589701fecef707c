//! `genlock break`: an operator takes a lock away.

use std::time::Duration;

use clap::Args;

use super::args::ConnectionArgs;
use super::operate::{operate, print};
use super::settings::Settings;
use super::{help, numbers, quoting, times, view};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::TakenAway;
use crate::locker::operator::{Operator, Removal};
use crate::stderr;

/// Take the lock KEY away from the holder that has exactly this token.
///
/// A genlock is told; it stops its command, lets go of the lock and exits with 80. Without --token
/// the holder is shown, and the line that would hit it.
#[derive(Args)]
#[command(before_help = help::BREAK_EXAMPLES, after_long_help = help::breaking())]
pub(super) struct BreakArgs {
    /// The fencing token of the one to hit
    ///
    /// A holder that came later is not hit by mistake.
    #[arg(long, value_name = "N", value_parser = numbers::token)]
    token: Option<u64>,

    /// Do not leave it to the holder
    ///
    /// Its command may then run beside the next one.
    #[arg(long, requires = "token")]
    force: bool,

    /// How long to wait for the holder to let go
    ///
    /// Then it is said that it did not. 0 does not wait.
    #[arg(short, long, value_name = "DURATION", default_value = "30s", value_parser = times::parse)]
    wait: Duration,

    /// Clear the queue of those who are not heard of any more
    #[arg(long, conflicts_with_all = ["token", "force"])]
    waiters: bool,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Runs the verb.
pub(super) fn run(options: &BreakArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(
        settings.connection(&options.connection),
        async |store| match options.token {
            Some(token) => take_away(options, store, token).await,
            None if options.waiters => clear_waiters(options, store).await,
            None => propose(options, store).await,
        },
    )
}

async fn take_away(options: &BreakArgs, store: &dyn Operator, token: u64) -> anyhow::Result<Exit> {
    let (key, shown) = (&options.key, describe::escape(&options.key));
    let by = TakenAway::by_this_process();
    match store.take_away(key, token, &by, options.force).await {
        Ok(Removal::Removed) => {
            print(&format!("{shown}: taken away from token {token}\n"))?;
            return Ok(Exit::Status(0));
        }
        Ok(Removal::Told) => {}
        Err(error) if error.kind() == crate::ErrorKind::NotHeld => {
            stderr::complain(format_args!("{error}"));
            return Ok(Exit::Status(exit::NOT_ACQUIRED));
        }
        Err(error) => return Err(error.into()),
    }
    if options.wait.is_zero() {
        print(&format!("{shown}: token {token} was told to let go\n"))?;
        return Ok(Exit::Status(0));
    }
    match tokio::time::timeout(options.wait, store.until_gone(key, token)).await {
        Ok(gone) => {
            gone?;
            print(&format!("{shown}: taken away from token {token}\n"))?;
            Ok(Exit::Status(0))
        }
        Err(_) => {
            let waited = describe::duration(options.wait);
            stderr::complain(format_args!(
                "{shown}: token {token} was told to let go, and has not within {waited}: \
                 its command still runs, or it is an older genlock; --force does not wait for it"
            ));
            Ok(Exit::Status(exit::NOT_ACQUIRED))
        }
    }
}

/// Without --token: shows each holder, and the command line that would take the lock away from it.
async fn propose(options: &BreakArgs, store: &dyn Operator) -> anyhow::Result<Exit> {
    let queue = store.queue(&options.key).await?;
    let key = describe::escape(&options.key);
    if queue.holders().is_empty() {
        print(&format!("{key}: free\n"))?;
        return Ok(Exit::Status(exit::FREE));
    }
    let mut text = String::new();
    for holder in queue.holders() {
        let (who, mode) = (view::who(holder), view::mode(holder));
        let since = view::since(holder).map(|since| format!(", since {since}"));
        let since = since.unwrap_or_default();
        text.push_str(&format!("{key}: held by {who}{mode}{since}\n"));
        match holder.token {
            Some(token) => {
                let token = token.to_string();
                let words = ["genlock", "break", &options.key, "--token", &token];
                text.push_str(&format!("to take it away: {}\n", quoting::line(words)));
            }
            None => text.push_str("it has no token: it can only be ended itself\n"),
        }
    }
    print(&text)?;
    Ok(Exit::Status(exit::USAGE))
}

async fn clear_waiters(options: &BreakArgs, store: &dyn Operator) -> anyhow::Result<Exit> {
    let key = describe::escape(&options.key);
    for cleared in store.clear_dead(&options.key).await? {
        let who = view::who(&cleared);
        print(&format!("{key}: cleared the place of {who}\n"))?;
    }
    Ok(Exit::Status(0))
}
