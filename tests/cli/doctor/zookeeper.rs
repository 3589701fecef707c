//! A ZooKeeper that has the locks.

use super::{doctor, examined, json, says};
use crate::genlock::{Store, output};
use crate::support::faketime;
use crate::support::zookeeper::{Chroot, ZkServer};

#[test]
fn each_server_and_the_chroot_are_looked_at() {
    let chroot = Chroot::of_the_shared();
    let endpoint = chroot.endpoint();
    let run = examined(doctor(&endpoint, &[]), 0);
    says(&run, "ok", "endpoint", &["ZooKeeper 3.", "standalone"]);
    says(&run, "warn", "chroot", &[&chroot.path, "not there yet"]);
    let store = Store::at(&endpoint);
    output(store.run(&[], &["true"])).silent(0);
    let run = examined(doctor(&endpoint, &[]), 0);
    assert!(!run.text().contains("\nwarn"), "{}", run.text());
    let found = json(doctor(&endpoint, &["--ttl", "7"]), 0);
    assert_eq!(found["store"], "zookeeper");
    assert_eq!(found["endpoints"][0]["role"], "standalone");
    assert_eq!(found["times"]["ttl"], 7.0);
    // The longest session of the tests' servers.
    let found = json(doctor(&endpoint, &["--ttl", "2h"]), 0);
    assert_eq!(found["times"]["ttl"], 3894.736);
    assert!(chroot.standing().is_empty(), "the doctor left something");
}

#[test]
fn what_a_session_may_be_is_told_and_one_that_is_too_short_is_wrong() {
    let short = ZkServer::with(2000, "minSessionTimeout=500\nmaxSessionTimeout=40000\n");
    let endpoint = format!("zk://{}", short.address());
    let run = examined(doctor(&endpoint, &[]), 0);
    let limits = ["sessions of 500ms to 40s", "TTLs of 324ms to 25s 964ms"];
    says(&run, "ok", "session", &limits);
    // Two of its ticks are 4 s.
    let run = examined(doctor(&endpoint, &["--ttl", "2"]), 64);
    let told = ["shorter than two of its ticks", "more than 2s 596ms"];
    says(&run, "wrong", "session", &told);
    let other = Chroot::of_the_shared().server.address();
    let run = examined(doctor(&format!("{endpoint},{other}"), &[]), 0);
    says(&run, "warn", "session", &["different limits", "the same"]);
}

#[test]
fn what_we_may_do_is_tried_and_leaves_nothing() {
    let chroot = Chroot::of_the_shared();
    let endpoint = chroot.endpoint();
    let mut asked = chroot.server.asked();
    let mut node = |name: &str, rights| {
        asked.create_with(&format!("{}{name}", chroot.path), b"", 0, rights);
    };
    node("", 31);
    // Read, write, create, delete, administrate (ZooDefs.java).
    node("/all", 31);
    node("/kept", 31 - 8);
    node("/closed", 31 - 4);
    node("/hidden", 4);
    let told = |path: &str, acl: &str| format!("below {}{path}; its ACL: {acl}", chroot.path);
    let run = examined(doctor(&endpoint, &["/all/k"]), 0);
    let all = told("/all", "world:anyone cdrwa");
    says(&run, "ok", "rights", &["make and delete nodes", &all]);
    let run = examined(doctor(&endpoint, &["/kept/k"]), 0);
    let kept = told("/kept", "world:anyone crwa");
    says(&run, "warn", "rights", &["delete nodes", &kept, "`break`"]);
    let run = examined(doctor(&endpoint, &["/closed/k"]), 77);
    let closed = told("/closed", "world:anyone drwa");
    says(&run, "wrong", "rights", &["make nodes", &closed, "setAcl"]);
    let run = examined(doctor(&endpoint, &["/hidden/k"]), 77);
    says(&run, "wrong", "rights", &["may not see", "is hidden"]);
    let found = json(doctor(&endpoint, &["/closed/k"]), 77);
    assert_eq!(found["rights"]["prefix"], "/closed/k");
    assert_eq!(found["rights"]["read"], true);
    assert_eq!(found["rights"]["write"], false);
    assert!(chroot.standing().is_empty(), "the doctor left something");
    // A lock that is one user's, and no others'.
    let store = Store::at(&endpoint);
    let own = |mut command: std::process::Command| {
        command.env("GENLOCK_USER", "app");
        command.env("GENLOCK_PASSWORD", "secret");
        command
    };
    output(own(store.run(&[], &["true"]))).silent(0);
    let run = examined(own(doctor(&endpoint, &[&store.key])), 0);
    says(&run, "ok", "rights", &[&told("/locks/k", "digest:app")]);
    examined(doctor(&endpoint, &[&store.key]), 77);
    // No number of its queue was used.
    let second = store.sh(&[], "echo $GENLOCK_HELD_OWNER_KEY");
    let run = output(own(second));
    assert!(run.text().ends_with("-0000000001"), "{run:?}");
}

#[test]
fn a_clock_that_is_far_from_the_leaders_is_told() {
    let Some(library) = faketime::library() else {
        return;
    };
    let endpoint = Chroot::of_the_shared().endpoint();
    let mut doctor = doctor(&endpoint, &[]);
    faketime::fake(&mut doctor, &library, "+90s");
    let run = examined(doctor, 0);
    says(&run, "warn", "clock", &["the leader's clock and ours are "]);
    let (_, off) = run.text().split_once(" and ours are ").expect("a clock");
    let (off, _) = off.split_once("s apart").expect("seconds");
    // That it is more is not known: the answer is on its way for a while.
    let off: f64 = off.parse().expect("a number");
    assert!((60.0..=90.0).contains(&off), "{off}");
}
