//! `genlock wait`: until a lock is free.

use std::time::Duration;

use clap::Args;

use super::args::ConnectionArgs;
use super::operate::operate;
use super::settings::Settings;
use super::{help, nested, times, view};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::operator::Contender;
use crate::stderr;

/// How long a look at who holds the lock may take.
const LOOK: Duration = Duration::from_secs(1);

/// Wait until nobody holds the lock KEY or waits for it. Takes nothing.
#[derive(Args)]
#[command(before_help = help::WAIT_EXAMPLES, after_long_help = help::wait())]
pub(super) struct WaitArgs {
    /// Wait this long at most, then exit with 75
    ///
    /// 0 does not wait.
    #[arg(short, long, value_name = "DURATION", value_parser = times::parse)]
    wait: Option<Duration>,

    /// Say nothing when the time is over
    #[arg(short, long)]
    quiet: bool,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Runs the verb.
pub(super) fn run(options: &WaitArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        if let Some(limit) = options.wait {
            // The store is asked once, even if the limit is 0.
            let queue = store.glance(&options.key).await?;
            if queue.holder().is_none() {
                return Ok(Exit::Status(0));
            }
            refuse_ourselves(&options.key, queue.holders())?;
            let free = tokio::time::timeout(limit, store.until_free(&options.key));
            if let Ok(free) = free.await {
                free?;
                return Ok(Exit::Status(0));
            }
            if !options.quiet {
                let key = describe::escape(&options.key);
                let limit = describe::duration(limit);
                // Another may hold it by now.
                let now = tokio::time::timeout(LOOK, store.glance(&options.key)).await;
                let state = match now {
                    Ok(Ok(queue)) => match queue.holder() {
                        Some(holder) => {
                            format!("held by {}{}", view::who(holder), view::mode(holder))
                        }
                        None => "free by now".to_owned(),
                    },
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "the store is silent".to_owned(),
                };
                stderr::complain(format_args!("{key}: not free within {limit}: {state}"));
            }
            return Ok(Exit::Status(exit::NOT_ACQUIRED));
        }
        // An error is not the end here: `until_free` waits for a store that does not answer yet.
        if let Ok(queue) = store.glance(&options.key).await {
            refuse_ourselves(&options.key, queue.holders())?;
        }
        store.until_free(&options.key).await?;
        Ok(Exit::Status(0))
    })
}

/// Refuses to wait for a lock under which we run: it is not free before we end.
fn refuse_ourselves(key: &str, holders: &[Contender]) -> crate::Result<()> {
    let runs_us =
        |holder: &Contender| nested::runs_us(key, Some(&holder.owner_key), holder.record.as_ref());
    match holders.iter().any(runs_us) {
        true => Err(nested::refused(key)),
        false => Ok(()),
    }
}
