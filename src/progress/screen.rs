//! The terminal as indicatif draws on it: one line, in place of the last one, which a thread writes
//! (stderr.rs), so that nothing here waits for the terminal.

use std::io;
use std::sync::{Mutex, PoisonError};

use indicatif::TermLike;

use crate::columns::of_terminal;
use crate::stderr;

/// Collects a drawing, which a flush hands over. Moves of the cursor are left out: it always stays at
/// the beginning of the line.
#[derive(Debug, Default)]
pub(super) struct Screen(Mutex<String>);

impl TermLike for Screen {
    fn width(&self) -> u16 {
        of_terminal(io::stderr()).try_into().unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawing.push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // indicatif fills the line with blanks, over what may have been there.
        match std::mem::take(&mut *drawing).trim_end() {
            "" => stderr::erase(),
            line => stderr::draw(line),
        }
        Ok(())
    }
}
