//! The built `genlock` from outside: started, met by what it prints, waited for with a bound, and
//! killed when the test is over.

mod finished;
mod run;
mod store;
mod written;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

pub(crate) use finished::{Finished, died_of};
pub(crate) use run::Run;
pub(crate) use store::Store;

/// How long anything that should happen soon may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A bare command: of the environment only what programs need to be found, and no configuration of
/// this host's.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GENLOCK_CONFIG", "/dev/null");
    command
}

/// `genlock` without arguments.
pub(crate) fn genlock() -> Command {
    bare(env!("CARGO_BIN_EXE_genlock"))
}

/// The program's arguments behind another's, such as those of `env`: what is given runs under it,
/// in its own environment.
pub(crate) fn under(prefix: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(prefix[0]);
    outer.env_clear();
    outer.args(&prefix[1..]);
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer
}

/// A copy of genlock in this directory, where every user can run it. Not copied by us: a process
/// that another test starts meanwhile would have the copy open for writing for a moment, and nobody
/// could run it.
pub(crate) fn copy_for_all(directory: &Path) -> PathBuf {
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).expect("a mode");
    let program = directory.join("program");
    let mut copy = bare("cp");
    copy.arg(env!("CARGO_BIN_EXE_genlock")).arg(&program);
    output(copy).silent(0);
    program
}

/// The same command as another user, who needs no account.
pub(crate) fn as_user(user: u32, command: &Command) -> Command {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    under(&["setpriv", &user, &group, "--clear-groups"], command)
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn output(command: Command) -> Finished {
    Run::start(command).finish()
}

pub(crate) fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, signal).expect("a living process");
}

/// Waits until it is so, with a bound.
#[track_caller]
pub(crate) fn poll(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Measures until one measurement is below the limit: a loaded machine is late at times, a broken
/// program always.
#[track_caller]
pub(crate) fn within(limit: Duration, mut measure: impl FnMut() -> Duration) {
    let mut all = Vec::new();
    for _ in 0..10 {
        let took = measure();
        if took < limit {
            return;
        }
        all.push(took);
    }
    panic!("over {limit:?} each time: {all:?}");
}
