//! What the tool says and does over ZooKeeper alone.

use crate::genlock::{Run, Store, genlock, output};
use crate::support::zookeeper::{Asked, Chroot};

/// Ephemeral, as CreateMode.java has it.
const EPHEMERAL: i32 = 1;

/// The lock's node as zk-flock makes it, which keeps it for as long as its session lasts.
fn held_without_a_queue(chroot: &Chroot, store: &Store) -> Asked {
    output(store.run(&[], &["true"])).silent(0);
    chroot.delete(&store.key);
    let mut asked = chroot.server.asked();
    asked.create(&format!("{}{}", chroot.path, store.key), b"host", EPHEMERAL);
    asked
}

fn verb(name: &str, options: &[&str], store: &Store) -> std::process::Command {
    let mut verb = genlock();
    verb.arg(name).args(options);
    verb.args(["--endpoints", &store.endpoints, &store.key]);
    verb
}

#[test]
fn another_ttl_than_was_asked_for_is_told_to_who_wants_to_know() {
    let store = Store::zookeeper();
    // The longest session of the tests' servers is 100 minutes.
    let run = output(store.run(&["-v", "--ttl", "2h"], &["true"]));
    let told = "grants a TTL of 1h 4m 54s, not the 2h that it was asked for";
    assert!(run.stderr.contains(told), "{run:?}");
    assert_eq!(run.status.code(), Some(0));
    output(store.run(&["--ttl", "2h"], &["true"])).silent(0);
    let run = output(store.run(&["-v", "--ttl", "1h"], &["true"]));
    assert!(!run.stderr.contains("grants"), "{run:?}");
}

#[test]
fn a_tool_without_a_queue_is_waited_for_within_the_limit() {
    let chroot = Chroot::of_the_shared();
    let store = Store::at(chroot.endpoint());
    let other = held_without_a_queue(&chroot, &store);
    for options in [&["-n"][..], &["-w", "0.3"]] {
        let run = output(store.run(options, &["true"]));
        assert_eq!(run.status.code(), Some(75), "{run:?}");
        assert!(run.stderr.contains("another tool"), "{run:?}");
    }
    let waiter = Run::start(store.sh(&[], "echo ready $$"));
    waiter.complains("waiting");
    let wait = Run::start(verb("wait", &[], &store));
    let status = output(verb("status", &[], &store));
    assert_eq!(status.status.code(), Some(0), "{status:?}");
    assert!(status.text().contains("another tool"), "{status:?}");
    drop(other);
    waiter.ready();
    assert_eq!(waiter.finish().status.code(), Some(0));
    wait.finish().silent(0);
    assert!(chroot.standing().is_empty());
}

#[test]
fn what_a_tool_without_a_queue_does_is_told_of() {
    let chroot = Chroot::of_the_shared();
    let store = Store::at(chroot.endpoint());
    let other = held_without_a_queue(&chroot, &store);
    let watch = Run::start(verb("watch", &["--exact"], &store));
    watch.says("another tool");
    drop(other);
    watch.says("released");
    watch.end();
}

#[test]
fn it_is_taken_away_from_a_tool_without_a_queue_as_from_any_other() {
    let chroot = Chroot::of_the_shared();
    let store = Store::at(chroot.endpoint());
    let _other = held_without_a_queue(&chroot, &store);
    let waiter = Run::start(store.sh(&[], "echo ready $$"));
    waiter.complains("waiting");
    let status = output(verb("status", &["--json"], &store));
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let token = status["holder"]["token"].to_string();
    let broken = output(verb("break", &["--token", &token], &store));
    assert_eq!(broken.status.code(), Some(0), "{broken:?}");
    waiter.ready();
    assert_eq!(waiter.finish().status.code(), Some(0));
}
