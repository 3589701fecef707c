//! The process of a server, which may end by itself: nobody killed or stopped it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// After so long one that was told to end is killed, as a service manager does: an etcd that hands its lead to
/// a peer whom it does not reach has been seen to hang for a quarter of an hour.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct ServerProcess {
    child: Child,
    /// Whether it was ended on purpose, and not started again.
    is_ended: bool,
    /// How it ended by itself, until somebody asks.
    own_end: Option<ExitStatus>,
}

/// How a server ended by itself.
pub(crate) struct OwnEnd {
    pub(crate) status: ExitStatus,
    /// All that it said.
    pub(crate) log: String,
}

impl ServerProcess {
    pub(crate) fn of(child: Child) -> Self {
        Self {
            child,
            is_ended: false,
            own_end: None,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What was started anew in its place.
    pub(crate) fn is_now(&mut self, child: Child) {
        (self.child, self.is_ended) = (child, false);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that ended by itself has not been reaped before somebody looked.
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// Ends it by this signal, unless it has ended.
    pub(crate) fn end(&mut self, signal: Signal) {
        if self.has_ended() {
            self.is_ended = true;
            return;
        }
        self.signal(signal);
        self.is_ended = true;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if start.elapsed() > PATIENCE {
                self.signal(Signal::KILL);
                self.child.wait().expect("an end");
                return;
            }
            sleep(Duration::from_millis(5));
        };
        let is_clean = signal == Signal::TERM && status.success();
        if status.signal() != Some(signal.as_raw()) && !is_clean {
            self.own_end = Some(status);
        }
    }

    /// Whether it runs no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        let ended = self.child.try_wait().expect("a child");
        // What ended on purpose has been waited for.
        if !self.is_ended && self.own_end.is_none() {
            self.own_end = ended;
        }
        ended.is_some()
    }

    /// How it ended by itself, if it did since this was asked last.
    pub(crate) fn own_end(&mut self) -> Option<ExitStatus> {
        self.has_ended();
        self.own_end.take()
    }

    /// Whether it should run and does not.
    pub(crate) fn is_missing(&mut self) -> bool {
        let ended = self.child.try_wait().expect("a child");
        ended.is_some() && !self.is_ended
    }
}
