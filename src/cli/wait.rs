//! `genlock wait`: until a lock is free.

use std::time::Duration;

use clap::Args;

use super::operate::operate;
use super::settings::Settings;
use super::{Connection, help, times, view};
use crate::describe;
use crate::exit::{self, Exit};

/// Wait until nobody holds the lock KEY or waits for it. Takes nothing.
#[derive(Args)]
#[command(after_long_help = help::wait())]
pub(super) struct Wait {
    /// Wait this long at most, then exit with 75; 0 does not wait
    #[arg(short, long, value_name = "DURATION", value_parser = times::parse)]
    wait: Option<Duration>,

    /// Say nothing when the time is over
    #[arg(short, long)]
    quiet: bool,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: Connection,
}

/// Runs the verb.
pub(super) fn run(options: &Wait, settings: &Settings) -> anyhow::Result<Exit> {
    operate(&options.connection, settings, async |store| {
        if let Some(limit) = options.wait {
            // A look comes first, whatever the limit.
            let queue = store.queue(&options.key).await?;
            let Some(holder) = queue.holder() else {
                return Ok(Exit::Status(0));
            };
            let free = tokio::time::timeout(limit, store.until_free(&options.key));
            if let Ok(free) = free.await {
                free?;
                return Ok(Exit::Status(0));
            }
            if !options.quiet {
                let key = describe::escape(&options.key);
                let limit = describe::duration(limit);
                let who = view::who(holder);
                describe::complain(format_args!(
                    "{key}: not free within {limit}: held by {who}"
                ));
            }
            return Ok(Exit::Status(exit::NOT_ACQUIRED));
        }
        store.until_free(&options.key).await?;
        Ok(Exit::Status(0))
    })
}
