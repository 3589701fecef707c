//! This process's children: what has happened to them, and reaping. Nothing here allocates.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus};
use rustix::time::Timespec;

use crate::clock::Instant;

/// A descriptor that is readable when a child has ended, stopped or continued (signalfd(2)).
/// SIGCHLD must be blocked.
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

/// Empties the descriptor. One SIGCHLD can stand for several children (signal(7)), so what it says is
/// of no use: [`peek`] finds out.
pub(super) fn drain(events: &OwnedFd) {
    let mut buffer = [0; 512];
    while matches!(rustix::io::read(events, &mut buffer), Ok(1..)) {}
}

/// What has happened to a child.
pub(super) enum ChildEvent {
    /// This one has ended, and has not been reaped.
    Ended(Pid),
    /// This one was stopped by a signal.
    Stopped(Pid, i32),
    /// Nothing has happened to any child.
    Nothing,
    /// There is no child, so no descendant either.
    NoChild,
}

/// Finds a child to which something has happened, without reaping it: until it is reaped no other
/// process gets its process and group numbers.
pub(super) fn peek() -> ChildEvent {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` has room for what waitid(2) writes.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0 {
        return ChildEvent::NoChild;
    }
    // SAFETY: initialised by zeroes, and by waitid(2) if something had happened.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid(2) sets si_pid, and leaves it zero if nothing has happened.
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

/// Kills a child and reaps it, unless that was done before. What outlives us here is left behind in the
/// eyes of whoever runs us, and on a busy host a process takes its time to die. The wait has an end all
/// the same: a process in a frozen cgroup (version 1) does not die of SIGKILL, and a traced one has to be
/// reaped by its tracer first (ptrace(2)).
pub(super) fn kill_and_reap(child: Pid) {
    const WAIT: Duration = Duration::from_secs(2);
    const LONGEST_PAUSE: i64 = 10_000_000;
    if !is_child(child) {
        return;
    }
    let _ = rustix::process::kill_process(child, Signal::KILL);
    let until = Instant::now() + WAIT;
    let mut pause = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000,
    };
    while !has_ended(child) && Instant::now() < until {
        // A signal ends this sleep early. std's would sleep again for the rest, and the kernel adds its
        // slack each time (PR_SET_TIMERSLACK(2const)): with many signals that becomes long.
        let _ = rustix::thread::nanosleep(&pause);
        pause.tv_nsec = (pause.tv_nsec * 2).min(LONGEST_PAUSE);
    }
}

/// Consumes a stop, so that [`peek`] does not give it again.
pub(super) fn consume_stop(pid: Pid) {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let _ = rustix::process::waitid(WaitId::Pid(pid), options);
}

/// Reaps all children that have ended. True if there is no child any more.
pub(super) fn reap_all() -> bool {
    loop {
        match peek() {
            ChildEvent::Ended(pid) => {
                reap(pid);
            }
            ChildEvent::Stopped(pid, _) => consume_stop(pid),
            ChildEvent::Nothing => return false,
            ChildEvent::NoChild => return true,
        }
    }
}

/// Reaps children that have ended, until it comes to one of `except`, which are reaped elsewhere.
pub(super) fn reap_others(except: [Option<Pid>; 2]) {
    loop {
        match peek() {
            ChildEvent::Ended(pid) if except.contains(&Some(pid)) => return,
            ChildEvent::Ended(pid) => {
                reap(pid);
            }
            ChildEvent::Stopped(pid, _) => consume_stop(pid),
            ChildEvent::Nothing | ChildEvent::NoChild => return,
        }
    }
}

/// Signals a process group. Its leader must not have been reaped, or the number may be another
/// group's by now.
pub(super) fn signal_group(group: Pid, signal: Signal) {
    // Fails if all of the group has ended, or runs as another user (a set-user-ID program).
    let _ = rustix::process::kill_process_group(group, signal);
}
