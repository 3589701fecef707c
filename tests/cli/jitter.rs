//! `--jitter`: a run that asks for its lock later, by as much as is its host's and key's own.

use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use crate::genlock::{Run, Store, died_of, genlock, output, under};

/// How much later it says that it will ask. It is told to end then.
#[track_caller]
fn delay(run: Command) -> Duration {
    let run = Run::start(run);
    run.complains(" (--jitter)\n");
    run.signal(Signal::TERM);
    let ended = run.finish();
    died_of(ended.status, Signal::TERM);
    told(ended.one_line())
}

#[track_caller]
fn told(line: &str) -> Duration {
    let (_, time) = line.split_once(": asking for it in ").expect("a time");
    let (time, _) = time.split_once(" (--jitter)").expect("its reason");
    humantime::parse_duration(time).expect("a duration")
}

/// Whether two delays are the same but for what was over when they were told.
fn same(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= Duration::from_secs(2)
}

#[test]
fn a_delay_is_the_hosts_and_the_keys_and_a_signal_ends_it_without_the_lock() {
    let store = Store::files();
    let jitter = ["-v", "--jitter", "23h"];
    let first = delay(store.run(&jitter, &["touch", "ran"]));
    assert!(same(first, delay(store.run(&jitter, &["touch", "ran"]))));
    assert!(!store.path("ran").exists() && !store.path("locks/k.lock").exists());
    let mut other = genlock();
    other.args(["run", "--endpoints", &store.endpoints]);
    other.args(jitter).args(["other", "true"]);
    assert!(!same(first, delay(other)));
    if !geteuid().is_root() {
        eprintln!("skipped in part: only root can give itself another host's name");
        return;
    }
    let named = ["unshare", "--uts", "sh", "-c"];
    let named = named
        .into_iter()
        .chain(["hostname other; exec \"$@\"", "sh"]);
    let named: Vec<_> = named.collect();
    let there = || delay(under(&named, &store.run(&jitter, &["true"])));
    let second = there();
    assert!(!same(first, second) && same(second, there()));
}

#[test]
fn the_lock_is_asked_for_when_the_delay_is_over_and_the_wait_begins_then() {
    let store = Store::files();
    let ran = output(store.run(&["-v", "-n", "--jitter", "1s"], &["true"]));
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let line = ran.stderr.lines().next().expect("a line");
    assert!(ran.took >= told(line), "{ran:?}");
    let holder = store.hold();
    let wait = ["-v", "-w", "1s", "--jitter", "1s"];
    let ran = output(store.run(&wait, &["true"]));
    assert_eq!(ran.status.code(), Some(75), "{ran:?}");
    let line = ran.stderr.lines().next().expect("a line");
    assert!(ran.took >= told(line) + Duration::from_secs(1), "{ran:?}");
    holder.end();
}

#[test]
fn a_delay_with_which_every_host_would_run_is_refused_before_the_store_is_asked() {
    let store = Store::at("127.0.0.1:1");
    let refused = |run: Command, place: &str, longest: &str| {
        let ran = output(run);
        assert_eq!(ran.status.code(), Some(64), "{ran:?}");
        let why = format!(
            "genlock: {place} {longest}: every host would run, one after the other; it is for \
             --once, --once-per, --min-hold of at least {longest}, and for locks of this host (file:)"
        );
        assert_eq!(ran.one_line(), why);
    };
    let run = store.run(&["--jitter", "30"], &["true"]);
    refused(run, "--jitter", "30s");
    let run = store.run(&["--jitter", "30", "--min-hold", "29"], &["true"]);
    refused(run, "--jitter", "30s");
    let mut run = store.run(&[], &["true"]);
    run.env("GENLOCK_JITTER", "1m30s");
    refused(run, "$GENLOCK_JITTER", "1m 30s");
    delay(store.run(&["-v", "--jitter", "30m", "--min-hold", "30m"], &["true"]));
    for once in [["--once", "x"], ["--once-per", "day"]] {
        let jitter = [&["-v", "--jitter", "23h"][..], &once].concat();
        delay(store.run(&jitter, &["true"]));
        refused(
            store.run(&[&["--again"], &jitter[1..]].concat(), &["true"]),
            "--jitter",
            "23h",
        );
    }
    output(Store::files().run(&["--jitter", "0"], &["true"])).silent(0);
}

/// There it is for whichever runs of the host can have it.
#[test]
fn a_delay_of_the_configuration_is_passed_over_where_every_host_would_run() {
    let configured = |store: &Store, jitter: &str| {
        let path = store.path("config.toml");
        std::fs::write(&path, format!("jitter = \"{jitter}\"\n")).expect("a file");
        let mut run = store.run(&["-v"], &["true"]);
        run.env("GENLOCK_CONFIG", path);
        run
    };
    let store = Store::etcd();
    let ran = output(configured(&store, "23h"));
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(!ran.stderr.contains("--jitter"), "{ran:?}");
    delay(configured(&Store::files(), "23h"));
    let ran = output(configured(&store, "25h"));
    assert_eq!(ran.status.code(), Some(78), "{ran:?}");
    assert!(ran.one_line().ends_with("at most a day, 24h"), "{ran:?}");
}
