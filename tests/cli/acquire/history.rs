//! acquire --history: a lock that was kept has its line among the runs of its key.

use genlock::Capability;
use rustix::process::Signal;
use serde_json::Value;

use super::{acquire, keeper, under, until_ended, variables, verb};
use crate::genlock::{Store, output, poll, send};
use crate::history::{history, kept};
use crate::modes::is_able;

over_every_store! {
    it_is_held_and_then_released;
    whatever_ends_it_is_told;
    one_without_a_keeper_is_ended_by_its_release;
}

/// What the last line says of the end.
fn last(store: &Store) -> String {
    let printed = output(history(store, &[])).silent(0);
    let line = printed.text().lines().last().expect("a line");
    let (_, how) = line.split_once("@").expect("who it was");
    let (_, how) = how.split_once("  ").expect("how it ended");
    how.to_owned()
}

#[track_caller]
fn is_held(store: &Store, token: &str) {
    poll("the beginning", || !kept(store).is_empty());
    let all = kept(store);
    let run = &all[0];
    assert_eq!(run["state"], "running", "{run}");
    assert_eq!(run["token"].to_string(), token);
    assert_eq!(
        (&run["kept"], &run["ran"], &run["reason"]),
        (&true.into(), &false.into(), &"why".into())
    );
    assert_eq!(last(store), "held (genlock acquire)");
}

#[track_caller]
fn is_released(store: &Store) {
    let all = kept(store);
    let run = all.last().expect("a run");
    assert_eq!(
        (&run["state"], &run["status"]),
        (&"ended".into(), &0.into())
    );
    assert_eq!((&run["why"], &run["command"]), (&Value::Null, &Value::Null));
    assert!(run["ended_at"].is_string(), "{run}");
    assert!(run["held_seconds"].as_f64() < Some(60.0), "{run}");
    assert_eq!(last(store), "released (genlock acquire)");
}

fn it_is_held_and_then_released(store: &Store) {
    let options = ["--history", "4", "--reason", "why"];
    let held = variables(&output(acquire(store, &options)).silent(0));
    is_held(store, &held["GENLOCK_HELD_TOKEN"]);
    // What runs under it has no line of its own.
    output(under(&held, &["run", "--held", "--", "true"])).silent(0);
    output(under(&held, &["release"])).silent(0);
    // All is there when who asked for the release is told of it.
    is_released(store);
    assert_eq!(kept(store).len(), 1);
    output(store.run(&["--history", "1"], &["true"])).silent(0);
    let all = kept(store);
    assert_eq!((all.len(), &all[0]["kept"]), (1, &false.into()));
}

fn whatever_ends_it_is_told(store: &Store) {
    let ends = |end: &dyn Fn(i32, &str)| {
        let mut acquire = acquire(store, &[]);
        acquire.env("GENLOCK_HISTORY", "2");
        let held = variables(&output(acquire).silent(0));
        let keeper = keeper(store);
        end(keeper, &held["GENLOCK_HELD_TOKEN"]);
        until_ended(keeper);
        let all = kept(store);
        let run = all.last().expect("a run");
        assert_eq!(run["token"].to_string(), held["GENLOCK_HELD_TOKEN"]);
        (run["status"].clone(), run["why"].clone(), last(store))
    };
    let (status, why, how) = ends(&|keeper, _| send(keeper, Signal::TERM));
    assert_eq!((status, why), (143.into(), "interrupted".into()));
    assert_eq!(how, "released, with 143 (genlock acquire)");
    for _ in 0..2 {
        let (status, why, how) = ends(&|_, token| {
            let taken = verb(store, "break", &["--token", token, &store.key]);
            output(taken).silent(0);
        });
        assert_eq!((status, why), (80.into(), "taken-away".into()));
        assert!(how.starts_with("taken away by "), "{how}");
    }
    assert_eq!(kept(store).len(), 2);
    output(acquire(store, &[])).silent(0);
    send(keeper(store), Signal::TERM);
    poll("the release", || store.is_free());
    assert_eq!(last(store).split(' ').next(), Some("taken"));
}

fn one_without_a_keeper_is_ended_by_its_release(store: &Store) {
    if !is_able(store, Capability::MinHold) {
        return;
    }
    let options = ["--pid", "none", "--history", "4", "--reason", "why"];
    let held = variables(&output(acquire(store, &options)).silent(0));
    is_held(store, &held["GENLOCK_HELD_TOKEN"]);
    output(under(&held, &["release"])).silent(0);
    is_released(store);
}
