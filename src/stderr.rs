//! genlock's own lines on stderr, and the live line that is drawn there.

mod writer;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::describe::printable;

pub(crate) use writer::{finish, hand_over};

/// Writes `genlock: message` to stderr, as one line in one piece, whatever keys and errors have in
/// them. A stderr that is closed or full is no reason to fail, or to wait.
pub(crate) fn complain(message: fmt::Arguments<'_>) {
    erase();
    writer::say(format!("genlock: {}\n", printable(&message.to_string())));
}

/// Whether a live line is on the terminal.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Draws the live line, which fits the terminal, in place of the last one. The cursor goes back to its
/// beginning: so all of it can be erased, also when the terminal is made narrower and breaks it.
pub(crate) fn draw(line: &str) {
    if is_in_foreground() {
        DRAWN.store(true, Ordering::Relaxed);
        writer::draw(format!("{ERASE}{line}\r"));
    }
}

/// Erases the live line, if there is one.
pub(crate) fn erase() {
    if DRAWN.swap(false, Ordering::Relaxed) && is_in_foreground() {
        writer::draw(ERASE.to_owned());
    }
}

/// From the beginning of the line to the end of the screen (console_codes(4)).
const ERASE: &str = "\r\x1b[J";

/// Whether genlock is in the terminal's foreground, and may draw; also where that cannot be found out.
pub(crate) fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stderr())
        .map_or(true, |group| group == rustix::process::getpgrp())
}
