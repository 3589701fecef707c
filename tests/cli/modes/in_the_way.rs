//! What is said to be in the way of a lock that is not acquired: each key that is not free, and its holders.

use genlock::Capability;
use serde_json::Value;

use super::{ends, holds, is_able, waits};
use crate::genlock::{Run, Store, output};

over_every_store! {
    of_several_keys_the_one_that_is_not_free_is_named;
    of_many_holders_the_first_are_named;
    all_readers_are_named;
}

/// The last line of a run that does not get the lock with these options.
fn refused(store: &Store, options: &[&str]) -> String {
    let ended = output(store.run(options, &["true"]));
    assert_eq!(ended.status.code(), Some(75), "{ended:?}");
    let line = ended.stderr.lines().last().expect("a line");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    line.to_owned()
}

fn named(run: &Run) -> String {
    format!("(pid {}: ", run.pid())
}

fn of_several_keys_the_one_that_is_not_free_is_named(store: &Store) {
    if !is_able(store, Capability::SeveralKeys) {
        return;
    }
    let mut second = Store::at(&*store.endpoints);
    second.key = format!("{}-other", store.key);
    let key = &second.key;
    let other = holds(&second, &[]);
    for patience in [&["-n"][..], &["-w", "0.2"]] {
        let line = refused(store, &[patience, &["--also", key]].concat());
        let begin = format!("genlock: {}: not acquired", store.key);
        assert!(line.starts_with(&begin), "{line}");
        assert!(line.contains(&format!(": {key}: held by ")), "{line}");
        assert!(line.contains(&named(&other)), "{line}");
    }
    let file = store.path("report");
    let report = ["--report", file.to_str().expect("a path"), "-q", "-n"];
    let quiet = output(store.run(&[&report[..], &["--also", key]].concat(), &["true"]));
    quiet.silent(75);
    let report = std::fs::read(file).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let blocked = &report["blocked_by"];
    assert_eq!(blocked.as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(blocked[0]["key"], **key, "{report}");
    assert_eq!(blocked[0]["more"], 0, "{report}");
    let holder = &blocked[0]["holders"][0];
    assert_eq!(holder["pid"], other.pid(), "{report}");
    assert_eq!(holder.get("command"), None, "{report}");
    let first = holds(store, &[]);
    let line = refused(store, &["-n", "--also", key]);
    let (one, two) = line.split_once(&format!("; {key}: held by ")).expect("two");
    assert!(one.contains(": not acquired: held by "), "{line}");
    assert!(one.contains(&named(&first)), "{line}");
    assert!(two.contains(&named(&other)), "{line}");
    ends(first);
    ends(other);
}

fn of_many_holders_the_first_are_named(store: &Store) {
    if !is_able(store, Capability::SeveralHolders) {
        return;
    }
    let five = ["--max-holders", "5"];
    let holders: [_; 5] = std::array::from_fn(|_| holds(store, &five));
    for patience in [&["-n"][..], &["-w", "0.2"]] {
        let line = refused(store, &[patience, &five].concat());
        assert!(line.contains(": all 5 are taken: "), "{line}");
        assert!(line.ends_with(", and 2 more"), "{line}");
        for (at, holder) in holders.iter().enumerate() {
            assert_eq!(line.contains(&named(holder)), at < 3, "{at}: {line}");
        }
    }
    holders.into_iter().for_each(ends);
}

/// And a writer that only waits is in the way of another reader: files have no such order.
fn all_readers_are_named(store: &Store) {
    if !is_able(store, Capability::Shared) {
        return;
    }
    let readers = [holds(store, &["-s"]), holds(store, &["-s"])];
    for patience in [&["-n"][..], &["-w", "0.2"]] {
        let line = refused(store, patience);
        assert!(line.contains(": shared by 2: "), "{line}");
        for reader in &readers {
            assert!(line.contains(&named(reader)), "{line}");
        }
    }
    if store.expires() {
        let writer = waits(store, &[]);
        let line = refused(store, &["-s", "-n"]);
        assert!(line.contains(": shared by 2: "), "{line}");
        assert!(line.ends_with(", and 1 waiting"), "{line}");
        readers.into_iter().for_each(ends);
        writer.ready();
        ends(writer);
    } else {
        readers.into_iter().for_each(ends);
    }
}
