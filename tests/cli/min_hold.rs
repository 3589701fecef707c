//! `--min-hold`: a lock that stays held for a time although the command has ended, and genlock with it.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, genlock, output, poll};
use crate::support::etcd::Server;

/// Longer than a command that ends at once may take on a busy host, and than the TTL.
const HOLD: Duration = Duration::from_secs(5);
const HELD: [&str; 4] = ["--ttl", "2", "--min-hold", "5"];

fn status(store: &Store) -> serde_json::Value {
    let mut status = genlock();
    status.args(["status", "--json", "--endpoints", &store.endpoints]);
    status.arg(&store.key);
    let shown = output(status);
    serde_json::from_str(shown.text()).expect("JSON")
}

/// Begins when the lock was acquired or before, runs this command, and gives its status.
fn held_by(store: &Store, options: &[&str], command: &[&str]) -> (Instant, Option<i32>) {
    let begun = Instant::now();
    let ran = output(store.run(options, command));
    assert_eq!(ran.stderr, "", "{ran:?}");
    assert!(begun.elapsed() < HOLD, "{ran:?}");
    (begun, ran.status.code())
}

fn stays_held_for_the_rest_and_nobody_is_left(store: &Store) {
    let (begun, code) = held_by(store, &HELD, &["sh", "-c", "exit 7"]);
    assert_eq!(code, Some(7));
    assert!(store.processes().is_empty());
    assert!(!store.is_free());
    let seen = status(store);
    assert!(seen["holder"]["min_hold_ends_at"].is_string(), "{seen}");
    let mut shown = genlock();
    shown.args(["status", "--endpoints", &store.endpoints, &store.key]);
    let shown = output(shown);
    assert!(
        shown.text().contains("Z, kept by the store alone"),
        "{shown:?}"
    );
    output(store.run(&["-q"], &["true"])).silent(0);
    assert!(begun.elapsed() >= HOLD);
    assert!(status(store)["holder"].is_null());
}

fn ends_with_break(store: &Store) {
    held_by(store, &["--min-hold", "10m"], &["true"]);
    let token = status(store)["holder"]["token"].to_string();
    let mut end = genlock();
    end.args(["break", "--endpoints", &store.endpoints, &store.key]);
    end.args(["--token", &token]);
    assert_eq!(output(end).status.code(), Some(0));
    assert!(store.is_free());
}

fn is_over_at_once_where_no_command_ran(store: &Store) {
    let ran = output(store.run(&["--min-hold", "10m"], &["/nonexistent"]));
    assert_eq!(ran.status.code(), Some(127));
    assert!(store.is_free());
}

fn is_over_if_the_command_took_longer(store: &Store) {
    output(store.run(&["--min-hold", "400ms"], &["sleep", "0.5"])).silent(0);
    assert!(store.is_free());
}

fn is_no_longer_than_the_ttl_if_genlock_is_killed(store: &Store) {
    let run = Run::start(store.sh(
        &["--ttl", "2", "--min-hold", "10m"],
        "echo ready $$; exec sleep 60",
    ));
    run.ready();
    run.signal(Signal::KILL);
    drop(run);
    poll("a free lock", || store.is_free());
}

macro_rules! over {
    ($($store:ident)+) => {
        $(mod $store {
            use crate::genlock::Store;

            #[test]
            fn stays_held_for_the_rest_and_nobody_is_left() {
                super::stays_held_for_the_rest_and_nobody_is_left(&Store::$store());
            }
            #[test]
            fn ends_with_break() {
                super::ends_with_break(&Store::$store());
            }
            #[test]
            fn is_over_at_once_where_no_command_ran() {
                super::is_over_at_once_where_no_command_ran(&Store::$store());
            }
            #[test]
            fn is_over_if_the_command_took_longer() {
                super::is_over_if_the_command_took_longer(&Store::$store());
            }
            #[test]
            fn is_no_longer_than_the_ttl_if_genlock_is_killed() {
                super::is_no_longer_than_the_ttl_if_genlock_is_killed(&Store::$store());
            }
        })+
    };
}

over! { etcd redis }

#[test]
fn a_store_that_cannot_is_named_with_those_that_can() {
    let files = Store::files();
    // Nobody is there, and nobody is asked.
    let servers = Store::at("zk://127.0.0.1:1");
    for (store, which) in [(&files, "k: file"), (&servers, "/locks/k: zookeeper")] {
        let ran = output(store.run(&["--min-hold", "1m"], &["true"]));
        assert_eq!(ran.status.code(), Some(64), "{ran:?}");
        let line = format!(
            "genlock: {which} has no locks that stay held when their holder is gone; etcd or redis could"
        );
        assert_eq!(ran.one_line(), line);
    }
    assert!(!files.path("locks").exists());
}

/// The key stays the same: whoever waits goes on waiting, and in the same order.
#[test]
fn etcdctl_and_genlock_go_on_waiting_in_their_order() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let queued = |count| poll("a queue", || server.keys().len() == count);
    let begun = Instant::now();
    let mut first = Run::start_to_wait(store.sh(&HELD, "echo ready $$; read x"));
    first.ready();
    let theirs = "echo etcdctl >>order; sleep 0.3; echo over >>order";
    let mut second = server.ctl_command(&["lock", &store.key, "--", "sh", "-c", theirs]);
    second.current_dir(store.directory());
    let second = Run::start(second);
    queued(2);
    let third = Run::start(store.sh(&["-q"], "echo genlock >>order"));
    queued(3);
    let before = server.keys();
    first.go_on();
    let ended = first.finish();
    assert!(ended.took < HOLD, "{ended:?}");
    assert_eq!(server.keys(), before);
    second.finish();
    assert!(begun.elapsed() >= HOLD);
    third.finish().silent(0);
    let order = std::fs::read_to_string(store.path("order")).expect("a file");
    assert_eq!(order, "etcdctl\nover\ngenlock\n");
    assert_eq!(server.keys(), [""; 0]);
}
