//! One worker: it wants its lock again and again, whatever becomes of it.

use std::fmt;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::history::{History, Sharing};
use super::random::Random;
use crate::process::{children, name};

/// A short one: more locks are lost than with the TTL of the other tests.
pub(super) const TTL: Duration = Duration::from_secs(3);

/// How long one run may take: everybody before it may have been cut off.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Worker {
    /// What a run of its is started as, but for the command.
    arguments: Command,
    pub(super) number: usize,
    pub(super) key: String,
    history: Arc<History>,
    /// How its runs hold the lock, one or the other.
    ways: &'static [Sharing],
    log: File,
    state: Mutex<State>,
}

struct State {
    random: Random,
    child: Option<Child>,
    /// The runs that ended with success.
    completed: Vec<String>,
    lost: usize,
    killed: usize,
    unreachable: usize,
}

impl Worker {
    /// One that works as `run`, a `genlock run` to which nothing but the store was said.
    pub(super) fn new(
        mut run: Command,
        number: usize,
        key: &str,
        history: &Arc<History>,
        ways: &'static [Sharing],
        random: Random,
    ) -> Self {
        run.args(["--ttl", &TTL.as_secs().to_string()]);
        Self {
            arguments: run,
            number,
            key: key.to_owned(),
            history: history.clone(),
            ways,
            log: tempfile::tempfile().expect("a file"),
            state: Mutex::new(State {
                random,
                child: None,
                completed: Vec::new(),
                lost: 0,
                killed: 0,
                unreachable: 0,
            }),
        }
    }

    /// Works until it is over, and until it was served.
    pub(super) fn work(&self, over: &AtomicBool) {
        let mut run = 0;
        while !over.load(Ordering::Relaxed) || self.state().completed.is_empty() {
            run += 1;
            self.run(&format!("{}.{run}", self.number));
        }
    }

    fn run(&self, run: &str) {
        let mut command = Command::new(self.arguments.get_program());
        command.args(self.arguments.get_args()).env_clear();
        for (name, value) in self.arguments.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let mut state = self.state();
        let way = self.ways[state.random.below(self.ways.len())];
        let run = &format!("{run}{}", way.suffix());
        command.args(way.options()).arg(&self.key);
        // Most of the time of a lock is that of the long ones, and most faults hit them.
        let time = match state.random.below(6) {
            0 => state.random.time(1000, 5000),
            _ => state.random.time(10, 150),
        };
        let manners = ["polite", "polite", "stubborn"][state.random.below(3)];
        command.args(self.history.section(run, time, manners));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(self.log.try_clone().expect("a file"));
        state.child = Some(command.spawn().expect("a process"));
        drop(state);
        let status = self.end();
        let mut state = self.state();
        match status.code() {
            Some(0) => state.completed.push(run.to_owned()),
            Some(80) => state.lost += 1,
            Some(69) => state.unreachable += 1,
            // The watchdog was killed, or genlock.
            Some(70) => state.killed += 1,
            None if status.signal() == Some(Signal::KILL.as_raw()) => state.killed += 1,
            _ => panic!("{run} ended with {status:?}: {}", self.said()),
        }
    }

    /// The end of the run. It is reaped while nobody can signal it.
    fn end(&self) -> ExitStatus {
        let start = Instant::now();
        loop {
            let mut state = self.state();
            let child = state.child.as_mut().expect("a child");
            if let Some(status) = child.try_wait().expect("a child") {
                state.child = None;
                return status;
            }
            drop(state);
            let waited = start.elapsed();
            assert!(waited < PATIENCE, "{self} waits too long: {}", self.said());
            sleep(Duration::from_millis(10));
        }
    }

    /// Signals its genlock, if it runs.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let state = self.state();
        let Some(child) = &state.child else {
            return false;
        };
        // It may have ended, and has not been reaped then.
        kill_process(Pid::from_child(child), signal).is_ok()
    }

    /// Signals the watchdog of its genlock, if there is one.
    pub(super) fn signal_watchdog(&self, signal: Signal) {
        let state = self.state();
        let Some(child) = &state.child else {
            return;
        };
        let mut all = children(child.id() as i32).into_iter();
        if let Some(watchdog) = all.find(|&pid| name(pid) == "lock-watchdog") {
            // It may have ended, and has perhaps been reaped: then the number is nobody's for a while.
            let _ = kill_process(Pid::from_raw(watchdog).expect("a process"), signal);
        }
    }

    /// The run that was in its lock last, perhaps another's.
    pub(super) fn last_run(&self) -> Option<String> {
        self.history.last_run()
    }

    /// Whether this is a run of its.
    pub(super) fn ran(&self, run: &str) -> bool {
        run.split('.').next() == Some(&self.number.to_string())
    }

    pub(super) fn completed(&self) -> Vec<String> {
        self.state().completed.clone()
    }

    /// The end of what its runs said.
    fn said(&self) -> String {
        use std::os::unix::fs::FileExt;
        let length = self.log.metadata().expect("a file").len();
        let mut text = vec![0; length.min(2000) as usize];
        let from = length - text.len() as u64;
        self.log.read_exact_at(&mut text, from).expect("a file");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(
            f,
            "worker {} on {}: {} completed, {} lost, {} killed, {} without a store",
            self.number,
            self.key,
            state.completed.len(),
            state.lost,
            state.killed,
            state.unreachable
        )
    }
}
