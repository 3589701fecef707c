//! The lock keeper: a process that keeps the lock's descriptor open until some processes of the command
//! have ended, even if main ends before them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Resource};

use super::dispositions;

/// The name in ps(1).
const NAME: &std::ffi::CStr = c"lock-keeper";

/// The pause between two looks at a process where there are no pidfds (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(100);

/// Forks the keeper of `lock`, which ends when all of these have; of the signals only SIGKILL ends it.
pub(super) fn fork(lock: BorrowedFd<'_>, until_ended: &[Pid]) -> io::Result<Pid> {
    let waited: Vec<_> = until_ended
        .iter()
        .filter_map(|&pid| Waited::new(pid))
        .collect();
    let kept = waited.iter().filter_map(Waited::descriptor);
    let mut kept: Vec<_> = kept.chain([lock.as_raw_fd().unsigned_abs()]).collect();
    kept.sort_unstable();
    let mask = dispositions::block_signals();
    // SAFETY: the child makes system calls only. Anything else could wait for ever for a lock that
    // another thread held at the fork (fork(2)).
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        let _ = rustix::thread::set_name(NAME);
        let _ = rustix::process::setpgid(None, None);
        close_all_but(&kept);
        for process in &waited {
            process.wait();
        }
        // SAFETY: _exit(2) runs none of main's clean-up, of which this is a copy.
        unsafe { libc::_exit(0) }
    }
    let error = io::Error::last_os_error();
    dispositions::set_mask(&mask);
    // `from_raw` takes no negative number; zero is none either.
    Pid::from_raw(forked.max(0)).ok_or(error)
}

/// Closes all descriptors but these, which are sorted: a pipe that the keeper had open would not end
/// for its reader.
fn close_all_but(kept: &[u32]) {
    let mut first = 0;
    for &descriptor in kept {
        close(first, descriptor.checked_sub(1));
        first = descriptor + 1;
    }
    close(first, Some(u32::MAX));
}

/// Closes the descriptors of a range.
fn close(first: u32, last: Option<u32>) {
    let Some(last) = last.filter(|&last| first <= last) else {
        return;
    };
    // SAFETY: values of main's own these descriptors, which this copy of main does not use any more.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // Linux has close_range(2) from 5.9 on, and a sandbox can refuse it.
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    for descriptor in first..=last.min(limit.unwrap_or(i32::MAX.unsigned_abs())) {
        // SAFETY: as above.
        unsafe { libc::close(descriptor.cast_signed()) };
    }
}

/// A process whose end is waited for.
enum Waited {
    /// By a pidfd, which stays with one process (pidfd_open(2)).
    Process(OwnedFd),
    /// By its number, where there are no pidfds. A later process with this number is waited for too:
    /// rather too long than too short.
    Number(Pid),
}

impl Waited {
    /// `None` if it has ended and was reaped.
    fn new(pid: Pid) -> Option<Self> {
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => Some(Self::Process(process)),
            Err(Errno::SRCH) => None,
            Err(_) => Some(Self::Number(pid)),
        }
    }

    fn descriptor(&self) -> Option<u32> {
        match self {
            Self::Process(process) => Some(process.as_raw_fd().unsigned_abs()),
            Self::Number(_) => None,
        }
    }

    /// Ends when the process has.
    fn wait(&self) {
        match self {
            Self::Process(process) => {
                let mut ended = [PollFd::new(process, PollFlags::IN)];
                while rustix::event::poll(&mut ended, None) == Err(Errno::INTR) {}
            }
            Self::Number(pid) => {
                while rustix::process::test_kill_process(*pid) != Err(Errno::SRCH) {
                    std::thread::sleep(LOOK);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command};

    use super::super::children;
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn sleep() -> Child {
        Command::new("sleep").arg("600").spawn().expect("a process")
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    fn end(mut child: Child) {
        child.kill().expect("a signal");
        child.wait().expect("its end");
    }

    /// Something to keep open, and what tells whether it is.
    fn lock() -> (UnixStream, UnixStream) {
        let (lock, other) = UnixStream::pair().expect("a pair");
        other.set_read_timeout(Some(SOON)).expect("a time");
        (lock, other)
    }

    fn is_closed(mut other: &UnixStream) -> bool {
        matches!(other.read(&mut [0]), Ok(0))
    }

    /// Another process with this number. `None` where numbers cannot be chosen.
    fn another(number: u32) -> Option<Child> {
        for _ in 0..200 {
            let last = (number - 1).to_string();
            std::fs::write("/proc/sys/kernel/ns_last_pid", last).ok()?;
            let child = sleep();
            if child.id() == number {
                return Some(child);
            }
            end(child);
        }
        None
    }

    #[test]
    fn a_later_process_with_the_same_number_is_not_waited_for() {
        let (one, two) = (sleep(), sleep());
        let (lock, other) = lock();
        let keeper = fork(lock.as_fd(), &[pid(&one), pid(&two)]).expect("a keeper");
        drop(lock);
        let number = two.id();
        end(two);
        let later = another(number);
        if later.is_none() {
            eprintln!("skipped: the number cannot be given anew");
        }
        end(one);
        let closed = is_closed(&other);
        children::kill_and_reap(keeper);
        later.into_iter().for_each(end);
        assert!(closed);
    }

    /// Has this thread, and what it starts, be refused a system call (seccomp(2)).
    fn refuse(number: libc::c_long) -> bool {
        let step = |code: u32, yes, no, value| libc::sock_filter {
            code: code as u16,
            jt: yes,
            jf: no,
            k: value,
        };
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let mut filter = [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JEQ, 0, 1, number as u32),
            step(libc::BPF_RET, 0, 0, refused),
            step(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: prctl(2) takes numbers here.
        let bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
        let mode = libc::SECCOMP_MODE_FILTER;
        // SAFETY: the filter is whole, and outlives the call, which copies it.
        bound && unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &program) } == 0
    }

    #[test]
    fn keeps_nothing_else_open_where_a_range_cannot_be_closed() {
        let waited = sleep();
        if !refuse(libc::SYS_close_range) {
            eprintln!("skipped: no filter can be set");
            return end(waited);
        }
        let ((lock, kept), (pipe, closed)) = (lock(), lock());
        let keeper = fork(lock.as_fd(), &[pid(&waited)]).expect("a keeper");
        drop((lock, pipe));
        let pipe_closed = is_closed(&closed);
        kept.set_nonblocking(true).expect("a mode");
        let lock_closed = is_closed(&kept);
        end(waited);
        kept.set_nonblocking(false).expect("a mode");
        let lock_closed_at_last = is_closed(&kept);
        children::kill_and_reap(keeper);
        assert!(pipe_closed);
        assert!(!lock_closed);
        assert!(lock_closed_at_last);
    }
}
