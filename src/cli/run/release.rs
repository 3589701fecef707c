//! Letting go of a lock, or of the place in its queue: bounded, and not skipped for a signal.

use std::time::Duration;

use tokio::time::sleep;

use crate::locker::{Held, Locker};
use crate::stderr;
use crate::supervise::signals::Signals;

/// How long to try to release a lock that is lost: most likely the store cannot be reached.
const LOST: Duration = Duration::from_secs(1);

/// How long it may take from a signal on that comes meanwhile: the request goes out before we end,
/// or others would wait for a TTL.
const SIGNALLED: Duration = Duration::from_millis(500);

/// Releases, with patience for a store that most likely can be reached. Gives the signal that
/// came meanwhile and is to end us.
pub(super) async fn release(
    store: &dyn Locker,
    held: Held,
    lost: bool,
    signals: &mut Signals,
) -> Option<i32> {
    let mut told = None;
    let patience = async {
        if lost {
            sleep(LOST).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        unlocked = store.unlock(held) => match unlocked {
            Err(error) if !lost => stderr::complain(format_args!("warning: not released: {error}")),
            _ => {}
        },
        () = patience => {}
        () = impatience(signals, &mut told) => {}
    }
    told
}

/// Leaves the queue and releases; a second signal shortens the patience with the store.
pub(super) async fn close(store: &dyn Locker, signals: &mut Signals) {
    let mut told = None;
    tokio::select! {
        // What could not be released is free at its TTL's end, and there is a better error to show.
        _ = store.close() => {}
        () = impatience(signals, &mut told) => {}
    }
}

/// Ends a while after the next signal that is to end us, which it tells.
async fn impatience(signals: &mut Signals, told: &mut Option<i32>) {
    *told = Some(signals.next_that_ends().await);
    sleep(SIGNALLED).await;
}
