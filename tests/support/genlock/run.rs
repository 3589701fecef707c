//! A process from its start to its end: genlock, or another.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::finished::Finished;
use super::written::Written;
use super::{poll, send};

/// A started process, genlock or another. Killed when dropped.
pub(crate) struct Run {
    child: Child,
    start: Instant,
    stdout: Arc<Written>,
    stderr: Arc<Written>,
}

impl Run {
    /// Starts it with nothing on stdin.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    /// Starts it with this stdin.
    pub(crate) fn start_with(command: Command, stdin: Stdio) -> Self {
        Self::spawn(command, stdin, Stdio::piped(), Stdio::piped())
    }

    /// Starts it with this stderr, of which nothing is collected.
    pub(crate) fn start_on(command: Command, stderr: Stdio) -> Self {
        Self::spawn(command, Stdio::null(), Stdio::piped(), stderr)
    }

    /// Starts it with this stdout, of which nothing is collected.
    pub(crate) fn start_into(command: Command, stdout: Stdio) -> Self {
        Self::spawn(command, Stdio::null(), stdout, Stdio::piped())
    }

    fn spawn(mut command: Command, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Self {
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let start = Instant::now();
        let mut child = command.spawn().expect("a process");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Self {
            child,
            start,
            stdout: collected(stdout),
            stderr: collected(stderr),
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Starts it with a stdin on which it waits for [`Run::go_on`].
    pub(crate) fn start_to_wait(command: Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// Ends the wait of a command that reads from its stdin.
    pub(crate) fn go_on(&mut self) {
        drop(self.stdin());
    }

    /// Ends it by SIGTERM, so that a lock is released and not left to its TTL.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.signal(Signal::TERM);
        self.ended();
    }

    /// The pipe to its stdin, if it was asked for.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a pipe")
    }

    /// Waits for a line `ready PID` on stdout and gives the number.
    pub(crate) fn ready(&self) -> i32 {
        self.all_ready(1)[0]
    }

    /// Waits for this many of them, from different processes.
    pub(crate) fn all_ready(&self, count: usize) -> Vec<i32> {
        let what = format!("{count} lines \"ready PID\"");
        let both = |out: &[u8]| {
            let text = String::from_utf8_lossy(out).into_owned();
            text.split_inclusive('\n')
                .filter_map(|line| {
                    line.strip_prefix("ready ")?
                        .strip_suffix('\n')?
                        .parse()
                        .ok()
                })
                .collect::<Vec<_>>()
        };
        self.stdout.until(&what, |out, over| {
            let pids = both(out);
            assert!(
                pids.len() >= count || !over,
                "no {what}; stderr: {}",
                self.stderr.so_far()
            );
            (pids.len() >= count).then_some(pids)
        })
    }

    /// Waits until stdout has this text.
    pub(crate) fn says(&self, text: &str) {
        self.stdout.until(text, |out, _| {
            String::from_utf8_lossy(out).contains(text).then_some(())
        });
    }

    /// Waits until stdout has this text so often.
    pub(crate) fn says_times(&self, text: &str, times: usize) {
        self.stdout.until(text, |out, _| {
            let found = String::from_utf8_lossy(out).matches(text).count();
            (found >= times).then_some(())
        });
    }

    /// Waits until stderr has this text.
    pub(crate) fn complains(&self, text: &str) {
        self.stderr.until(text, |out, _| {
            String::from_utf8_lossy(out).contains(text).then_some(())
        });
    }

    /// Whether stderr has this text by now.
    #[allow(dead_code)] // Not in every test program.
    pub(crate) fn has_complained(&self, text: &str) -> bool {
        self.stderr.so_far().contains(text)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end, and for all of its output.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let (status, took) = self.ended();
        let rest = |written: &Written| {
            written.until("end of the output", |out, over| over.then(|| out.to_vec()))
        };
        Finished {
            status,
            took,
            stdout: rest(&self.stdout),
            stderr: String::from_utf8_lossy(&rest(&self.stderr)).into_owned(),
        }
    }

    /// Waits for its end only: others may have its output open.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let mut status = None;
        poll("the end of the process", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        (status.expect("a status"), self.start.elapsed())
    }
}

/// What comes from a pipe, if there is one.
fn collected(pipe: Option<impl Read + Send + 'static>) -> Arc<Written> {
    let pipe: Box<dyn Read + Send> = match pipe {
        Some(pipe) => Box::new(pipe),
        None => Box::new(std::io::empty()),
    };
    Written::collect(pipe).0
}

impl Drop for Run {
    fn drop(&mut self) {
        // The watchdog sees to the rest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
