//! Where lines go that nobody may wait for: a file, to which they are appended; a pipe, a terminal or a
//! socket, as far as there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// So much a pipe takes in one piece, or nothing of it (pipe(7), PIPE_BUF).
const PIECE: usize = 4096;

/// How a file is opened that may be a pipe whose reader is not there, or a terminal (open(2)).
pub(super) const WITHOUT_WAIT: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

/// What came of a line.
pub(super) enum LineOutcome {
    Whole,
    /// Its beginning: the rest comes before anything else.
    Part,
    /// Nothing: there is no room, or nobody reads; the error where it is another.
    Nothing(Option<io::Error>),
}

/// The place of lines. It is opened when there is one to write, and anew when its reader has gone.
pub(super) struct Destination {
    path: PathBuf,
    opened: Option<Opened>,
    /// How much of the present line is written.
    written: usize,
}

enum Opened {
    /// With an open file of its own, which does not block.
    Own(File),
    /// Our own stdout or stderr, which the command shares: it is not set to O_NONBLOCK (fcntl(2)), nor
    /// opened by its name, as a socket cannot be, and a file is not written from its beginning.
    Shared(OwnedFd),
}

impl Destination {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            opened: None,
            written: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is left of this line.
    pub(super) fn write(&mut self, line: &str) -> LineOutcome {
        while self.written < line.len() {
            match self.write_some(line) {
                Ok(some) => self.written += some,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.refused(error),
            }
        }
        self.written = 0;
        LineOutcome::Whole
    }

    fn write_some(&mut self, line: &str) -> io::Result<usize> {
        if self.opened.is_none() {
            self.opened = Some(open(&self.path)?);
        }
        let rest = &line.as_bytes()[self.written..];
        match &mut self.opened {
            Some(Opened::Own(file)) => file.write(rest),
            Some(Opened::Shared(shared)) if has_room(shared) => {
                let written = rustix::io::write(shared, &rest[..rest.len().min(PIECE)]);
                written.map_err(io::Error::from)
            }
            Some(Opened::Shared(_)) | None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn refused(&mut self, error: io::Error) -> LineOutcome {
        let is_reader_gone = error.kind() == ErrorKind::BrokenPipe;
        if is_reader_gone {
            // Who reads next begins with a whole line.
            self.opened = None;
            self.written = 0;
        }
        if self.written > 0 {
            return LineOutcome::Part;
        }
        let has_no_reader = error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
        let is_no_error = is_reader_gone || has_no_reader || error.kind() == ErrorKind::WouldBlock;
        LineOutcome::Nothing(Some(error).filter(|_| !is_no_error))
    }
}

fn open(path: &Path) -> io::Result<Opened> {
    let shared = match path.to_str() {
        Some("/dev/stdout" | "/dev/fd/1") => Some(io::stdout().as_fd().try_clone_to_owned()?),
        Some("/dev/stderr" | "/dev/fd/2") => Some(io::stderr().as_fd().try_clone_to_owned()?),
        _ => None,
    };
    if let Some(shared) = shared {
        return Ok(Opened::Shared(shared));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o644);
    Ok(Opened::Own(options.custom_flags(WITHOUT_WAIT).open(path)?))
}

/// Whether something can be written now.
fn has_room(shared: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(shared, PollFlags::OUT)];
    let ready = rustix::event::poll(&mut fds, Some(&Timespec::default()));
    ready.is_ok_and(|ready| ready > 0)
}
