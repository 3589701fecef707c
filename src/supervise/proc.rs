//! What proc(5) says of processes, read without allocating.
//!
//! A /proc of another PID namespace (unshare(1) without `--mount-proc`) counts as none: its numbers
//! stand for other processes here.

use std::ffi::CStr;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, RawDir};

/// As long as the name of a process can be, with its NUL byte (TASK_COMM_LEN).
pub(super) const NAME: usize = 16;

/// A /proc of our own PID namespace.
pub(super) struct Proc(OwnedFd);

/// What is used of /proc/PID/stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    state: u8,
    pub(super) parent: i32,
    threads: u64,
    /// When it started, in ticks since boot.
    pub(super) start: u64,
    /// Where its arguments lie in its memory (arg_start); 0 if that may not be seen.
    pub(super) arg_start: u64,
}

impl Stat {
    /// Whether any of its threads lives.
    pub(super) fn lives(&self) -> bool {
        // The first thread can be dead while others run.
        !matches!(self.state, b'Z' | b'X') || self.threads > 1
    }

    /// Reads `PID (NAME) STATE PPID …`. The name can have anything in it, also `) `.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let name_end = line.iter().rposition(|&byte| byte == b')')?;
        let mut fields = line.get(name_end + 2..)?.split(|&byte| byte == b' ');
        let state = *fields.next()?.first()?;
        let parent = number(fields.next()?)?;
        let threads = number(fields.nth(15)?)?;
        let start = number(fields.nth(1)?)?;
        let arg_start = fields.nth(25).and_then(number).unwrap_or_default();
        Some(Self {
            state,
            parent: i32::try_from(parent).ok()?,
            threads,
            start,
            arg_start,
        })
    }
}

impl Proc {
    /// `None` where there is no /proc of our PID namespace.
    pub(super) fn open() -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = Self(rustix::fs::openat(CWD, c"/proc", flags, Mode::empty()).ok()?);
        let status = proc.file(c"self/status")?;
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut numbers = Numbers::new();
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = rustix::io::read(&status, &mut buffer) {
            numbers.read(&buffer[..length]);
        }
        numbers.are_of_our_namespace(own).then_some(proc)
    }

    /// What it says of a process; `None` if that is gone, or hidden (hidepid).
    pub(super) fn stat(&self, pid: i32) -> Option<Stat> {
        let mut path = [0; 32];
        let stat = self.file(written(&mut path, format_args!("{pid}/stat"))?)?;
        let mut line = [0; 1024];
        let length = fill(stat.as_fd(), &mut line);
        Stat::of(&line[..length])
    }

    /// A process's name, ended by a NUL byte; empty if that is gone.
    pub(super) fn name(&self, pid: i32) -> [u8; NAME] {
        let mut path = [0; 32];
        let mut name = [0; NAME];
        let comm = written(&mut path, format_args!("{pid}/comm")).and_then(|path| self.file(path));
        if let Some(comm) = comm {
            let length = fill(comm.as_fd(), &mut name);
            // It ends in a newline.
            name[length.saturating_sub(1)] = 0;
        }
        name
    }

    /// Gives the children of each thread of a process. False if they cannot be read.
    pub(super) fn each_child(&self, pid: i32, mut found: impl FnMut(i32)) -> bool {
        let mut path = [0; 32];
        let Some(path) = written(&mut path, format_args!("{pid}/task")) else {
            return false;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(tasks) = rustix::fs::openat(&self.0, path, flags, Mode::empty()) else {
            return false;
        };
        let mut readable = false;
        let mut space = [MaybeUninit::uninit(); 1024];
        let mut entries = RawDir::new(&tasks, &mut space);
        while let Some(Ok(entry)) = entries.next() {
            let Some(task) = number(entry.file_name().to_bytes()) else {
                continue;
            };
            let mut path = [0; 32];
            let children = written(&mut path, format_args!("{task}/children"));
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            if let Some(path) = children
                && let Ok(children) = rustix::fs::openat(&tasks, path, flags, Mode::empty())
            {
                readable = true;
                each_number(children.as_fd(), &mut found);
            }
        }
        readable
    }

    fn file(&self, path: &CStr) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, path, flags, Mode::empty()).ok()
    }
}

/// This process's numbers in /proc/self/status, which is read in parts: it lists all groups, and can be
/// longer than any buffer.
struct Numbers {
    /// The beginning of the present line.
    line: [u8; 64],
    length: usize,
    /// How many numbers the last line with any has, and the first of them.
    found: Option<(usize, u64)>,
}

impl Numbers {
    fn new() -> Self {
        Self {
            line: [0; 64],
            length: 0,
            found: None,
        }
    }

    fn read(&mut self, part: &[u8]) {
        for &byte in part {
            if byte == b'\n' {
                self.note_line();
                self.length = 0;
            } else if let Some(slot) = self.line.get_mut(self.length) {
                *slot = byte;
                self.length += 1;
            }
        }
    }

    /// `NSpid:` has a number for each PID namespace, from that of the /proc down to the process's own.
    /// Linux before 4.1 has only `Pid:`, which newer ones have above it.
    fn note_line(&mut self) {
        let line = &self.line[..self.length];
        let namespaces = line.strip_prefix(b"NSpid:");
        if let Some(numbers) = namespaces.or_else(|| line.strip_prefix(b"Pid:")) {
            let mut numbers = numbers.split(u8::is_ascii_whitespace).filter_map(number);
            self.found = numbers.next().map(|first| (1 + numbers.count(), first));
        }
    }

    /// Whether the /proc is of our PID namespace: it has one number, the `own` that getpid(2) gives.
    fn are_of_our_namespace(&self, own: i32) -> bool {
        self.found
            .is_some_and(|(count, first)| count == 1 && i32::try_from(first) == Ok(own))
    }
}

/// A path with its NUL byte, in `space`.
fn written<'a>(space: &'a mut [u8; 32], path: std::fmt::Arguments<'_>) -> Option<&'a CStr> {
    // The last byte stays zero.
    (&mut space[..31]).write_fmt(path).ok()?;
    CStr::from_bytes_until_nul(space).ok()
}

/// Reads to the end, or until the buffer is full.
fn fill(file: BorrowedFd<'_>, buffer: &mut [u8]) -> usize {
    let mut length = 0;
    while let Ok(more @ 1..) = rustix::io::read(file, &mut buffer[length..]) {
        length += more;
    }
    length
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads decimal numbers, each ended by a space.
fn each_number(file: BorrowedFd<'_>, mut found: impl FnMut(i32)) {
    let mut buffer = [0u8; 4096];
    let mut number = 0;
    while let Ok(length @ 1..) = rustix::io::read(file, &mut buffer) {
        for byte in &buffer[..length] {
            if byte.is_ascii_digit() {
                number = number * 10 + i32::from(byte - b'0');
            } else {
                found(number);
                number = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_from_behind_the_name() {
        let line = "812 (a) Z (b) S 7 812 812 0 -1 4194560 9 0 0 0 1 2 3 4 20 0 3 0 5507";
        let (between, end) = (" 1".repeat(25), " 70368 70400 0\n");
        let stat = Stat::of(format!("{line}{between}{end}").as_bytes()).expect("a line");
        let expected = Stat {
            state: b'S',
            parent: 7,
            threads: 3,
            start: 5507,
            arg_start: 70368,
        };
        assert_eq!(stat, expected);
        let shorter = Stat::of(line.as_bytes()).expect("a line");
        assert_eq!((shorter.start, shorter.arg_start), (5507, 0));
        assert!(stat.lives());
        assert_eq!(Stat::of(b"812 (sh) S 7"), None);
        assert_eq!(Stat::of(b""), None);
    }

    #[test]
    fn dead_is_a_process_without_a_living_thread() {
        let proc = Proc::open().expect("proc(5)");
        let own = rustix::process::getpid();
        let stat = proc.stat(own.as_raw_nonzero().get()).expect("ourselves");
        assert!(stat.lives());
        let parent = rustix::process::getppid().expect("a parent");
        assert_eq!(stat.parent, parent.as_raw_nonzero().get());
        let dead = Stat {
            state: b'Z',
            threads: 1,
            ..stat
        };
        assert!(!dead.lives());
        assert!(Stat { threads: 2, ..dead }.lives());
    }

    #[test]
    fn another_namespaces_proc_is_none_of_ours() {
        let ours = |status: &[u8], own| {
            let mut numbers = Numbers::new();
            // In parts, as a long one comes.
            status.chunks(5).for_each(|part| numbers.read(part));
            numbers.are_of_our_namespace(own)
        };
        assert!(ours(b"Name:\tx\nPid:\t812\nNSpid:\t812\n", 812));
        assert!(!ours(b"Name:\tx\nPid:\t812\nNSpid:\t812\t2\n", 2));
        // The same number in both.
        assert!(!ours(b"Name:\tx\nPid:\t2\nNSpid:\t2\t2\n", 2));
        assert!(ours(b"Name:\tx\nPid:\t812\n", 812));
        assert!(!ours(b"Name:\tx\n", 812));
    }
}
