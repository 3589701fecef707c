//! What is said when the command is stopped.

use crate::cli::settings::LockOptions;
use crate::describe;
use crate::locker::{Held, grace};
use crate::stderr;

/// Says how long the command may stay stopped: the lock is not renewed meanwhile.
pub(super) fn say(options: &LockOptions, held: &Held) {
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
