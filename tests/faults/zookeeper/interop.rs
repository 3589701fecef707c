//! Who else locks in ZooKeeper, by its own real client: each waits for the other, in the order of coming.

use std::process::Command;

use crate::genlock::{Run, Store, output, poll};
use crate::support::zookeeper::start::classes;
use crate::support::zookeeper::{Chroot, PYTHON};

/// Takes a lock until its stdin ends: SERVERS PATH RECIPE.
const CURATOR: &str = r#"
import org.apache.curator.framework.*;
import org.apache.curator.framework.recipes.locks.*;
import org.apache.curator.retry.RetryOneTime;

public class Holder {
    public static void main(String[] given) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(given[0], new RetryOneTime(100));
        client.start();
        InterProcessLock lock = switch (given[2]) {
            case "write" -> new InterProcessReadWriteLock(client, given[1]).writeLock();
            case "read" -> new InterProcessReadWriteLock(client, given[1]).readLock();
            default -> new InterProcessMutex(client, given[1]);
        };
        lock.acquire();
        System.out.println("ready " + ProcessHandle.current().pid());
        while (System.in.read() >= 0) {}
        lock.release();
        client.close();
    }
}
"#;

/// The same.
const KAZOO: &str = r#"
import os, sys
from kazoo.client import KazooClient
client = KazooClient(sys.argv[1])
client.start()
recipes = {"lock": client.Lock, "write": client.WriteLock, "read": client.ReadLock}
lock = recipes[sys.argv[3]](sys.argv[2])
lock.acquire()
print("ready", os.getpid(), flush=True)
sys.stdin.read()
lock.release()
client.stop()
"#;

/// A client of another kind that asks for the lock of the store's key.
fn other(chroot: &Chroot, store: &Store, (tool, recipe): (&str, &str)) -> Run {
    let mut command;
    if tool == "curator" {
        let file = store.path("Holder.java");
        std::fs::write(&file, CURATOR).expect("a file");
        let jars = [
            "curator-client",
            "curator-framework",
            "curator-recipes",
            "guava",
        ];
        command = Command::new("java");
        command
            .args(["-XX:TieredStopAtLevel=1", "-cp", &classes(&jars)])
            .arg(file);
    } else {
        command = Command::new(PYTHON);
        command.args(["-c", KAZOO]);
    }
    let path = format!("{}{}", chroot.path, store.key);
    command.args([&chroot.server.address(), &path, recipe]);
    Run::start_to_wait(command)
}

fn queued(chroot: &Chroot, count: usize) {
    poll("a place in the queue", || chroot.standing().len() == count);
}

/// The tool holds, then genlock waits, then the tool again; and genlock does not get by.
fn by_turns(layout: &str, tool: (&str, &str)) {
    let chroot = Chroot::of_the_shared();
    let store = Store::at(format!("{}?layout={layout}", chroot.endpoint()));
    let mut first = other(&chroot, &store, tool);
    first.ready();
    let refused = output(store.run(&["-n"], &["true"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    let mut genlock = Run::start_to_wait(store.sh(&[], "echo ready $$; read _; true"));
    queued(&chroot, 2);
    let mut last = other(&chroot, &store, tool);
    queued(&chroot, 3);
    // Whenever it has the lock it lets go of it at once.
    last.go_on();
    assert!(!genlock.has_ended() && !last.has_ended());
    first.go_on();
    first.finish();
    genlock.ready();
    assert_eq!(chroot.standing().len(), 2);
    assert!(!last.has_ended(), "beside genlock");
    genlock.go_on();
    assert_eq!(genlock.finish().status.code(), Some(0));
    last.ready();
    last.finish();
    assert!(chroot.standing().is_empty());
}

#[test]
fn curator_and_genlock_exclude_each_other() {
    by_turns("curator", ("curator", "mutex"));
    by_turns("curator-rw", ("curator", "write"));
}

#[test]
fn kazoo_and_genlock_exclude_each_other() {
    by_turns("kazoo", ("kazoo", "lock"));
    by_turns("kazoo", ("kazoo", "write"));
}

/// Readers of both hold beside each other, and a writer of theirs waits for both.
fn reads_beside(layout: &str, tool: &str) {
    let chroot = Chroot::of_the_shared();
    let store = Store::at(format!("{}?layout={layout}", chroot.endpoint()));
    let patient = ["-s", "--dial-timeout", "15s"];
    let mut genlock = Run::start_to_wait(store.sh(&patient, "echo ready $$; read _; true"));
    genlock.ready();
    let mut reader = other(&chroot, &store, (tool, "read"));
    reader.ready();
    output(store.run(&["-n", "-s"], &["true"])).silent(0);
    let mut writer = other(&chroot, &store, (tool, "write"));
    queued(&chroot, 3);
    // Nobody passes a writer that waits.
    let refused = output(store.run(&["-n", "-s"], &["true"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    reader.go_on();
    reader.finish();
    assert_eq!(chroot.standing().len(), 2);
    assert!(!writer.has_ended(), "beside genlock");
    genlock.go_on();
    assert_eq!(genlock.finish().status.code(), Some(0));
    writer.ready();
    let refused = output(store.run(&["-n", "-s"], &["true"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    writer.go_on();
    writer.finish();
    assert!(chroot.standing().is_empty());
}

#[test]
fn readers_of_curator_and_genlock_share() {
    reads_beside("curator-rw", "curator");
}

#[test]
fn readers_of_kazoo_and_genlock_share() {
    reads_beside("kazoo", "kazoo");
}

#[test]
fn whatever_the_layout_genlock_waits_for_every_tool() {
    for (layout, tool) in [
        ("curator", ("kazoo", "lock")),
        ("kazoo", ("curator", "mutex")),
        ("curator", ("kazoo", "read")),
        ("curator", ("curator", "read")),
    ] {
        let chroot = Chroot::of_the_shared();
        let store = Store::at(format!("{}?layout={layout}", chroot.endpoint()));
        let mut first = other(&chroot, &store, tool);
        first.ready();
        let refused = output(store.run(&["-n"], &["true"]));
        assert_eq!(refused.status.code(), Some(75), "{layout} {tool:?}");
        first.go_on();
        first.finish();
        output(store.run(&["-n"], &["true"])).silent(0);
    }
}
