//! `genlock run --held`: a command under a lock that another process holds.

mod joined;
mod kept;

use std::process::Command;

use rustix::process::Signal;

use crate::genlock::{Run, Store, genlock, output};
use crate::process::is_dead;

/// Holds the lock, and gives the variables that say so.
fn hold(store: &Store) -> (Run, Vec<(String, String)>) {
    hold_with(store, &[])
}

fn hold_with(store: &Store, options: &[&str]) -> (Run, Vec<(String, String)>) {
    let script = "env >around; echo ready $$; exec sleep 600";
    let run = Run::start(store.sh(options, script));
    run.ready();
    let around = std::fs::read_to_string(store.path("around")).expect("variables");
    let each = around.lines().filter_map(|line| line.split_once('='));
    let held = each.filter(|(name, _)| name.starts_with("GENLOCK_HELD_"));
    let held = held.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (run, held.collect())
}

/// `genlock run --held` with these options and this command, in no process tree of the holder's.
fn step(around: &[(String, String)], options: &[&str], command: &[&str]) -> Command {
    let mut genlock = genlock();
    genlock.args(["run", "--held"]).args(options).arg("--");
    genlock.args(command);
    genlock.envs(around.iter().cloned());
    genlock
}

over_every_store! {
    runs_under_the_lock_and_leaves_it_held;
    is_not_started_under_a_lock_that_is_not_ours;
    is_stopped_when_the_lock_is_released;
}

fn runs_under_the_lock_and_leaves_it_held(store: &Store) {
    let (run, around) = hold(store);
    let script = "\"$0\" check -q && env | sort; exit 3";
    let program = genlock().get_program().to_str().expect("a path").to_owned();
    let ran = output(step(&around, &[], &["sh", "-c", script, &program])).silent(3);
    let is_same = |(name, value): &&(String, String)| {
        name == "GENLOCK_HELD_SOCKET" || ran.text().contains(&format!("{name}={value}\n"))
    };
    assert_eq!(around.iter().find(|each| !is_same(each)), None, "{ran:?}");
    assert!(!store.is_free());
    run.end();
    assert!(store.is_free());
}

fn is_not_started_under_a_lock_that_is_not_ours(store: &Store) {
    let (run, around) = hold(store);
    run.end();
    let refused = output(step(&around, &[], &["echo", "ran"]));
    assert_eq!(refused.status.code(), Some(80), "{refused:?}");
    assert_eq!(refused.text(), "");
    assert!(
        refused.one_line().contains("not ours any more"),
        "{refused:?}"
    );
    // Another's now.
    let other = store.hold();
    let refused = output(step(&around, &[], &["echo", "ran"]));
    assert_eq!(refused.status.code(), Some(80), "{refused:?}");
    assert_eq!(refused.text(), "");
    other.end();
}

fn is_stopped_when_the_lock_is_released(store: &Store) {
    let (run, around) = hold(store);
    let command = ["sh", "-c", "echo ready $$; exec sleep 600"];
    let under = Run::start(step(&around, &[], &command));
    let pid = under.ready();
    run.end();
    let ended = under.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
    assert!(ended.one_line().contains("the lock is lost"), "{ended:?}");
    assert!(is_dead(pid));
}

/// The command ignores SIGTERM. It is gone before the next holder's begins.
fn is_gone_before_another_holds(store: &Store, signal: Signal) {
    let (run, around) = hold(store);
    let command = [
        "sh",
        "-c",
        "trap '' TERM; echo ready $$; while :; do sleep 1; done",
    ];
    let under = Run::start(step(&around, &[], &command));
    let pid = under.ready();
    let look = format!("kill -0 {pid} 2>/dev/null && echo both; true");
    let next = Run::start(store.sh(&["-q"], &look));
    run.signal(signal);
    assert_eq!(next.finish().silent(0).text(), "");
    let ended = under.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
}

macro_rules! over {
    ($($store:ident)+) => {
        mod is_gone_before_another_holds {
            $(mod $store {
                use rustix::process::Signal;

                use crate::genlock::Store;

                #[test]
                fn when_the_holder_is_killed() {
                    crate::held::is_gone_before_another_holds(&Store::$store(), Signal::KILL);
                }
                #[test]
                fn when_the_holder_is_frozen() {
                    crate::held::is_gone_before_another_holds(&Store::$store(), Signal::STOP);
                }
            })+
        }
    };
}

over! { etcd redis zookeeper }

/// The holder, which would see it, is frozen.
#[test]
fn any_of_several_keys_that_is_gone_stops_it() {
    let store = Store::etcd();
    let other = format!("{}-other", store.key);
    let (run, around) = hold_with(&store, &["--also", &other, "--ttl", "12s"]);
    let command = ["sh", "-c", "echo ready $$; exec sleep 600"];
    let under = Run::start(step(&around, &[], &command));
    under.ready();
    run.signal(Signal::STOP);
    let server = store.server().expect("an etcd");
    server.ctl(&["del", "--prefix", &format!("{other}/")]);
    let ended = under.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
    // And not the end of its TTL.
    let line = ended.one_line();
    assert!(line.contains("not ours any more in the store"), "{line}");
    let refused = output(step(&around, &[], &["echo", "ran"]));
    assert_eq!(refused.status.code(), Some(80), "{refused:?}");
    assert_eq!(refused.text(), "");
    run.signal(Signal::CONT);
    run.finish();
}

#[test]
fn the_options_of_the_command_are_taken() {
    let store = Store::files();
    let (run, around) = hold(&store);
    let ended = output(step(
        &around,
        &["--max-runtime", "100ms"],
        &["sleep", "600"],
    ));
    assert_eq!(ended.status.code(), Some(124), "{ended:?}");
    // Without `--`, and with a word that looks like one of genlock's options.
    let mut echo = step(&around, &["-q"], &[]);
    echo.args(["sh", "-c", "echo \"$1\"", "sh", "--held"]);
    assert_eq!(output(echo).silent(0).text(), "--held");
    run.end();
}

#[test]
fn no_key_and_no_option_of_a_lock_goes_with_it() {
    for (words, what, right) in [
        (
            &["--held", "--ttl", "5s", "--", "true"][..],
            "--ttl: ",
            "run --held -- true",
        ),
        (&["-n", "--held", "true"], "-n: ", "run --held true"),
        (
            &["--min-hold=5s", "--held", "true"],
            "--min-hold: ",
            "run --held true",
        ),
        (
            &["--held", "/k", "--", "true"],
            "/k: ",
            "run --held -- true",
        ),
        (
            &["/k", "--held", "--", "true"],
            "/k: ",
            "run --held -- true",
        ),
    ] {
        let mut run = genlock();
        run.arg("run").args(words);
        let refused = output(run);
        assert_eq!(refused.status.code(), Some(64), "{words:?}: {refused:?}");
        let line = refused.one_line();
        assert!(line.starts_with(&format!("genlock: {what}")), "{line}");
        let proposed = line.split_once("; try: genlock ").map(|(_, line)| line);
        assert_eq!(proposed, Some(right), "{line}");
    }
    let mut run = genlock();
    run.args(["run", "--held", "--", "true"]);
    let refused = output(run);
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(refused.one_line().contains("no lock around"), "{refused:?}");
}
