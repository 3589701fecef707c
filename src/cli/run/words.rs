//! What is said of a run: when the lock is acquired, or is not; how long the command may stay stopped;
//! and when the lock is released.

use std::time::Duration;

use super::tries;
use crate::cli::settings::RunOptions;
use crate::describe;
use crate::exit::Exit;
use crate::locker::{Held, Operator, grace};
use crate::progress::Seen;
use crate::stderr;

/// Says how long the wait was if there was a word of it.
pub(super) fn say_acquired(options: &RunOptions, seen: &Seen, waited: Duration, token: u64) {
    let key = describe::escape(&options.key);
    let waited = describe::duration(waited);
    if options.verbose > 0 {
        describe::complain(format_args!(
            "{key}: acquired after {waited}, token {token}"
        ));
    } else if seen.was_announced() {
        describe::complain(format_args!("{key}: acquired after {waited}"));
    }
}

/// Says who holds the lock, and gives the status for it.
pub(super) async fn not_acquired(options: &RunOptions, seen: &Seen, store: &dyn Operator) -> Exit {
    if !options.quiet {
        let key = describe::escape(&options.key);
        if let Some(limit) = options.wait.filter(|_| !tries(options)) {
            let limit = describe::duration(limit);
            let state = seen.now(&options.key, store).await;
            describe::complain(format_args!("{key}: not acquired within {limit}: {state}"));
        } else {
            // Seen a moment ago.
            let state = seen.waiting();
            let state = state.as_deref().unwrap_or("held by another");
            describe::complain(format_args!("{key}: not acquired: {state}"));
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
    describe::complain(format_args!(
        "{key}: the command is stopped, and the lock not renewed: continue it within {left}, or it \
         is told to end"
    ));
    // The thread that writes is stopped with us.
    stderr::hand_over();
}

/// Says, if asked to, that the lock was released, and what the command came to, if it was started:
/// its wait status, if that is known.
pub(super) fn say_released(
    options: &RunOptions,
    held_for: Duration,
    started: bool,
    status: Option<i32>,
) {
    if options.verbose == 0 {
        return;
    }
    let key = describe::escape(&options.key);
    let held_for = describe::duration(held_for);
    let ended = match status {
        None if started => "what the command came to is not known".to_owned(),
        None => "the command did not run".to_owned(),
        Some(status) if libc::WIFSIGNALED(status) => {
            format!("the command died of signal {}", libc::WTERMSIG(status))
        }
        Some(status) => format!("the command exited with {}", libc::WEXITSTATUS(status)),
    };
    describe::complain(format_args!("{key}: released after {held_for}; {ended}"));
}
