//! Reading a file that a setting names. It may be a pipe, whose writer may never write.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;

use crate::clock::Instant;

/// The file system of pipes without a name (linux/magic.h).
const PIPEFS_MAGIC: u64 = 0x5049_5045;

/// How many times longer a pipe is waited for once it has a writer: that may be a password manager,
/// which first asks for a password of its own.
const WITH_WRITER: u32 = 30;

/// Opens it without waiting for a writer, as the open of a named pipe otherwise does (fifo(7)).
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path)?;
    if !file.metadata()?.file_type().is_fifo() {
        // A read from a terminal waits for input.
        let flags = rustix::fs::fcntl_getfl(&file)?;
        rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    }
    Ok(file)
}

/// Reads what [`open`] has opened: all of it, or somewhat more than `most` bytes. A pipe has to get a
/// writer `within` this time, and to be written to its end within 30 times as long.
///
/// # Errors
/// [`ErrorKind::TimedOut`] for a pipe that is not.
pub(crate) fn read(mut file: &File, most: u64, within: Duration) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if !file.metadata()?.file_type().is_fifo() {
        file.take(most + 1).read_to_end(&mut content)?;
        return Ok(content);
    }
    let start = Instant::now();
    let (until_writer, until_end) = (start + within, start + within.saturating_mul(WITH_WRITER));
    // A named pipe reads as ended also before it has had a writer; another has one from the start.
    let mut had_writer = rustix::fs::fstatfs(file)?.f_type as u64 == PIPEFS_MAGIC;
    while content.len() as u64 <= most {
        let mut buffer = [0; 4096];
        match file.read(&mut buffer) {
            Ok(0) if had_writer => break,
            Ok(0) => {
                wait(file, until_writer)?;
                had_writer = true;
            }
            Ok(length) => content.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wait(file, until_end)?;
                had_writer = true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
    }
    Ok(content)
}

/// Waits until there is something to read, or the last writer is gone: both show that there was one.
fn wait(file: &File, end: Instant) -> io::Result<()> {
    loop {
        let left = end.since(Instant::now());
        let timeout = left.try_into().ok();
        let mut pipe = [PollFd::new(file, PollFlags::IN)];
        match rustix::event::poll(&mut pipe, timeout.as_ref()) {
            Ok(0) => {
                let text = "it is a pipe that nobody writes, or ends, in time";
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LATE: Duration = Duration::from_secs(20);

    fn all(path: &Path, within: Duration) -> io::Result<Vec<u8>> {
        read(&open(path)?, 8192, within)
    }

    #[test]
    fn a_pipe_is_waited_for_and_not_for_ever() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .expect("a pipe");
        let error = all(&fifo, SOON).expect_err("nobody writes");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let path = fifo.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(path).expect("a reader");
            for part in ["some", "more"] {
                pipe.write_all(part.as_bytes()).expect("a pipe");
                std::thread::sleep(SOON);
            }
        });
        assert_eq!(all(&fifo, LATE).expect("a content"), b"somemore");
        writer.join().expect("a writer");

        let (reader, writer) = io::pipe().expect("a pipe");
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let error = all(path.as_ref(), SOON).expect_err("nothing written");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(writer);
        assert_eq!(all(path.as_ref(), LATE).expect("its end"), b"");
    }
}
