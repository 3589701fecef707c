//! acquire --pid none: the store keeps the lock, and no process does. And renew, for that and for a keeper.

use std::collections::BTreeMap;

use genlock::Capability;

use super::{acquire, keeper, under, until_ended, variables, verb};
use crate::genlock::{Run, Store, output, poll};
use crate::modes::is_able;

over_every_store! {
    without_a_keeper_the_store_keeps_it;
    what_nobody_was_told_of_is_not_kept;
}

fn without_a_keeper_the_store_keeps_it(store: &Store) {
    let acquired = output(acquire(store, &["--pid", "none", "--reason", "a freeze"]));
    if !is_able(store, Capability::MinHold) {
        // Where a lock ends with its holder.
        assert_eq!(acquired.status.code(), Some(64), "{acquired:?}");
        assert!(store.is_free());
        return;
    }
    let held = variables(&acquired.silent(0));
    assert!(!held.contains_key("GENLOCK_HELD_SOCKET"));
    assert!(!store.is_free());
    let status = output(verb(store, "status", &[&store.key])).silent(0);
    for words in ["a freeze", "Z, kept by the store alone"] {
        assert!(status.text().contains(words), "{status:?}");
    }
    let left = |at_least: &str| {
        let check = output(under(&held, &["check", "-q", "--at-least", at_least]));
        check.status.code()
    };
    assert_eq!((left("5m"), left("20m")), (Some(0), Some(75)));
    let unsaid = output(under(&held, &["renew"]));
    assert_eq!(unsaid.status.code(), Some(64), "{unsaid:?}");
    output(under(&held, &["renew", "--for", "1h"])).silent(0);
    assert_eq!(left("20m"), Some(0));
    output(under(&held, &["release"])).silent(0);
    assert!(store.is_free());
    for verb in [&["release"][..], &["renew", "--for", "1h"], &["check"]] {
        let lost = output(under(&held, verb));
        assert_eq!(lost.status.code(), Some(80), "{verb:?}: {lost:?}");
        lost.one_line();
    }
    // Its time is its end, whoever is there.
    let time = ["--pid", "none", "--for", "1s", &store.key];
    output(verb(store, "acquire", &time)).silent(0);
    poll("the end of its time", || store.is_free());
}

fn what_nobody_was_told_of_is_not_kept(store: &Store) {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let acquire = acquire(store, &["--pid", "none"]);
    let ended = Run::start_into(acquire, full.expect("a device").into()).finish();
    let is_able = is_able(store, Capability::MinHold);
    let status = if is_able { 70 } else { 64 };
    assert_eq!(ended.status.code(), Some(status), "{ended:?}");
    assert!(store.is_free());
}

#[test]
fn a_keeper_holds_it_for_longer() {
    let store = Store::files();
    let held = variables(&output(acquire(&store, &[])).silent(0));
    let keeper = keeper(&store);
    output(under(&held, &["renew", "--for", "1s"])).silent(0);
    until_ended(keeper);
    assert!(store.is_free());
    let late = output(under(&held, &["renew", "--for", "1s"]));
    assert_eq!(late.status.code(), Some(80), "{late:?}");
}

#[test]
fn a_command_of_run_has_its_lock_as_long_as_it_runs() {
    let store = Store::files();
    let program = env!("CARGO_BIN_EXE_genlock");
    for verb in ["release", "renew"] {
        let refused = output(store.sh(&[], &format!("{program} {verb}")));
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        assert!(refused.one_line().contains("genlock run"), "{refused:?}");
        let outside = output(under(&BTreeMap::new(), &[verb]));
        assert_eq!(outside.status.code(), Some(64), "{outside:?}");
        assert!(outside.one_line().contains("no lock"), "{outside:?}");
    }
}
