//! Steps under a lock that a keeper holds: whatever ends that, none runs when another holds it.

use std::collections::BTreeMap;

use genlock::Capability;
use rustix::process::Signal;

use crate::acquire::{acquire, keeper, under, variables, verb};
use crate::genlock::{Run, Store, output, send};
use crate::modes::is_able;
use crate::process::is_dead;

over_every_store! {
    is_gone_before_another_holds_when_the_lock_is_released;
    is_gone_before_another_holds_when_the_keeper_is_told_to_end;
    is_gone_before_another_holds_when_the_lock_is_taken_away;
    is_gone_before_another_holds_when_the_keeper_is_killed;
    says_who_took_the_lock_away_and_which_holder_it_was;
}

/// A step that ignores SIGTERM, and who waits for the lock and looks whether it is gone. After `end`, what
/// that said and how the step ended.
fn after(store: &Store, end: impl FnOnce(&BTreeMap<String, String>)) -> (String, Option<i32>) {
    let held = variables(&output(acquire(store, &[])).silent(0));
    let script = "trap '' TERM; echo ready $$; while :; do sleep 0.1; done";
    let step = under(&held, &["run", "--held", "--", "sh", "-c", script]);
    let step = Run::start(step);
    let pid = step.ready();
    let look = format!("kill -0 {pid} 2>/dev/null && echo both; echo next");
    let next = Run::start(store.sh(&["-q"], &look));
    end(&held);
    if !store.expires() && !is_dead(pid) {
        // A step that still has the lock goes on.
        assert!(!store.is_free());
        step.signal(Signal::KILL);
    }
    let said = next.finish().silent(0).text().to_owned();
    (said, step.finish().status.code())
}

fn is_gone_before_another_holds_when_the_lock_is_released(store: &Store) {
    let end = |held: &_| drop(output(under(held, &["release"])).silent(0));
    assert_eq!(after(store, end), ("next".to_owned(), Some(80)));
}

fn is_gone_before_another_holds_when_the_keeper_is_told_to_end(store: &Store) {
    let end = |_: &_| {
        let keeper = keeper(store);
        send(keeper, Signal::TERM);
        crate::acquire::until_ended(keeper);
    };
    assert_eq!(after(store, end), ("next".to_owned(), Some(80)));
}

fn is_gone_before_another_holds_when_the_lock_is_taken_away(store: &Store) {
    let end = |held: &BTreeMap<String, String>| {
        let token = &held["GENLOCK_HELD_TOKEN"];
        let taken = verb(store, "break", &["--token", token, &store.key]);
        output(taken).silent(0);
    };
    assert_eq!(after(store, end), ("next".to_owned(), Some(80)));
}

/// As `run` says it of its own lock, on stderr and in its report.
fn says_who_took_the_lock_away_and_which_holder_it_was(store: &Store) {
    let one_of = is_able(store, Capability::SeveralHolders);
    let sharing: &[&str] = if one_of { &["--max-holders", "2"] } else { &[] };
    let options = [&["--ttl", "60s"], sharing].concat();
    let held = variables(&output(acquire(store, &options)).silent(0));
    let report = store.path("report.json");
    let script = ["run", "--held", "sh", "-c", "echo ready $$; exec sleep 600"];
    let mut step = under(&held, &script);
    step.env("GENLOCK_REPORT", &report);
    let step = Run::start(step);
    step.ready();
    let token = &held["GENLOCK_HELD_TOKEN"];
    output(verb(store, "break", &["--token", token, &store.key])).silent(0);
    let ended = step.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
    assert!(
        ended.one_line().contains("an operator took it away: "),
        "{ended:?}"
    );
    let report = std::fs::read_to_string(report).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["why"], "taken-away", "{report}");
    assert!(report["taken_away"]["user"].is_string(), "{report}");
    let index = one_of.then_some(0);
    assert_eq!(report["index"], serde_json::json!(index), "{report}");
}

/// Where locks do not run out, the step keeps the lock itself.
fn is_gone_before_another_holds_when_the_keeper_is_killed(store: &Store) {
    let (said, status) = after(store, |_| send(keeper(store), Signal::KILL));
    assert_eq!(said, "next");
    assert_eq!(status, store.expires().then_some(80));
}

/// Its lock would be another's at once if the keeper were killed, which nobody would see in time.
#[test]
fn is_not_started_where_the_lock_ends_with_a_keeper_that_is_silent() {
    let store = Store::files();
    let held = variables(&output(acquire(&store, &[])).silent(0));
    let keeper = keeper(&store);
    send(keeper, Signal::STOP);
    let refused = output(under(&held, &["run", "--held", "--", "echo", "ran"]));
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    assert_eq!(refused.text(), "");
    assert!(
        refused.one_line().contains("does not answer"),
        "{refused:?}"
    );
    send(keeper, Signal::CONT);
    output(under(&held, &["run", "--held", "--", "true"])).silent(0);
    output(under(&held, &["release"])).silent(0);
    assert!(store.is_free());
}
