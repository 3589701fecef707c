//! The processes below this one: finding, signalling and reaping all of them.
//!
//! The watchdog is a child subreaper (prctl(2)), so whatever leaves the command's process group
//! by setsid(2) or a double fork is still below it. Nothing here allocates.

use std::ffi::CStr;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, RawDir};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus};

/// A descriptor that is readable when a child has news (signalfd(2)); SIGCHLD must be blocked.
pub(super) fn news() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) initialises the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD) };
    // SAFETY: the set is initialised, and -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: signalfd(2) just gave it to us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes the news: only that there is some counts.
pub(super) fn note_news(news: &OwnedFd) {
    let mut buffer = [0; 512];
    while matches!(rustix::io::read(news, &mut buffer), Ok(1..)) {}
}

/// What looking for news of a child found.
pub(super) enum Child {
    /// This one has ended, and has not been reaped.
    Ended(Pid),
    /// This one was stopped by a signal.
    Stopped(Pid, i32),
    /// There are children, and no news of them.
    NoNews,
    /// There is no child at all, so nothing below this process lives.
    None,
}

/// Looks for news of a child without reaping it: until it is reaped, its process and group
/// numbers cannot be given to another.
pub(super) fn peek() -> Child {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` has room for what waitid(2) writes.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0 {
        return Child::None;
    }
    // SAFETY: initialised by zeroes, and by waitid(2) if there was news.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid(2) sets si_pid, and leaves it zero without news.
    let pid = unsafe { info.si_pid() };
    // SAFETY: waitid(2) sets si_status along with si_pid.
    let status = unsafe { info.si_status() };
    match Pid::from_raw(pid) {
        Some(pid) if info.si_code == libc::CLD_STOPPED => Child::Stopped(pid, status),
        Some(pid) => Child::Ended(pid),
        None => Child::NoNews,
    }
}

/// Reaps a child that has ended.
pub(super) fn reap(pid: Pid) -> Option<WaitStatus> {
    let reaped = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
    reaped.ok().flatten().map(|(_, status)| status)
}

/// Whether this is a child of ours that has not been reaped.
pub(super) fn is_child(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::Pid(pid), options).is_ok()
}

/// Reaps a child if it has ended. True if there is no such child (any more).
pub(super) fn has_ended(pid: Pid) -> bool {
    !matches!(
        rustix::process::waitpid(Some(pid), WaitOptions::NOHANG),
        Ok(None)
    )
}

/// Takes note of a stop, so that it is no news any more.
pub(super) fn note_stop(pid: Pid) {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let _ = rustix::process::waitid(WaitId::Pid(pid), options);
}

/// Reaps whatever has ended. True when nothing is left.
pub(super) fn reap_all() -> bool {
    loop {
        match peek() {
            Child::Ended(pid) => {
                reap(pid);
            }
            Child::Stopped(pid, _) => note_stop(pid),
            Child::NoNews => return false,
            Child::None => return true,
        }
    }
}

/// Reaps what has ended, up to the first of these, which somebody else waits for.
pub(super) fn reap_others(spared: [Option<Pid>; 2]) {
    loop {
        match peek() {
            Child::Ended(pid) if spared.contains(&Some(pid)) => return,
            Child::Ended(pid) => {
                reap(pid);
            }
            Child::Stopped(pid, _) => note_stop(pid),
            Child::NoNews | Child::None => return,
        }
    }
}

/// Signals a process group. The leader must not have been reaped, or the number may be another's.
pub(super) fn signal_group(group: Pid, signal: Signal) {
    // Fails if all of the group is gone, or belongs to another user (a set-user-ID program).
    let _ = rustix::process::kill_process_group(group, signal);
}

/// Signals every process below this one, but for those of the group `except`.
///
/// What is forked meanwhile can be missed: whoever needs all of them calls again until nothing is
/// left. A number could only be another's if it were reaped by its parent and given anew between
/// two lines of this function.
pub(super) fn signal_descendants(signal: Signal, except: Option<Pid>, search: Search) {
    each_descendant(search, |pid| {
        if except.is_none() || rustix::process::getpgid(Some(pid)).ok() != except {
            let _ = rustix::process::kill_process(pid, signal);
        }
    });
}

/// How far descendants are looked for where there is no /proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Where they most likely are.
    Quick,
    /// Wherever they can be, which takes part of a second.
    Thorough,
}

/// How many processes one walk can remember; the next walk finds the others.
const WALK: usize = 1024;

fn each_descendant(search: Search, mut found: impl FnMut(Pid)) {
    let mut queue = [0; WALK];
    let mut end = 0;
    let mut enqueue = |queue: &mut [i32; WALK], number| {
        if let Some(slot) = queue.get_mut(end) {
            *slot = number;
            end += 1;
        }
        if let Some(pid) = Pid::from_raw(number) {
            found(pid);
        }
    };
    if !each_child(c"/proc/self/task", |number| enqueue(&mut queue, number)) {
        each_child_by_asking(search, |number| enqueue(&mut queue, number));
    }
    let mut next = 0;
    // Unused places of the queue are zero, which is no process.
    while let Some(&number @ 1..) = queue.get(next) {
        next += 1;
        let mut path = [0; 32];
        // Fits, and the last byte stays zero: a number has at most ten digits.
        let _ = write!(&mut path[..31], "/proc/{number}/task");
        if let Ok(path) = CStr::from_bytes_until_nul(&path) {
            // A process that has ended meanwhile has no children any more.
            each_child(path, |number| enqueue(&mut queue, number));
        }
    }
}

/// Reads the children of each thread of a process (proc(5)). False if they cannot be read.
fn each_child(tasks: &CStr, mut found: impl FnMut(i32)) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(tasks) = rustix::fs::openat(CWD, tasks, flags, Mode::empty()) else {
        return false;
    };
    let mut readable = false;
    let mut space = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(&tasks, &mut space);
    while let Some(Ok(entry)) = entries.next() {
        if entry
            .file_name()
            .to_bytes()
            .first()
            .is_some_and(u8::is_ascii_digit)
        {
            let mut path = [0u8; 32];
            let mut rest = &mut path[..31];
            let _ = rest.write_all(entry.file_name().to_bytes());
            let _ = rest.write_all(b"/children");
            if let Ok(path) = CStr::from_bytes_until_nul(&path) {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                if let Ok(children) = rustix::fs::openat(&tasks, path, flags, Mode::empty()) {
                    readable = true;
                    each_number(children.as_fd(), &mut found);
                }
            }
        }
    }
    readable
}

/// Reads decimal numbers, each ended by a space.
fn each_number(file: BorrowedFd<'_>, mut found: impl FnMut(i32)) {
    let mut buffer = [0u8; 512];
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

/// The kernel's limit on process numbers (PID_MAX_LIMIT, proc(5)).
const PID_MAX_LIMIT: i32 = 1 << 22;

/// A quick search asks so many numbers after our own, and so many from the lowest on.
const NEAR: i32 = 1 << 16;

/// Finds this process's children without /proc, by asking about every number there can be: for
/// any other, waitid(2) says at once that it is no child.
///
/// The kernel gives numbers in turn, and begins again at the lowest: what is younger than this
/// process follows on its number until many more processes were started on the host.
fn each_child_by_asking(search: Search, mut found: impl FnMut(i32)) {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let ranges = match search {
        Search::Quick => [own..own.saturating_add(NEAR), 1..own.min(NEAR)],
        Search::Thorough => [1..PID_MAX_LIMIT, 0..0],
    };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    for number in ranges.into_iter().flatten() {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        let id = number as libc::id_t;
        // SAFETY: `info` has room for what waitid(2) writes.
        if unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) } == 0 {
            found(number);
        }
    }
}
