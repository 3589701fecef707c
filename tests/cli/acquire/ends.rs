//! What ends a kept lock besides its release, and a wait for one.

use std::process::Command;

use rustix::process::Signal;

use super::{acquire, keeper, until_ended, verb};
use crate::genlock::{Run, Store, died_of, output, poll, send};

over_every_store! {
    it_ends_with_the_process_that_it_is_for;
    a_signal_ends_a_wait_and_nothing_is_left;
}

fn it_ends_with_the_process_that_it_is_for(store: &Store) {
    let mut followed = Command::new("sleep").arg("600").spawn().expect("a process");
    let pid = followed.id().to_string();
    output(acquire(store, &["--pid", &pid])).silent(0);
    let keeper = keeper(store);
    assert!(!store.is_free());
    followed.kill().expect("a signal");
    followed.wait().expect("its end");
    until_ended(keeper);
    assert!(store.is_free());
}

fn a_signal_ends_a_wait_and_nothing_is_left(store: &Store) {
    let holder = store.hold();
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let before = store.entries().len();
        let waiting = Run::start(acquire(store, &[]));
        waiting.complains("waiting for");
        if store.server().is_some() {
            poll("a place in the queue", || store.entries().len() > before);
        }
        waiting.signal(signal);
        died_of(waiting.finish().status, signal);
        poll("the end of the keeper", || store.entries().len() == before);
    }
    drop(holder);
}

#[test]
fn signals_and_the_time_end_it() {
    let store = Store::files();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        output(acquire(&store, &[])).silent(0);
        let keeper = keeper(&store);
        send(keeper, signal);
        until_ended(keeper);
        assert!(store.is_free());
    }
    output(verb(&store, "acquire", &["--for", "1s", &store.key])).silent(0);
    poll("the end of its time", || store.is_free());
}

/// Nobody would know of the lock.
#[test]
fn a_lock_of_which_nobody_was_told_is_not_kept() {
    let store = Store::files();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let run = Run::start_into(acquire(&store, &[]), full.expect("a device").into());
    let ended = run.finish();
    assert_eq!(ended.status.code(), Some(70), "{ended:?}");
    assert!(ended.one_line().contains("stdout"), "{ended:?}");
    assert!(store.is_free());
}

#[test]
fn a_process_that_cannot_be_followed_is_refused() {
    let store = Store::files();
    let mut ended = Command::new("true").spawn().expect("a process");
    ended.wait().expect("its end");
    let gone = ended.id().to_string();
    for (options, said) in [
        (&["--pid", &gone][..], "no such process"),
        (&["--pid", "0"], "--pid none --for 1h"),
        (&["--pid", "x"], "a process number, parent, or none"),
        (&["--pid", "none"], "--for 45m"),
    ] {
        let refused = output(verb(&store, "acquire", &[options, &[&store.key]].concat()));
        assert_eq!(refused.status.code(), Some(64), "{options:?}: {refused:?}");
        assert!(refused.one_line().contains(said), "{refused:?}");
    }
    let mut in_actions = acquire(&store, &[]);
    in_actions.env("GITHUB_ACTIONS", "true");
    let refused = output(in_actions);
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    let line = refused.one_line();
    assert!(line.contains("try: genlock acquire --pid $PPID"), "{line}");
    assert!(store.is_free());
}
