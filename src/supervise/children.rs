//! This process's children: news of them, and reaping. Nothing here allocates.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus};
use rustix::time::Timespec;

use crate::clock::Instant;

/// A descriptor that is readable when a child has news (signalfd(2)); SIGCHLD must be blocked.
pub(super) fn events() -> Result<OwnedFd, Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) initialises the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD) };
    // SAFETY: the set is initialised, and -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
    if fd == -1 {
        let error = io::Error::last_os_error();
        return Err(Errno::from_io_error(&error).unwrap_or(Errno::INVAL));
    }
    // SAFETY: signalfd(2) just gave it to us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes the news: only that there is some counts.
pub(super) fn drain(news: &OwnedFd) {
    let mut buffer = [0; 512];
    while matches!(rustix::io::read(news, &mut buffer), Ok(1..)) {}
}

/// What looking for news of a child found.
pub(super) enum ChildEvent {
    /// This one has ended, and has not been reaped.
    Ended(Pid),
    /// This one was stopped by a signal.
    Stopped(Pid, i32),
    /// There are children, and no news of them.
    Nothing,
    /// There is no child at all, so nothing below this process lives.
    NoChild,
}

/// Looks for news of a child without reaping it: until it is reaped, its process and group
/// numbers cannot be given to another.
pub(super) fn peek() -> ChildEvent {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` has room for what waitid(2) writes.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0 {
        return ChildEvent::NoChild;
    }
    // SAFETY: initialised by zeroes, and by waitid(2) if there was news.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid(2) sets si_pid, and leaves it zero without news.
    let pid = unsafe { info.si_pid() };
    // SAFETY: waitid(2) sets si_status along with si_pid.
    let status = unsafe { info.si_status() };
    match Pid::from_raw(pid) {
        Some(pid) if info.si_code == libc::CLD_STOPPED => ChildEvent::Stopped(pid, status),
        Some(pid) => ChildEvent::Ended(pid),
        None => ChildEvent::Nothing,
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

/// Ends a child, of which we know no end. One that cannot be killed while it is frozen, or whose end
/// only a tracer can see, is not waited for.
pub(super) fn end(child: Pid) {
    const LIMIT: Duration = Duration::from_millis(50);
    const LONGEST: i64 = 10_000_000;
    if !is_child(child) {
        return;
    }
    let _ = rustix::process::kill_process(child, Signal::KILL);
    let until = Instant::now() + LIMIT;
    let mut pause = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000,
    };
    while !has_ended(child) && Instant::now() < until {
        // A signal may cut it short. std's sleep would go on for what is left, to which the kernel
        // adds its slack each time (PR_SET_TIMERSLACK(2const)): under many signals it grows.
        let _ = rustix::thread::nanosleep(&pause);
        pause.tv_nsec = (pause.tv_nsec * 2).min(LONGEST);
    }
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
            ChildEvent::Ended(pid) => {
                reap(pid);
            }
            ChildEvent::Stopped(pid, _) => note_stop(pid),
            ChildEvent::Nothing => return false,
            ChildEvent::NoChild => return true,
        }
    }
}

/// Reaps what has ended, up to the first of these, which somebody else waits for.
pub(super) fn reap_others(spared: [Option<Pid>; 2]) {
    loop {
        match peek() {
            ChildEvent::Ended(pid) if spared.contains(&Some(pid)) => return,
            ChildEvent::Ended(pid) => {
                reap(pid);
            }
            ChildEvent::Stopped(pid, _) => note_stop(pid),
            ChildEvent::Nothing | ChildEvent::NoChild => return,
        }
    }
}

/// Signals a process group. The leader must not have been reaped, or the number may be another's.
pub(super) fn signal_group(group: Pid, signal: Signal) {
    // Fails if all of the group is gone, or belongs to another user (a set-user-ID program).
    let _ = rustix::process::kill_process_group(group, signal);
}
