//! The line for a command that was stopped, as by Ctrl-Z.

use crate::cli::settings::LockOptions;
use crate::describe;
use crate::locker::{Held, grace};
use crate::stderr;

/// Says how long the command may stay stopped: we stop along with it, and cannot renew the lock.
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
    // The thread that writes to stderr is stopped with us: the line has to be out before.
    stderr::hand_over();
}
