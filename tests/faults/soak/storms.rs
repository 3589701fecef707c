//! Many who want a lock at once, and go at once.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::nemesis::{Course, Nemesis};
use super::worker::Worker;

const MANY: usize = 50;

/// How long one may take to end that was told to, in the middle of whatever else fails.
const PATIENCE: Duration = Duration::from_secs(120);

struct Storm {
    worker: Arc<Worker>,
    runs: Vec<(String, Child)>,
}

/// They are killed together while they start, while they wait, or one of them while it holds.
pub(super) fn killed<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let storm = Storm::come(nemesis, MANY);
    Course::over().then(nemesis.time(10, 3000), move |_, _| {
        storm.go(&[Signal::KILL]);
    })
}

/// As systemd ends a unit (SendSIGHUP=, systemd.kill(5)), or a terminal that is closed: two signals at once.
pub(super) fn told_twice<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let storm = Storm::come(nemesis, MANY / 2);
    Course::over().then(nemesis.time(500, 3000), move |_, _| {
        storm.go(&[Signal::TERM, Signal::HUP]);
    })
}

impl Storm {
    fn come(nemesis: &mut Nemesis, many: usize) -> Self {
        let (worker, number) = (nemesis.holder(), nemesis.struck());
        let names = (0..many).map(|nth| format!("storm{number}.{nth}"));
        let start = |name: String| {
            let time = nemesis.time(10, 200);
            let child = worker.another(&name, time);
            (name, child)
        };
        let runs = names.map(start).collect();
        Self { worker, runs }
    }

    fn go(self, signals: &[Signal]) {
        for (_, child) in &self.runs {
            for &signal in signals {
                // It may have ended, and has not been reaped then.
                let _ = kill_process(Pid::from_child(child), signal);
            }
        }
        let start = Instant::now();
        for (name, mut child) in self.runs {
            let status = loop {
                if let Some(status) = child.try_wait().expect("a child") {
                    break status;
                }
                assert!(start.elapsed() < PATIENCE, "{name} does not end");
                sleep(Duration::from_millis(5));
            };
            assert!(is_expected(status), "{name} ended with {status:?}");
            self.worker.is_over(&name, status);
        }
    }
}

/// By a signal, or as any run that the others do not let have the lock, or that has lost it.
fn is_expected(status: ExitStatus) -> bool {
    let signals = [Signal::KILL, Signal::TERM, Signal::HUP].map(Signal::as_raw);
    match (status.code(), status.signal()) {
        (Some(code), _) => matches!(code, 0 | 69 | 70 | 80),
        (None, signal) => signal.is_some_and(|signal| signals.contains(&signal)),
    }
}
