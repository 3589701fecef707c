//! genlock lacks what it should have: somewhere to write, /proc, descriptors, processes. It says so
//! where it can, and neither hangs nor keeps the lock.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Finished, Run, Store, output, poll, under};
use crate::process::is_dead;
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::{WITH_TTL, next, together};

/// Longer than anything here takes, even where a lock is left to its TTL.
const NO_HANG: Duration = Duration::from_secs(20);

/// Runs it within a shell that first takes away what is to be lacking.
fn within(preparation: &str, command: &Command) -> Command {
    let script = format!("{preparation}\nexec \"$@\"");
    let mut lacking = under(&["bash", "-c", &script, "bash"], command);
    if let Some(directory) = command.get_current_dir() {
        lacking.current_dir(directory);
    }
    lacking
}

fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can {what}");
    }
    root
}

/// Where genlock's own lines cannot go.
const NOWHERE: [&str; 6] = [
    "exec 2>/dev/full",
    "exec >/dev/full 2>&1",
    "exec 2>&-",
    "exec <&- >&- 2>&-",
    "exec > >(:); wait $!",
    "exec > >(:) 2>&1; wait $!",
];

#[test]
fn with_nowhere_to_write_the_lock_is_waited_for_and_held_and_released() {
    together(NOWHERE, |preparation| {
        let store = Store::etcd();
        let holder = store.hold();
        let waiter = store.sh(&["-vv"], "sleep 4; exit 7");
        let mut waiter = Run::start(within(preparation, &waiter));
        poll("its place in the queue", || store.entries().len() == 2);
        holder.end();
        let (status, took) = waiter.ended();
        assert_eq!(status.code(), Some(7), "{preparation}");
        assert!(took < NO_HANG, "{took:?}");
        assert_eq!(store.entries(), [""; 0], "{preparation}");
    });
}

#[test]
fn with_nowhere_to_write_a_loss_still_stops_the_command() {
    together(NOWHERE, |preparation| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let script = format!("exec >/dev/null; {}", log.beats("first", Polite));
        let command = store.sh(&["-vv"], &script);
        let mut run = Run::start(within(preparation, &command));
        poll("its start", || !log.read().is_empty());
        let server = store.server().expect("etcd");
        server.ctl(&["del", &store.entries()[0]]);
        let (status, took) = run.ended();
        assert_eq!(status.code(), Some(80), "{preparation}");
        assert!(took < NO_HANG, "{took:?}");
        assert!(log.of("first").told.is_some());
    });
}

/// What keeps a process without /proc.
const NO_PROC: [&str; 5] = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs none /proc && exec \"$@\"",
];

/// A command whose processes have left its session, one of them twice over.
fn scattered(log: &Sections) -> String {
    let (polite, stubborn) = (log.beats("first", Polite), log.beats("first", Stubborn));
    format!("setsid sh -c '(setsid {stubborn} &) & {polite}' & (setsid {stubborn} &) & {polite}")
}

#[test]
fn without_proc_the_whole_tree_is_found_and_killed() {
    if !is_root("mount over /proc") {
        return;
    }
    let tried = output(under(&NO_PROC, &crate::genlock::bare("true")));
    if !tried.status.success() {
        println!(
            "skipped: nothing can be mounted over /proc here: {}",
            tried.stderr.trim()
        );
        return;
    }
    type Fault = fn(&Run);
    let cases: [(&str, Fault, Option<i32>); 3] = [
        ("killed", |genlock| genlock.signal(Signal::KILL), None),
        ("frozen", |genlock| genlock.signal(Signal::STOP), Some(80)),
        ("told", |genlock| genlock.signal(Signal::TERM), None),
    ];
    together(cases, |(what, fault, status)| {
        let store = Store::etcd();
        let log = Sections::new(store.directory());
        let command = store.sh(&WITH_TTL, &scattered(&log));
        let prefix = [&NO_PROC[..], &["sh"]].concat();
        let holder = Run::start(under(&prefix, &command));
        let pids = holder.all_ready(4);
        let next = next(&store, &log, "next");
        let from = now();
        fault(&holder);
        poll("the tree's end", || pids.iter().all(|&pid| is_dead(pid)));
        println!("{what}: dead after {:?}", now() - from);
        next.finish();
        log.check(2);
        if what == "frozen" {
            holder.signal(Signal::CONT);
        }
        let holder = holder.finish();
        assert_eq!(holder.status.code(), status, "{holder:?}");
    });
}

/// That it ran, or one clear line says why not; and that nothing is left in the store.
fn ran_or_said_why(store: &Store, what: &str, ended: &Finished) -> bool {
    assert!(ended.took < NO_HANG, "{what}: {ended:?}");
    let ran = ended.status.code() == Some(7);
    println!("{what}: {} {}", ended.status, ended.stderr.trim_end());
    if ran {
        assert_eq!(ended.stderr, "", "{what}");
    } else {
        let status = ended.status.code();
        assert!(matches!(status, Some(69 | 70 | 126)), "{what}: {ended:?}");
        ended.one_line();
        assert!(!store.path("ran").exists(), "{what}");
    }
    poll("an empty queue", || store.entries().is_empty());
    assert!(store.is_free(), "{what}");
    ran
}

#[test]
fn with_few_descriptors_it_runs_or_says_why_not() {
    // Where it runs at all it also keeps the lock, for longer than the TTL.
    let script = "touch ran; sleep 4.5; exit 7";
    for files in [true, false] {
        let all_ran = Mutex::new(BTreeMap::new());
        together(4..20, |limit| {
            let store = if files { Store::files() } else { Store::etcd() };
            let command = store.sh(&["--ttl", "4"], script);
            let ended = output(within(&format!("ulimit -n {limit}"), &command));
            let ran = ran_or_said_why(&store, &format!("{limit} descriptors"), &ended);
            assert!(!ended.stderr.contains("on this host only"));
            all_ran.lock().expect("a lock").insert(limit, ran);
        });
        let all_ran: Vec<_> = all_ran
            .into_inner()
            .expect("a lock")
            .into_values()
            .collect();
        assert!(all_ran.is_sorted(), "more of them do harm: {all_ran:?}");
        assert!(!all_ran[0] && all_ran[15], "{all_ran:?}");
    }
}

#[test]
fn with_few_processes_it_runs_or_says_why_not() {
    if !is_root("become a user who has no process yet") {
        return;
    }
    // Where that user finds it.
    let place = tempfile::tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).expect("a mode");
    let copy = place.path().join("genlock");
    // By another process: a file that this one has open to write to, its children have as well, and
    // cannot execute (ETXTBSY).
    let mut cp = crate::genlock::bare("cp");
    cp.arg(crate::genlock::genlock().get_program()).arg(&copy);
    assert!(cp.status().expect("cp").success());
    let ran: Vec<_> = (1..=4)
        .map(|limit| {
            let store = Store::etcd();
            let command = store.run(&["--ttl", "2"], &["sh", "-c", "exit 7"]);
            let user = format!("{}", 40_000 + std::process::id() % 10_000);
            let nproc = format!("--nproc={limit}");
            let mut limited = under(
                &[
                    "setpriv",
                    "--reuid",
                    &user,
                    "--clear-groups",
                    "prlimit",
                    &nproc,
                ],
                &Command::new(&copy),
            );
            limited.args(command.get_args()).current_dir("/");
            let ended = output(limited);
            ran_or_said_why(&store, &format!("{limit} processes"), &ended)
        })
        .collect();
    assert_eq!(ran, [false, false, true, true]);
}
