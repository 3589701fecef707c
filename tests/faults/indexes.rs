//! Of several holders one is killed, and many come at once: never more than may, and no two with one index.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store};
use crate::sections::{Manners, Sections};

const HOLDERS: usize = 3;
const MANY: usize = 9;

/// The sections of each index, in the order of their starts: no two at once.
fn assert_apart(logs: &[Sections], runs: usize) {
    let mut count = 0;
    for log in logs {
        let sections = log.read();
        count += sections.len();
        for pair in sections.windows(2) {
            assert!(pair[0].last < pair[1].first, "two at once: {pair:?}");
        }
    }
    assert_eq!(count, runs);
}

#[test]
fn no_two_have_one_index_when_a_holder_is_killed_and_many_come_at_once() {
    let store = Store::etcd();
    let logs: Vec<_> = (0..HOLDERS)
        .map(|index| {
            let directory = store.path(&index.to_string());
            std::fs::create_dir(&directory).expect("a directory");
            Sections::new(&directory)
        })
        .collect();
    let options = ["--ttl", "3", "--max-holders", "3"];
    let start = |beats: String| {
        // Of the index that it has.
        let first = store.path("0").display().to_string();
        let of_index = store.path("$GENLOCK_HELD_INDEX").display().to_string();
        let script = format!("exec {}", beats.replace(&first, &of_index));
        Run::start(store.sh(&options, &script))
    };
    let killed = start(logs[0].beats("killed", Manners::Polite));
    killed.ready();
    let beats = |nth| logs[0].beats_for(&format!("first{nth}"), Duration::from_millis(100));
    let many: Vec<_> = (0..MANY).map(|nth| start(beats(nth))).collect();
    killed.signal(Signal::KILL);
    for run in many {
        assert_eq!(run.finish().status.code(), Some(0));
    }
    // One of these has the index of the one that was killed, whose lock lasts to its TTL.
    let last =
        ["second", "third", "fourth"].map(|name| start(logs[0].beats(name, Manners::Polite)));

    for run in &last {
        run.ready();
    }
    assert!(logs.iter().all(|log| !log.read().is_empty()));
    let reused = logs
        .iter()
        .find(|log| log.read().iter().any(|one| one.run == "killed"));
    let reused = reused.expect("the killed one's index").read();
    assert_ne!(reused.last().map(|one| &*one.run), Some("killed"));
    assert_apart(&logs, 1 + MANY + last.len());
}
