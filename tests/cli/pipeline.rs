//! A lock across the steps of a job, as CI runners do it: each step is a new shell in a session of its own, and
//! is signalled by itself; or a container of its own.

use std::collections::BTreeMap;
use std::process::Command;

use rustix::process::{Pid, Signal};

use crate::acquire::{acquire, keeper, until_ended, variables};
use crate::genlock::{Run, Store, bare, output, poll, send, under};
use crate::process::{is_dead, runs_nothing, watchdog};

type Variables = BTreeMap<String, String>;

const GENLOCK: &str = env!("CARGO_BIN_EXE_genlock");

/// What the container of a step does with it.
const CONTAINER: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// A step of a job with these variables; `genlock` in it is the program.
fn step(variables: &Variables, script: &str) -> Command {
    let mut step = bare("setsid");
    let script = format!("genlock() {{ {GENLOCK} \"$@\"; }}\n{script}");
    step.args(["--wait", "sh", "-ec", &script]);
    step.envs(variables);
    step
}

/// The step that takes the lock for the job, which the test is.
fn acquiring(store: &Store, ttl: &str) -> Command {
    let line = format!("genlock acquire --pid $PPID --for 10m {}", store.key);
    let mut acquiring = step(&Variables::new(), &line);
    acquiring.env("GENLOCK_ENDPOINTS", &store.endpoints);
    if store.expires() {
        acquiring.env("GENLOCK_TTL", ttl);
    }
    acquiring
}

/// A step that runs under the lock until it is killed, and tells of the signals that come before.
fn long_step(held: &Variables) -> Command {
    let script = "trap 'echo interrupted' INT; trap 'echo terminated' TERM; echo ready $$; \
                  while :; do sleep 0.05; done";
    step(
        held,
        &format!("exec {GENLOCK} run --held -- sh -c \"{script}\"").replace("$$", "\\$\\$"),
    )
}

fn a_cancelled_job_releases_in_its_last_step(store: &Store) {
    let held = variables(&output(acquiring(store, "30")).silent(0));
    let next = Run::start(acquiring(store, "30"));
    next.complains("waiting for");
    let mut cancelled = Run::start(long_step(&held));
    let command = cancelled.ready();
    cancelled.signal(Signal::INT);
    cancelled.says("interrupted");
    cancelled.signal(Signal::TERM);
    cancelled.says("terminated");
    cancelled.signal(Signal::KILL);
    cancelled.ended();
    // It is released at once: the keeper waits for what is left of that step.
    output(step(&held, "genlock release")).silent(0);
    assert!(runs_nothing(command));
    let next = next.finish();
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    let held = variables(&next);
    output(step(&held, "genlock run --held -- true && genlock release")).silent(0);
    assert!(store.is_free());
}

mod files {
    #[test]
    fn a_cancelled_job_releases_in_its_last_step() {
        super::a_cancelled_job_releases_in_its_last_step(&crate::genlock::Store::files());
    }
}

mod etcd {
    #[test]
    fn a_cancelled_job_releases_in_its_last_step() {
        super::a_cancelled_job_releases_in_its_last_step(&crate::genlock::Store::etcd());
    }
}

/// As when the machine is gone.
#[test]
fn a_job_of_which_nothing_lives_has_the_lock_for_its_ttl() {
    let store = Store::etcd();
    let held = variables(&output(acquiring(&store, "5")).silent(0));
    let job = Run::start(long_step(&held));
    let command = job.ready();
    let next = Run::start(store.sh(&[], "echo next"));
    next.complains("waiting for");
    // Stopped first, so that none sees another's end.
    let all = [keeper(&store), job.pid(), watchdog(job.pid()), command];
    all.iter().for_each(|&pid| send(pid, Signal::STOP));
    for pid in all {
        // It is gone already where another's end is its own.
        let _ = rustix::process::kill_process(Pid::from_raw(pid).expect("a process"), Signal::KILL);
    }
    let next = next.finish();
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    assert_eq!(next.text(), "next");
}

/// Whether a step was gone when the next holder began, where the keeper was frozen.
fn is_gone_under_a_frozen_keeper(store: &Store) -> bool {
    let held = variables(&output(acquiring(store, "5")).silent(0));
    let keeper = keeper(store);
    let job = Run::start(long_step(&held));
    let command = job.ready();
    let look = format!("kill -0 {command} 2>/dev/null && echo both; echo next");
    let next = Run::start(store.sh(&[], &look));
    next.complains("waiting for");
    send(keeper, Signal::STOP);
    let job = job.finish();
    assert_eq!(job.status.code(), Some(80), "{job:?}");
    assert!(is_dead(command));
    let next = next.finish();
    let last = output(step(&held, "genlock release"));
    assert_eq!(last.status.code(), Some(80), "{last:?}");
    send(keeper, Signal::KILL);
    next.text() == "next"
}

#[test]
fn a_step_whose_keeper_is_frozen_is_gone_before_another_holds() {
    let store = Store::etcd();
    // A loaded machine is late at times, a broken program always.
    assert!((0..3).any(|_| is_gone_under_a_frozen_keeper(&store)));
}

/// By these a runner finds what a job has left behind, and ends it.
#[test]
fn the_keeper_has_the_marks_of_its_job() {
    let store = Store::files();
    let marks = [
        ("RUNNER_TRACKING_ID", "github_1"),
        ("BUILD_ID", "2"),
        ("JENKINS_NODE_COOKIE", "3"),
    ];
    let mut acquire = acquiring(&store, "30");
    acquire.envs(marks);
    output(acquire).silent(0);
    let keeper = keeper(&store);
    let environment = std::fs::read(format!("/proc/{keeper}/environ")).expect("an environment");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    for (name, value) in marks {
        let mark = format!("{name}={value}");
        assert!(environment.split('\0').any(|each| each == mark), "{mark}");
    }
    send(keeper, Signal::TERM);
    until_ended(keeper);
    assert!(store.is_free());
}

#[test]
fn a_container_for_each_step_shares_a_lock_that_nobody_keeps() {
    if !output(under(&CONTAINER, &bare("true"))).status.success() {
        eprintln!("skipped: PID namespaces take root");
        return;
    }
    let store = Store::redis();
    let container = |command: &Command| under(&CONTAINER, command);
    // The number of a process outside is 0 in there.
    let refused = output(container(&acquiring(&store, "30")));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(refused.one_line().contains("--pid none"), "{refused:?}");
    let acquired = output(container(&acquire(&store, &["--pid", "none"])));
    let held = variables(&acquired.silent(0));
    let killed = Run::start(container(&long_step(&held)));
    killed.ready();
    drop(killed);
    output(container(&step(&held, "genlock check -q"))).silent(0);
    output(container(&step(&held, "genlock run --held -- true"))).silent(0);
    assert!(!store.is_free());
    output(container(&step(&held, "genlock release"))).silent(0);
    poll("the release", || store.is_free());
}
