//! The watchdog is stopped where SIGCONT and SIGKILL do not reach it: held by a tracer that never
//! looks, or in a frozen cgroup. genlock then does alone what the watchdog should have done.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, bare, died_of, poll};
use crate::process::{is_dead, state, watchdog};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::{Polite, Stubborn};
use crate::sections::{Sections, now};
use crate::support::etcd::Server;
use crate::{TTL, WITH_TTL, next, together};

/// A tracer that attaches and never waits for what it traces, which can then not be reaped either
/// (ptrace(2)).
const TRACER: &str = r#"
my %call = (x86_64 => 101, aarch64 => 117);
my $machine = qx(uname -m);
chomp $machine;
my $attach = 16;
syscall($call{$machine} // die("skipped"), $attach, $ARGV[0] + 0, 0, 0) == 0 or die "ptrace: $!";
$| = 1;
print "ready $$\n";
sleep 600;
"#;

/// What holds a process, for as long as it is kept.
struct Hold {
    _tracer: Option<Run>,
    _cgroup: Option<Cgroup>,
}

/// A cgroup whose processes are frozen (freezer-subsystem.rst): they are not even killed before
/// they are thawed. Thawed and removed when dropped.
struct Cgroup(PathBuf);

impl Hold {
    fn trace(pid: i32) -> Self {
        let mut tracer = bare("perl");
        tracer.args(["-e", TRACER, &pid.to_string()]);
        let tracer = Run::start(tracer);
        tracer.ready();
        poll("the stop", || state(pid) == Some('t'));
        Self {
            _tracer: Some(tracer),
            _cgroup: None,
        }
    }

    /// `None` where there is no such cgroup to be had, which is said.
    fn freeze(pids: &[i32]) -> Option<Self> {
        let cgroup = format!("/sys/fs/cgroup/freezer/genlock-{}", pids[0]);
        let cgroup = PathBuf::from(cgroup);
        let made = std::fs::create_dir(&cgroup);
        if let Err(error) = made {
            eprintln!("skipped: {}: {error}", cgroup.display());
            return None;
        }
        let cgroup = Cgroup(cgroup);
        for pid in pids {
            cgroup.write("cgroup.procs", &pid.to_string());
        }
        cgroup.write("freezer.state", "FROZEN");
        poll("the freezing", || {
            let state = std::fs::read_to_string(cgroup.0.join("freezer.state"));
            state.is_ok_and(|state| state.trim() == "FROZEN")
        });
        Some(Self {
            _tracer: None,
            _cgroup: Some(cgroup),
        })
    }
}

impl Cgroup {
    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).expect("a cgroup");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.write("freezer.state", "THAWED");
        poll("the cgroup's end", || std::fs::remove_dir(&self.0).is_ok());
    }
}

/// How the watchdog is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Traced,
    Frozen,
}

fn hold(how: How, pid: i32) -> Option<Hold> {
    match how {
        How::Traced => Some(Hold::trace(pid)),
        How::Frozen => Hold::freeze(&[pid]),
    }
}

#[test]
fn a_watchdog_out_of_reach_does_not_keep_the_command_alive() {
    let cases = [
        (How::Traced, Polite, false),
        (How::Traced, Stubborn, false),
        (How::Frozen, Polite, false),
        (How::Frozen, Stubborn, false),
        (How::Traced, Stubborn, true),
        (How::Frozen, Stubborn, true),
    ];
    together(cases, |(how, manners, leave)| {
        let server = Server::start();
        let proxy = Proxy::before(&server.endpoint());
        let store = Store::at(server.endpoint());
        let ours = Store::at(proxy.endpoint());
        let log = Sections::new(store.directory());
        let beats = log.beats("first", manners);
        let mut holder = if leave {
            let options = [&WITH_TTL[..], &["--leave-descendants"]].concat();
            Run::start(ours.sh(&options, &format!("{beats} & exec {beats}")))
        } else {
            Run::start(ours.sh(&WITH_TTL, &format!("(setsid {beats} &) & exec {beats}")))
        };
        let tree = holder.all_ready(2);
        let next = next(&store, &log, "next");
        let Some(hold) = hold(how, watchdog(holder.pid())) else {
            return;
        };
        proxy.hold(Way::Requests);
        let cut = now();
        poll("the tree's end", || tree.iter().all(|&pid| is_dead(pid)));
        let dead = now() - cut;
        println!("{how:?}, {manners:?}: dead after {dead:?}");
        holder.ended();
        // What is frozen has the output open.
        drop(hold);
        let holder = holder.finish();
        next.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        assert!(holder.one_line().contains("the lock is lost"));
        let sections = log.check(2);
        let told = sections[0].told.expect("a SIGTERM");
        assert!(dead < TTL, "{dead:?}");
        if manners == Stubborn {
            let grace = sections[0].last - told;
            assert!(grace > Duration::from_millis(500), "the grace: {grace:?}");
        }
    });
}

/// What is frozen along with the watchdog does nothing; thawed, it dies before it does anything.
#[test]
fn a_command_that_is_frozen_past_the_deadline_never_runs_again() {
    let server = Server::start();
    let proxy = Proxy::before(&server.endpoint());
    let store = Store::at(server.endpoint());
    let log = Sections::new(store.directory());
    let beats = log.beats("first", Stubborn);
    let script = format!("(setsid {beats} &) & exec {beats}");
    let mut holder = Run::start(Store::at(proxy.endpoint()).sh(&WITH_TTL, &script));
    let tree = holder.all_ready(2);
    let next = next(&store, &log, "next");
    let all = [&[watchdog(holder.pid())], &tree[..]].concat();
    let Some(hold) = Hold::freeze(&all) else {
        return;
    };
    proxy.hold(Way::Requests);
    next.finish();
    assert!(!holder.has_ended());
    drop(hold);
    poll("the tree's end", || tree.iter().all(|&pid| is_dead(pid)));
    assert_eq!(holder.finish().status.code(), Some(80));
    log.check(2);
}

/// The lock is another's at once: there is no time to wait for a deadline.
#[test]
fn a_lock_that_is_taken_away_is_told_without_the_watchdog() {
    let store = Store::etcd();
    let log = Sections::new(store.directory());
    let beats = log.beats("first", Polite);
    let script = format!("(setsid {beats} &) & exec {beats}");
    let holder = Run::start(store.sh(&["--ttl", "600"], &script));
    let tree = holder.all_ready(2);
    let _hold = Hold::trace(watchdog(holder.pid()));
    let taken = now();
    let server = store.server().expect("an etcd");
    server.ctl(&["del", "--prefix", &format!("{}/", store.key)]);
    poll("the tree's end", || tree.iter().all(|&pid| is_dead(pid)));
    assert!(now() - taken < TTL, "{:?}", now() - taken);
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    assert!(holder.one_line().contains("the lock is lost"));
}

/// Long before the deadline, genlock ends what it runs by itself when this is done to it.
fn ends_alone(options: &[&str], done: impl FnOnce(&mut Run)) {
    let store = Store::etcd();
    let script = "(setsid sh -c 'echo ready $$; exec sleep 600' &) & echo ready $$; exec sleep 600";
    let mut holder = Run::start(store.sh(options, script));
    let tree = holder.all_ready(2);
    let _hold = Hold::trace(watchdog(holder.pid()));
    done(&mut holder);
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(70), "{holder:?}");
    let line = holder.one_line();
    assert!(line.contains("the watchdog is stopped or frozen"), "{line}");
    assert!(tree.into_iter().all(is_dead));
    assert!(store.is_free());
}

#[test]
fn a_watchdog_that_takes_no_orders_is_not_waited_for() {
    ends_alone(&["--ttl", "600", "-k", "1"], |holder| {
        poll("the end", || {
            if !holder.has_ended() {
                holder.signal(Signal::WINCH);
            }
            holder.has_ended()
        });
    });
}

/// Somebody wants it to end.
#[test]
fn a_signal_that_it_does_not_pass_on_ends_the_command() {
    ends_alone(&["--ttl", "600"], |holder| holder.signal(Signal::TERM));
}

#[test]
fn without_a_command_it_is_not_waited_for() {
    let store = Store::etcd();
    let holder = store.hold();
    let waiter = Run::start(store.run(&[], &["true"]));
    waiter.complains("waiting");
    let watchdog = watchdog(waiter.pid());
    let _hold = Hold::trace(watchdog);
    waiter.signal(Signal::TERM);
    let waiter = waiter.finish();
    assert_eq!(waiter.status.signal(), Some(15), "{waiter:?}");
    assert!(is_dead(watchdog));
    holder.end();
}

/// The turn of a waiter whose watchdog is held has come: it has the lock, and no command.
fn with_its_turn(store: &Store, options: &[&str]) -> (Run, Hold) {
    let holder = store.hold();
    let waiter = Run::start(store.run(options, &["touch", "ran"]));
    waiter.complains("waiting");
    let hold = Hold::trace(watchdog(waiter.pid()));
    holder.end();
    poll("its turn", || !store.is_free());
    (waiter, hold)
}

#[test]
fn a_signal_ends_the_wait_for_a_watchdog_that_starts_nothing() {
    together([Store::etcd(), Store::files()], |store| {
        let (mut waiter, _hold) = with_its_turn(&store, &[]);
        waiter.signal(Signal::TERM);
        let (status, took) = waiter.ended();
        died_of(status, Signal::TERM);
        println!("ended after {took:?}");
        let waiter = waiter.finish();
        let frozen = "the watchdog is stopped or frozen";
        assert!(waiter.stderr.contains(frozen), "{waiter:?}");
        assert!(!waiter.stderr.contains("lost"), "{waiter:?}");
        assert!(store.is_free());
        assert!(!store.path("ran").exists());
    });
}

#[test]
fn a_watchdog_that_starts_nothing_does_not_keep_the_lock() {
    together([Store::etcd(), Store::files()], |store| {
        let (waiter, _hold) = with_its_turn(&store, &["--ttl", "2"]);
        poll("a free lock", || store.is_free());
        let waiter = waiter.finish();
        assert_eq!(waiter.status.code(), Some(70), "{waiter:?}");
        assert!(!store.path("ran").exists());
    });
}

/// It has not told of the end, and reaps nobody.
#[test]
fn the_end_of_a_command_that_it_does_not_tell_is_noticed_with_a_renewal() {
    let store = Store::etcd();
    let mut holder = Run::start_to_wait(store.sh(&["-v", "--ttl", "3"], "echo ready $$; read go"));
    let command = holder.ready();
    let _hold = Hold::trace(watchdog(holder.pid()));
    holder.go_on();
    poll("the end", || is_dead(command));
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(70), "{holder:?}");
    assert!(holder.stderr.contains("is not known"), "{holder:?}");
    assert!(store.is_free());
}
