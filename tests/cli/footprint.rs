//! How much memory genlock takes while it holds a lock.

use crate::genlock::{Run, Store, poll};
use crate::process::watchdog;

/// The most that a process has had in memory, and what it has now, in kB (proc_pid_status(5)).
fn memory(pid: i32) -> [u64; 2] {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    ["VmHWM:", "VmRSS:"].map(|name| {
        let (_, rest) = status.split_once(name).expect("a number");
        let number = rest.split_whitespace().next().expect("a number");
        number.parse().expect("a number")
    })
}

#[test]
fn what_only_the_start_needed_is_given_back() {
    let store = Store::etcd();
    let holder = Run::start(store.sh(&["--ttl", "2"], "echo ready $$; exec sleep 60"));
    holder.ready();
    for pid in [holder.pid(), watchdog(holder.pid())] {
        poll("less memory", || {
            let [most, now] = memory(pid);
            now < most * 5 / 6
        });
    }
    holder.end();
}
