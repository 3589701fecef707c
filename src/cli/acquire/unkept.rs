//! A lock without a keeper: the store keeps it for a time, and nobody renews it.

use std::time::Duration;

use anyhow::Context;

use super::AcquireOptions;
use super::keeper::ends_at;
use super::output::Kept;
use crate::cli::locking::say_unwritten;
use crate::cli::operate::print;
use crate::cli::report::Reporter;
use crate::cli::store::Store;
use crate::exit::Exit;
use crate::supervise::signals::Signals;

/// Acquires the lock, and leaves it to the store.
pub(super) async fn acquire(
    options: &AcquireOptions,
    store: Store,
    reporter: &Reporter,
) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let locking = options.open(store, reporter)?;
    let waited = locking.wait(signals.next_that_ends()).await;
    let held = match waited {
        Ok(held) => held,
        Err(why) => {
            locking.close(&mut signals).await;
            return locking.not_held(why, reporter).await;
        }
    };
    let time = options.time.unwrap_or(Duration::ZERO);
    let text = options.form.text(
        &held,
        &Kept {
            endpoints: locking.endpoints(),
            socket: None,
            pid: None,
            ends_at: Some(ends_at(time)),
        },
    );
    // Before the store keeps it for long: of a lock of which nobody was told nobody could let go.
    if let Err(unsaid) = print(&text) {
        // If this fails it ends with its TTL.
        let _ = held.unlock().await;
        return Err(unsaid);
    }
    // Before anybody can release it, and write the end.
    if let Some(keeping) = options.begin(&locking, reporter)
        && let Err(error) = keeping.leave().await
    {
        say_unwritten(&error);
    }
    held.unlock_after(time).await?;
    Ok(Exit::Status(0))
}
