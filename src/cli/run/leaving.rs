//! Names the processes that the command leaves behind when it ends by itself: most commands do so by
//! mistake, and those processes are about to be stopped.

use crate::cli::settings::RunOptions;
use crate::describe;
use crate::stderr;
use crate::supervise::{Leftover, signals};

/// What decides, when the command ends, whether its leftovers are named.
#[derive(Default)]
pub(super) struct Leaving {
    /// A signal was passed on to the command whose default action is to end a process.
    told: bool,
    left: Option<Leftover>,
}

impl Leaving {
    /// This signal was passed to the command.
    pub(super) fn note_signal(&mut self, signal: i32) {
        self.told |= signals::ends(signal);
    }

    /// The command is about to leave this behind.
    pub(super) fn note(&mut self, left: Leftover) {
        self.left = Some(left);
    }

    /// The command has ended with this wait status. Names what it left, unless a signal ended it: a command
    /// that is ended from outside cannot clean up.
    pub(super) fn note_end(&mut self, options: &RunOptions, status: i32) {
        let ended = libc::WIFSIGNALED(status) && signals::ends(libc::WTERMSIG(status));
        if let Some(left) = self.left.take().filter(|_| !self.told && !ended) {
            say(options, &left);
        }
    }
}

/// Says what the command left behind, and that it is being stopped.
fn say(options: &RunOptions, left: &Leftover) {
    if options.lock.quiet {
        return;
    }
    let key = describe::escape(&options.lock.key);
    let (name, pid) = (describe::escape(&left.name()), left.pid());
    let (others, them) = match left.others() {
        0 => (String::new(), "it"),
        1 => (" and another".to_owned(), "them"),
        others => (format!(" and {others} others"), "them"),
    };
    stderr::complain(format_args!(
        "{key}: stopping what the command left behind: {name} (pid {pid}){others}; \
         --leave-descendants keeps {them}"
    ));
}
