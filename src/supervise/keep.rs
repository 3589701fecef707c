//! A process that keeps the lock's descriptor open while others live whose lock it is, also if main
//! ends before them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::world;

/// The name in ps(1).
const NAME: &std::ffi::CStr = c"lock-keeper";

/// Between two looks at a process where there are no descriptors for them (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(100);

/// Keeps `lock` open until all of these have ended; no signal but SIGKILL ends that. Gives the process
/// that does it.
pub(super) fn keep_open(lock: BorrowedFd<'_>, until_ended: &[Pid]) -> io::Result<Pid> {
    let mask = world::block_signals();
    // SAFETY: the child makes system calls only, as it has to where there are other threads, whose
    // locks would never be let go of in this copy (fork(2)).
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        let _ = rustix::thread::set_name(NAME);
        let _ = rustix::process::setpgid(None, None);
        close_all_but(lock);
        for &pid in until_ended {
            wait_for(pid);
        }
        // SAFETY: _exit(2) runs none of main's clean-up, of which this is a copy.
        unsafe { libc::_exit(0) }
    }
    let error = io::Error::last_os_error();
    world::set_mask(&mask);
    // A number that is below zero is none, and not even to be looked at.
    Pid::from_raw(forked.max(0)).ok_or(error)
}

/// Nobody is to wait for the end of a pipe because of us.
fn close_all_but(lock: BorrowedFd<'_>) {
    let kept = lock.as_raw_fd().unsigned_abs();
    for (first, last) in [(0, kept.wrapping_sub(1)), (kept + 1, u32::MAX)] {
        if first <= last && (first, last) != (0, u32::MAX) {
            // SAFETY: what owns these descriptors is main's; this copy of it uses them no more.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    }
}

/// Ends when the process has.
fn wait_for(pid: Pid) {
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => {
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            while rustix::event::poll(&mut ended, None) == Err(Errno::INTR) {}
        }
        Err(Errno::SRCH) => {}
        // One that has its number meanwhile is waited for too: rather too long than too short.
        Err(_) => {
            while rustix::process::test_kill_process(pid) != Err(Errno::SRCH) {
                std::thread::sleep(LOOK);
            }
        }
    }
}
