//! A process that another one's life goes by, as one that holds a lock for it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::proc::Proc;
use crate::clock::{Instant, sleep_until};

/// The pause between two looks at a process where there are no pidfds (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(500);

/// How often a shell may have forked itself.
const DEPTH: u32 = 64;

/// A process whose end can be waited for.
pub(crate) struct FollowedProcess {
    pid: Pid,
    /// It stays with one process (pidfd_open(2)). `None` where there are none.
    process: Option<OwnedFd>,
    /// When it started, as far as /proc says.
    start: Option<u64>,
}

/// Why a process cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFollowed {
    /// There is none with this number, in our PID namespace.
    Nobody,
    /// It has ended.
    Ended,
    /// It began after we did: it is another one than was meant.
    Later,
}

/// The parent of this process; `None` if that is outside of our PID namespace (getppid(2)).
pub(crate) fn parent() -> Option<Pid> {
    rustix::process::getppid()
}

/// The process that executed what `pid` runs: where a shell has forked itself, as for `( … )` and parts of
/// a pipeline, that is the script's own process, and not what ends with those.
pub(crate) fn executor(pid: Pid) -> Pid {
    let mut pid = pid;
    let Some(proc) = Proc::open() else {
        return pid;
    };
    for _ in 0..DEPTH {
        match image(&proc, pid) {
            Some((own, Some(parent)))
                if image(&proc, parent).is_some_and(|(above, _)| above == own) =>
            {
                pid = parent;
            }
            _ => break,
        }
    }
    pid
}

/// Where the arguments of a process lie in its memory, which is another place after execve(2), and what they
/// are.
type Image = (u64, Vec<u8>);

/// The image of a process, and its parent. `None` of what may not be seen.
fn image(proc: &Proc, pid: Pid) -> Option<(Image, Option<Pid>)> {
    let number = pid.as_raw_nonzero().get();
    let stat = proc.stat(number)?;
    let words = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
    let parent = Some(stat.parent).filter(|&parent| parent > 1);
    let is_seen = stat.arg_start != 0 && !words.is_empty();
    is_seen.then_some(((stat.arg_start, words), parent.and_then(Pid::from_raw)))
}

impl FollowedProcess {
    /// The process with this number.
    pub(crate) fn new(pid: Pid) -> Result<Self, NotFollowed> {
        let process = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => Some(process),
            Err(Errno::NOSYS | Errno::PERM) if !is_gone(pid) => None,
            Err(_) => return Err(NotFollowed::Nobody),
        };
        let start = start(pid);
        if let (Some(start), Some(ours)) = (start, self::start(rustix::process::getpid()))
            && start > ours
        {
            return Err(NotFollowed::Later);
        }
        let followed = Self {
            pid,
            process,
            start,
        };
        if followed.has_ended() {
            return Err(NotFollowed::Ended);
        }
        Ok(followed)
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    fn has_ended(&self) -> bool {
        let Some(process) = &self.process else {
            let is_another = self.start.is_some() && start(self.pid) != self.start;
            return is_another || is_gone(self.pid);
        };
        let mut ended = [PollFd::new(process, PollFlags::IN)];
        let now = rustix::event::Timespec::default();
        rustix::event::poll(&mut ended, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Ends when the process has. Cancel-safe.
    pub(crate) async fn ended(&self) {
        if let Some(process) = &self.process
            && self.readable(process).await.is_ok()
        {
            return;
        }
        while !self.has_ended() {
            sleep_until(Instant::now() + LOOK).await;
        }
    }

    async fn readable(&self, process: &OwnedFd) -> io::Result<()> {
        // SAFETY: the descriptor is borrowed, and so stays open for longer than this.
        let process =
            unsafe { AsyncFd::register_with_interest(process.as_fd(), Interest::READABLE)? };
        process.readable().await?.retain_ready();
        Ok(())
    }
}

/// Whether there is no process with this number.
fn is_gone(pid: Pid) -> bool {
    rustix::process::test_kill_process(pid) == Err(Errno::SRCH)
}

/// When a process started, in ticks since boot.
fn start(pid: Pid) -> Option<u64> {
    Some(Proc::open()?.stat(pid.as_raw_nonzero().get())?.start)
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_seen() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("a process");
        let pid = Pid::from_child(&child);
        // It began after this test did.
        let followed = FollowedProcess {
            pid,
            process: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
            start: start(pid),
        };
        assert!(!followed.has_ended());
        child.kill().expect("a signal");
        followed.ended().await;
        child.wait().expect("its end");
        let by_number = FollowedProcess {
            process: None,
            ..followed
        };
        by_number.ended().await;
    }

    #[test]
    fn a_shell_that_forked_itself_is_one_script() {
        let script = "echo $$; (sh -c 'echo $PPID; read x'; true); true";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut out = std::io::BufReader::new(shell.stdout.take().expect("a pipe"));
        let mut number = || {
            let mut line = String::new();
            out.read_line(&mut line).expect("a line");
            Pid::from_raw(line.trim().parse().expect("a number")).expect("a process")
        };
        let (script, forked) = (number(), number());
        assert_ne!(script, forked);
        assert_eq!(executor(forked), script);
        assert_eq!(executor(script), script);
        drop(shell.stdin.take());
        shell.wait().expect("its end");
    }

    #[test]
    fn who_is_not_there_is_not_followed() {
        let nobody = FollowedProcess::new(Pid::from_raw(i32::MAX).expect("a number"));
        assert_eq!(nobody.err(), Some(NotFollowed::Nobody));
        let parent = FollowedProcess::new(parent().expect("a parent")).expect("a process");
        assert!(!parent.has_ended());
    }
}
