//! A ZooKeeper that has the locks.

use super::{doctor, examined, json, says};
use crate::genlock::{Store, output};
use crate::support::zookeeper::Chroot;

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
