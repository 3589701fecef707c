//! What is said of a run and is no event: who holds the lock that was not acquired, and how long the
//! command may stay stopped.

use super::limit;
use crate::cli::settings::RunOptions;
use crate::describe;
use crate::exit::Exit;
use crate::locker::{Held, Operator, grace};
use crate::progress::Seen;
use crate::stderr;

/// Says who holds the lock, and gives the status for it.
pub(super) async fn not_acquired(options: &RunOptions, seen: &Seen, store: &dyn Operator) -> Exit {
    if !options.quiet {
        let key = describe::escape(&options.key);
        if let Some(limit) = limit(options).filter(|limit| !limit.is_zero()) {
            let limit = describe::duration(limit);
            let state = seen.now(&options.key, store).await;
            stderr::complain(format_args!("{key}: not acquired within {limit}: {state}"));
        } else {
            // Seen a moment ago.
            let state = seen.waiting();
            let state = state.as_deref().unwrap_or("held by another");
            stderr::complain(format_args!("{key}: not acquired: {state}"));
        }
    }
    Exit::Status(options.conflict_exit_code)
}

/// Says how long the command may stay stopped: the lock is not renewed meanwhile.
pub(super) fn say_stopped(options: &RunOptions, held: &Held) {
    let Some(deadline) = held.deadline().filter(|_| !options.quiet) else {
        return;
    };
    let ttl = held.ttl().unwrap_or(options.ttl);
    let grace = grace(ttl, options.kill_after);
    let key = describe::escape(&options.key);
    let left = describe::duration((deadline - grace).left());
    stderr::complain(format_args!(
        "{key}: the command is stopped, and the lock not renewed: continue it within {left}, or it \
         is told to end"
    ));
    // The thread that writes is stopped with us.
    stderr::hand_over();
}
