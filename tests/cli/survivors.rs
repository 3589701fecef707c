//! What the command left behind cannot be ended by genlock: a process of root's, as sudo(8) starts
//! one, below a genlock of another user.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use crate::genlock::{Run, Store, as_user, bare, copy_for_all, died_of, output, poll, send, under};
use crate::process::{children, is_dead, name};

over_every_store! {
    it_is_named_and_two_signals_leave_it_with_the_lock;
    when_it_ends_the_lock_is_released_and_the_status_is_the_commands;
    a_genlock_that_is_killed_meanwhile_leaves_the_lock;
}

/// A user who may become root.
struct User {
    genlock: PathBuf,
    root: PathBuf,
}

impl User {
    fn new(store: &Store) -> Option<Self> {
        if !geteuid().is_root() {
            eprintln!("skipped: only root can become another user");
            return None;
        }
        let genlock = copy_for_all(store.directory());
        let locks = store.path("locks");
        std::fs::create_dir(&locks).expect("a directory");
        std::fs::set_permissions(&locks, PermissionsExt::from_mode(0o1777)).expect("a mode");
        // setpriv(1) with the set-user-ID bit becomes whom it is told, as sudo(8) without a password.
        let root = store.path("become");
        let mut copy = bare("cp");
        copy.arg("/usr/bin/setpriv").arg(&root);
        output(copy).silent(0);
        std::fs::set_permissions(&root, PermissionsExt::from_mode(0o4755)).expect("a mode");
        Some(Self { genlock, root })
    }

    /// A command that leaves a process of root's, which closes what it inherits, and ends with 7.
    fn run(&self, store: &Store) -> Command {
        self.run_until(store, "grep -q sleep /proc/$!/comm")
    }

    /// The same where this says that it is there.
    fn run_until(&self, store: &Store, there: &str) -> Command {
        let root = format!("{} --reuid=0 --regid=0 --clear-groups", self.root.display());
        let script = format!(
            "{root} bash -c '
                for fd in {{3..63}}; do eval \"exec $fd>&-\"; done
                : >there; echo ready $$; exec sleep 600' 2>/dev/null &
            while ! {there}; do :; done
            exit 7"
        );
        let genlock = store.sh(&["-k", "100ms"], &script);
        let mut moved = bare(&self.genlock);
        moved.args(genlock.get_args());
        for (name, value) in genlock.get_envs() {
            moved.env(name, value.unwrap_or_default());
        }
        let mut run = as_user(1_000_000 + std::process::id(), &moved);
        run.current_dir(store.directory());
        run
    }
}

/// Gives a /proc that shows the processes of others to nobody but root, or none.
const HIDDEN: &str = "mount -t proc -o hidepid=2 proc /proc";
const NO_PROC: &str = "mount -t tmpfs none /proc";

/// Root's process, ended with the test.
struct Survivor(i32);

impl Drop for Survivor {
    fn drop(&mut self) {
        if !is_dead(self.0) {
            send(self.0, Signal::KILL);
        }
    }
}

fn it_is_named_and_two_signals_leave_it_with_the_lock(store: &Store) {
    let Some(user) = User::new(store) else { return };
    let mut run = Run::start(user.run(store));
    let survivor = Survivor(run.ready());
    let named = format!("sleep (pid {}, user root)", survivor.0);
    run.complains(&format!("{named}: end it"));
    run.signal(Signal::TERM);
    assert!(!store.is_free());
    assert!(!run.has_ended());
    poll("the end", || {
        // Two that wait to be taken are one.
        let ended = run.has_ended();
        if !ended {
            run.signal(Signal::TERM);
        }
        ended
    });
    let (status, _) = run.ended();
    died_of(status, Signal::TERM);
    run.complains(&format!("left behind: {named}"));
    assert!(!is_dead(survivor.0));
    assert!(!store.is_free(), "released while it lives");
    drop(survivor);
    poll("the end of the lock", || store.is_free());
}

fn when_it_ends_the_lock_is_released_and_the_status_is_the_commands(store: &Store) {
    let Some(user) = User::new(store) else { return };
    let run = Run::start(user.run(store));
    let survivor = Survivor(run.ready());
    run.complains("SIGKILL");
    assert!(!store.is_free());
    // One signal is not enough to leave it, nor is there anybody to pass it on, which takes a second.
    run.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(1200));
    drop(survivor);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(7), "{run:?}");
    assert!(store.is_free());
}

/// Which is what people do to a process that does not end.
fn a_genlock_that_is_killed_meanwhile_leaves_the_lock(store: &Store) {
    let Some(user) = User::new(store) else { return };
    let mut run = Run::start(user.run(store));
    let survivor = Survivor(run.ready());
    run.complains("SIGKILL");
    // All that it was, but for what it keeps the lock by.
    poll("the watchdog's end", || {
        let children = children(run.pid());
        !children.iter().any(|&child| name(child) == "lock-watchdog")
    });
    run.signal(Signal::KILL);
    run.ended();
    assert!(!is_dead(survivor.0));
    assert!(!store.is_free(), "released while it lives");
    drop(survivor);
    poll("the end of the lock", || store.is_free());
}

/// What cannot be looked at is there all the same.
#[test]
fn what_proc_does_not_show_keeps_the_lock_of_a_file() {
    for proc in [HIDDEN, NO_PROC] {
        let store = Store::files();
        let Some(user) = User::new(&store) else {
            return;
        };
        let script = format!("{proc} && exec \"$@\"");
        let there = ["unshare", "-m", "sh", "-c", &script, "sh"];
        if output(under(&there, &bare("true"))).status.code() != Some(0) {
            eprintln!("skipped: no file system can be mounted here");
            return;
        }
        let mut command = under(&there, &user.run_until(&store, "[ -e there ]"));
        command.current_dir(store.directory());
        let mut run = Run::start(command);
        let survivor = Survivor(run.ready());
        run.complains(&format!("pid {}", survivor.0));
        poll("the end", || {
            let ended = run.has_ended();
            if !ended {
                run.signal(Signal::TERM);
            }
            ended
        });
        assert!(!is_dead(survivor.0));
        assert!(!store.is_free(), "{proc}: released while it lives");
        drop(survivor);
        poll("the end of the lock", || store.is_free());
    }
}
