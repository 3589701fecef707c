//! How much memory genlock takes while it holds a lock.

use std::fs::read_to_string;

use crate::acquire::{acquire, keeper, under, variables};
use crate::genlock::{Run, Store, output, poll};
use crate::process::watchdog;

over_every_store! {
    a_keeper_is_small;
}

/// The most that a process has had in memory, and what it has now, in kB (proc_pid_status(5)).
fn memory(pid: i32) -> [u64; 2] {
    let status = read_to_string(format!("/proc/{pid}/status")).expect("a process");
    ["VmHWM:", "VmRSS:"].map(|name| number(&status, name))
}

/// The number behind this name.
fn number(text: &str, name: &str) -> u64 {
    let (_, rest) = text.split_once(name).expect("a number");
    let number = rest.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}

/// The most that a keeper may have that is its own, and in all with its share of the program's file, in kB. Of
/// the file the kernel maps much more than is used, in pieces whose size is its own choice, and can take
/// it back at any time. A build without optimisation has three times as much code, and more to relocate.
const KEEPER: [u64; 2] = if cfg!(debug_assertions) {
    [3_000, 24_000]
} else {
    [1_200, 6_000]
};

/// After it has renewed its lock twice.
fn a_keeper_is_small(store: &Store) {
    let events = store.path("events");
    let options = ["--ttl", "3", "--events", events.to_str().expect("a path")];
    let held = variables(&output(acquire(store, &options)).silent(0));
    if store.expires() {
        let renewed = || read_to_string(&events).unwrap_or_default();
        poll("two renewals", || {
            renewed().matches("\"renewed\"").count() >= 2
        });
    }
    let pid = keeper(store);
    let rollup = read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("a process");
    let taken = ["Pss_Anon:", "Pss:"].map(|name| number(&rollup, name));
    assert!(taken[0] < KEEPER[0], "{taken:?} kB");
    assert!(taken[1] < KEEPER[1], "{taken:?} kB");
    output(under(&held, &["release"])).silent(0);
}

#[test]
fn what_only_the_start_needed_is_given_back() {
    let store = Store::etcd();
    let holder = Run::start(store.sh(&["--ttl", "6"], "echo ready $$; exec sleep 60"));
    holder.ready();
    for pid in [holder.pid(), watchdog(holder.pid())] {
        poll("less memory", || {
            let [most, now] = memory(pid);
            now < most * 5 / 6
        });
    }
    holder.end();
}
