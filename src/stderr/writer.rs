//! stderr, written by a thread of its own: a pipe that nobody reads, or a terminal that was stopped
//! (Ctrl-S), holds up that thread and nothing else.
//!
//! Neither O_NONBLOCK nor poll(2) would do: the flag would hold for the command too, which shares the
//! open file (fcntl(2)), and what has room for a line may be full, of the command's, a moment later.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// How many pieces wait to be written at most: then the oldest are dropped.
const KEPT: usize = 64;

/// How long the process's end waits for what is not written yet.
const AT_THE_END: Duration = Duration::from_millis(200);

/// How long it waits before that for the thread to begin, which only a busy host delays.
const BEGINNING: Duration = Duration::from_secs(2);

/// How long the command's start waits for it, so that genlock's lines come before the command's.
const BEFORE_COMMAND: Duration = Duration::from_millis(20);

/// The thread's stack: it needs little more than a system call does.
const STACK: usize = 64 * 1024;

/// What waits to be written.
struct Unwritten {
    pieces: VecDeque<Piece>,
    /// How many lines were dropped since the last one was written.
    dropped: usize,
    thread: Thread,
}

/// The thread that writes: it ends when nothing waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    None,
    Starting,
    Writing,
}

enum Piece {
    Line(String),
    /// A drawing of the live line, which the next one replaces.
    Drawing(String),
}

static WAITING: Mutex<Unwritten> = Mutex::new(Unwritten {
    pieces: VecDeque::new(),
    dropped: 0,
    thread: Thread::None,
});

/// Is notified when the thread has begun, and when it ends.
static CHANGED: Condvar = Condvar::new();

/// Writes a line in one piece, soon. One that cannot be written is no error.
pub(crate) fn say(line: String) {
    waiting().add(Piece::Line(line));
}

/// Draws the live line anew, soon, if there is no newer drawing by then.
pub(crate) fn draw(text: String) {
    waiting().add(Piece::Drawing(text));
}

/// Waits for a moment until all is written, before a command writes.
pub(crate) fn hand_over() {
    wait_while(|thread| thread != Thread::None, BEFORE_COMMAND);
}

/// Waits for a short while until all is written, before the process ends.
pub(crate) fn finish() {
    wait_while(|thread| thread == Thread::Starting, BEGINNING);
    wait_while(|thread| thread != Thread::None, AT_THE_END);
}

/// Waits until the thread is in another state, but no longer than `within`.
fn wait_while(state: impl Fn(Thread) -> bool, within: Duration) {
    let _ = CHANGED.wait_timeout_while(waiting(), within, |waiting| state(waiting.thread));
}

fn waiting() -> MutexGuard<'static, Unwritten> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unwritten {
    fn add(&mut self, piece: Piece) {
        if let (Piece::Drawing(_), Some(Piece::Drawing(_))) = (&piece, self.pieces.back()) {
            self.pieces.pop_back();
        }
        if self.pieces.len() >= KEPT
            && let Some(Piece::Line(_)) = self.pieces.pop_front()
        {
            self.dropped += 1;
        }
        self.pieces.push_back(piece);
        if self.thread != Thread::None {
            return;
        }
        let thread = thread::Builder::new().stack_size(STACK);
        match thread.spawn(write_all) {
            Ok(_) => self.thread = Thread::Starting,
            Err(_) => self.write_without_thread(),
        }
    }

    /// The next piece. A line comes behind one that says how many were dropped before it.
    fn next(&mut self) -> Option<String> {
        match self.pieces.pop_front()? {
            Piece::Line(line) if self.dropped > 0 => {
                let dropped = std::mem::take(&mut self.dropped);
                Some(format!(
                    "genlock: … (lines not shown before this: {dropped})\n{line}"
                ))
            }
            Piece::Line(text) | Piece::Drawing(text) => Some(text),
        }
    }

    /// Where no thread can be started: writes while poll(2) says that there is room.
    fn write_without_thread(&mut self) {
        while is_writable(Some(&Timespec::default())) {
            match self.next() {
                Some(text) => write(&text),
                None => return,
            }
        }
    }
}

/// The thread: writes all that waits.
fn write_all() {
    loop {
        let (text, began) = {
            let mut waiting = waiting();
            let began = waiting.thread == Thread::Starting;
            let next = waiting.next();
            waiting.thread = match next {
                Some(_) => Thread::Writing,
                None => Thread::None,
            };
            (next, began)
        };
        if began || text.is_none() {
            CHANGED.notify_all();
        }
        match text {
            Some(text) => write(&text),
            None => return,
        }
    }
}

fn write(text: &str) {
    let mut left = text.as_bytes();
    while !left.is_empty() {
        match rustix::io::write(io::stderr(), left) {
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            // Whoever shares the open file has set O_NONBLOCK.
            Err(Errno::AGAIN) if is_writable(None) => {}
            Err(_) => return,
        }
    }
}

/// Whether something can be written within this time; without one, ever.
fn is_writable(within: Option<&Timespec>) -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, within)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state while the thread is held up.
    fn held_up() -> Unwritten {
        Unwritten {
            pieces: VecDeque::new(),
            dropped: 0,
            thread: Thread::Writing,
        }
    }

    #[test]
    fn the_oldest_lines_are_dropped_and_counted() {
        let mut waiting = held_up();
        for number in 0..KEPT + 3 {
            waiting.add(Piece::Line(format!("{number}\n")));
        }
        let first = waiting.next().unwrap();
        assert_eq!(first, "genlock: … (lines not shown before this: 3)\n3\n");
        assert_eq!(waiting.next().unwrap(), "4\n");
        assert_eq!(waiting.pieces.len(), KEPT - 2);
    }

    #[test]
    fn a_drawing_takes_the_place_of_the_one_before_and_of_no_line() {
        let mut waiting = held_up();
        for text in ["one", "two"] {
            waiting.add(Piece::Drawing(text.to_owned()));
        }
        waiting.add(Piece::Line("line\n".to_owned()));
        waiting.add(Piece::Drawing("three".to_owned()));
        let all: Vec<_> = std::iter::from_fn(|| waiting.next()).collect();
        assert_eq!(all, ["two", "line\n", "three"]);
    }
}
