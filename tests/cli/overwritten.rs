//! Somebody writes to the key of a holder in etcd: its command is stopped, and then the next starts.

use std::time::{Duration, Instant};

use crate::genlock::{Run, Store, output, within};

/// Ends like a program that needs a moment.
const SLOW_TO_END: &str =
    "trap 'sleep 0.3; date +%s%N > last; exit' TERM; echo ready $$; while :; do sleep 0.02; done";

/// Writes over the holder's key, which takes its lease off it.
fn write_over(store: &Store) {
    let server = store.server().expect("an etcd");
    let own = store.entries().swap_remove(0);
    server.ctl(&["put", &own, "x"]);
}

#[test]
fn the_holder_is_told_at_once() {
    let store = Store::etcd();
    within(Duration::from_millis(1000), || {
        let holder = store.hold();
        // Until its key is watched.
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        write_over(&store);
        let ended = holder.finish();
        let took = start.elapsed();
        assert_eq!(ended.status.code(), Some(80), "{ended:?}");
        let line = ended.one_line();
        assert!(line.contains("somebody else wrote to its key"), "{line}");
        took
    });
    assert!(store.is_free());
}

#[test]
fn the_next_one_starts_when_the_command_is_gone() {
    let store = Store::etcd();
    let holder = Run::start(store.sh(&[], SLOW_TO_END));
    holder.ready();
    write_over(&store);
    let next = Run::start(store.sh(&["-q"], "date +%s%N"));
    let refused = output(store.run(&["-q", "--try"], &["true"]));
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    let next: u128 = next.finish().silent(0).text().parse().expect("nanoseconds");
    assert_eq!(holder.finish().status.code(), Some(80));
    let last = std::fs::read_to_string(store.path("last")).expect("a file");
    let last: u128 = last.trim().parse().expect("nanoseconds");
    assert!(last < next, "it ran on for {} ns", last - next);
}
