//! A host that dies in the slot, and a store that is away when it is to be marked.

use std::time::Duration;

use rustix::process::Signal;

use super::{run, runs};
use crate::genlock::{Run, Store, genlock, output, poll};
use crate::support::etcd::Server;

over_every_store! {
    a_host_that_dies_leaves_the_slot_to_who_waits;
}

fn a_host_that_dies_leaves_the_slot_to_who_waits(store: &Store) {
    let once = ["-q", "--ttl", "2s", "--once-per", "day"];
    let holder = Run::start(store.sh(&once, "echo ready $$; exec sleep 600"));
    holder.ready();
    // Who does not wait has gone by then: the slot stays empty until the next time.
    run(store, &["-q", "-n", "--once-per", "day"]).silent(75);
    let waiter = ["-v", "--ttl", "2s", "--once-per", "day", "--wait", "60s"];
    let waiter = Run::start(store.sh(&waiter, "echo run >>runs"));
    waiter.complains("waiting for ");
    holder.signal(Signal::KILL);
    let ended = waiter.finish();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(runs(store), 1);
    run(store, &["-n", "--once-per", "day"]).silent(0);
    assert_eq!(runs(store), 1);
}

#[test]
fn a_store_that_is_away_for_a_moment_is_asked_again() {
    let mut server = Server::start();
    let store = Store::at(server.endpoint());
    let options = ["--ttl", "60s", "--command-timeout", "30s", "--once", "n"];
    let mut marking = Run::start_to_wait(store.sh(&options, "echo ready $$; read x; : >over"));
    marking.ready();
    server.kill();
    marking.go_on();
    poll("the end of the command", || store.path("over").exists());
    server.restart();
    marking.finish().silent(0);
    run(&store, &["--once", "n"]).silent(0);
    assert_eq!(runs(&store), 0);
}

#[test]
fn a_store_that_stays_away_is_told_of_and_the_status_is_the_commands() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let options = ["--ttl", "60s", "--command-timeout", "1s", "--once", "n"];
    let mut marking = Run::start_to_wait(store.sh(&options, "echo ready $$; read x; exit 0"));
    marking.ready();
    server.freeze();
    marking.go_on();
    let ended = marking.finish();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(20), "{ended:?}");
    let mut lines = ended.stderr.lines();
    let first = lines.next().expect("a line");
    let unmarked = "genlock: warning: n: it is not marked as done: ";
    assert!(first.starts_with(unmarked), "{ended:?}");
    server.thaw();
}

#[test]
fn a_user_without_rights_to_the_marks_is_told_where_they_are() {
    let mut server = Server::start();
    server.enable_auth();
    let ask = |words: &[&str]| {
        let mut command = genlock();
        command
            .args(words)
            .args(["--endpoints", &server.endpoint()]);
        command.arg("/locks").env("GENLOCK_USER", "app:secret");
        command
    };
    let mut run = ask(&["run", "--once", "n"]);
    run.arg("true");
    let refused = output(run);
    assert_eq!(refused.status.code(), Some(77), "{refused:?}");
    let line = refused.one_line();
    assert!(line.contains("its marks are below /locks.once:"), "{line}");
    // Whoever wants no marks does without.
    let shown = output(ask(&["status"])).silent(1);
    assert_eq!(shown.text(), "/locks: free");
}
