//! One worker: it wants its lock again and again, whatever becomes of it.

use std::fmt;
use std::fs::File;
use std::io::Seek;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::asking::{Able, Asking};
use super::history::History;
use super::random::Random;
use super::{HOSTS, Size, section};
use crate::process::{children, name};

/// How long one run may take: the store may be away for most of the time, and everybody before it cut off,
/// one after the other.
const PATIENCE: Duration = Duration::from_secs(600);

/// How much of what the runs say is kept.
const SAID: u64 = 1 << 20;

pub(super) struct Worker {
    /// What a run of its is started as, but for what it asks for.
    arguments: Command,
    pub(super) number: usize,
    pub(super) key: String,
    keys: Vec<String>,
    able: Able,
    pub(super) ttl: Duration,
    /// Between two runs at most, in milliseconds.
    rest: u64,
    history: Arc<History>,
    log: File,
    state: Mutex<State>,
}

struct State {
    random: Random,
    child: Option<Child>,
    /// The run that goes on.
    run: String,
    completed: usize,
    lost: usize,
    killed: usize,
    unreachable: usize,
    gave_up: usize,
}

impl Worker {
    /// One that works as `run`, a `genlock run` to which nothing but the store was said, on the key of its
    /// number.
    pub(super) fn new(
        run: &Command,
        number: usize,
        (size, able): (&Size, Able),
        history: &Arc<History>,
        random: Random,
    ) -> Self {
        Self {
            arguments: with_program(run, history),
            number,
            key: size.keys[number % size.keys.len()].clone(),
            keys: size.keys.clone(),
            able,
            ttl: size.ttl(number),
            rest: size.rest,
            history: history.clone(),
            log: tempfile::tempfile().expect("a file"),
            state: Mutex::new(State {
                random,
                child: None,
                run: String::new(),
                completed: 0,
                lost: 0,
                killed: 0,
                unreachable: 0,
                gave_up: 0,
            }),
        }
    }

    /// Works until it is over, and until it was served.
    pub(super) fn work(&self, over: &AtomicBool) {
        let mut run = 0;
        while !over.load(Ordering::Relaxed) || self.state().completed == 0 {
            run += 1;
            self.once(&format!("{}.{run}", self.number));
            let rest = self.state().random.time(0, self.rest);
            sleep(rest);
        }
    }

    fn once(&self, run: &str) {
        let mut state = self.state();
        let random = &mut state.random;
        let asking = Asking::any(&self.key, &self.keys, self.ttl, &self.able, random);
        // Most of the time of a lock is that of the long ones, and most faults hit them.
        let time = match random.below(6) {
            0 => random.time(1000, 5000),
            _ => random.time(10, 150),
        };
        let manners = ["polite", "polite", "stubborn"][random.below(3)];
        let child = self.start(run, &asking, time, manners);
        state.child = Some(child);
        run.clone_into(&mut state.run);
        drop(state);
        let status = self.end();
        self.is_over(run, status);
        self.count(run, status);
    }

    /// One more who wants this key, alone and not for long.
    pub(super) fn another(&self, run: &str, time: Duration) -> Child {
        self.start(run, &Asking::alone(&self.key, self.ttl), time, "polite")
    }

    fn start(&self, run: &str, asking: &Asking, time: Duration, manners: &str) -> Child {
        let mut command = Command::new(self.arguments.get_program());
        command.args(self.arguments.get_args()).env_clear();
        for (name, value) in self.arguments.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.arg("--events").arg(self.history.events(run));
        command.args(asking.words());
        let directory = self.history.directory();
        command.args(section::command(directory, run, asking, time, manners));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(self.log.try_clone().expect("a file"));
        let mut noted = asking.noted();
        noted["host"] = (self.number % HOSTS).into();
        noted["manners"] = manners.into();
        // Before it is there: so nothing of it is earlier.
        self.history.note("worker", "asked", Some(run), &noted);
        command.spawn().expect("a process")
    }

    /// Notes the end of a run.
    pub(super) fn is_over(&self, run: &str, status: ExitStatus) {
        self.history.add_events(run);
        let ended = json!({ "status": status.code(), "signal": status.signal() });
        self.history.note("worker", "over", Some(run), &ended);
    }

    fn count(&self, run: &str, status: ExitStatus) {
        let mut state = self.state();
        match status.code() {
            Some(0) => state.completed += 1,
            Some(75) => state.gave_up += 1,
            Some(80) => state.lost += 1,
            Some(69) => state.unreachable += 1,
            // The watchdog was killed, or genlock.
            Some(70) => state.killed += 1,
            None if status.signal() == Some(Signal::KILL.as_raw()) => state.killed += 1,
            _ => panic!("{run} ended with {status:?}: {}", self.said()),
        }
        drop(state);
        let length = self.log.metadata().expect("a file").len();
        if length > SAID {
            self.log.set_len(0).expect("a file");
            (&self.log).rewind().expect("a file");
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
        self.history.hit("victim", &(&*state.run).into());
        // It may have ended, and has not been reaped then.
        kill_process(Pid::from_child(child), signal).is_ok()
    }

    /// Its genlock and all that it has started, each behind its parent, to be stopped in this order.
    pub(super) fn tree(&self) -> Vec<Pid> {
        let state = self.state();
        let mut tree: Vec<i32> = state.child.iter().map(|child| child.id() as i32).collect();
        if !tree.is_empty() {
            self.history.hit("victim", &(&*state.run).into());
        }
        let mut next = 0;
        while let Some(&parent) = tree.get(next) {
            tree.extend(children(parent));
            next += 1;
        }
        tree.into_iter().filter_map(Pid::from_raw).collect()
    }

    /// Signals the watchdog of its genlock, if there is one.
    pub(super) fn signal_watchdog(&self, signal: Signal) {
        let state = self.state();
        let Some(child) = &state.child else {
            return;
        };
        let mut all = children(child.id() as i32).into_iter();
        if let Some(watchdog) = all.find(|&pid| name(pid) == "lock-watchdog") {
            self.history.hit("victim", &(&*state.run).into());
            // It may have ended, and has perhaps been reaped: then the number is nobody's for a while.
            let _ = kill_process(Pid::from_raw(watchdog).expect("a process"), signal);
        }
    }

    /// The run that was in its lock last, perhaps another's.
    pub(super) fn last_run(&self) -> Option<String> {
        self.history.last_run(&self.key)
    }

    /// Whether this is a run of its.
    pub(super) fn ran(&self, run: &str) -> bool {
        run.split('.').next() == Some(&self.number.to_string())
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
        // The others go on when one has ended for what it found.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same with the genlock of this soak.
fn with_program(run: &Command, history: &History) -> Command {
    let (built, program) = (env!("CARGO_BIN_EXE_genlock"), history.program());
    let ours = |word: &std::ffi::OsStr| match word == built {
        true => program.clone().into_os_string(),
        false => word.to_owned(),
    };
    let mut command = Command::new(ours(run.get_program()));
    command.args(run.get_args().map(ours)).env_clear();
    for (name, value) in run.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(
            f,
            "worker {} on {}: {} completed, {} lost, {} killed, {} without a store, {} gave up",
            self.number,
            self.key,
            state.completed,
            state.lost,
            state.killed,
            state.unreachable,
            state.gave_up
        )
    }
}
