//! Arguments that make no sense: status 64, and one line that says why.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::genlock::{Finished, Store, genlock, output};

fn refused(arguments: &[&OsStr]) -> Finished {
    let mut genlock = genlock();
    genlock.args(arguments);
    let run = output(genlock);
    assert_eq!(run.status.code(), Some(64), "{arguments:?}: {run:?}");
    assert_eq!(run.stdout, b"");
    run
}

/// Each line of arguments is refused with a message that names what is in the second.
fn all_refused(lines: &[(&str, &str)]) {
    for (arguments, named) in lines {
        let words: Vec<_> = arguments.split_whitespace().map(OsStr::new).collect();
        let run = refused(&words);
        let line = run.one_line();
        assert!(line.contains(named), "{arguments}: {line}");
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    all_refused(&[
        ("run", "KEY"),
        ("run k", "COMMAND"),
        ("run --endpoints file:/tmp/x k", "COMMAND"),
        ("run -n", "KEY"),
        ("run -w", "--wait"),
        ("--no-such-option", "--no-such-option"),
        ("runn k true", "runn"),
    ]);
}

#[test]
fn an_unknown_option_is_named_with_a_tip() {
    all_refused(&[
        ("run --trry k true", "genlock run --try k true"),
        ("run --kill-aftr 1s k true", "--kill-after 1s"),
        ("run -Z k true", "-Z"),
    ]);
}

#[test]
fn durations_that_make_no_sense() {
    all_refused(&[
        ("run --wait 1M k true", "minutes"),
        ("run --wait 1y k true", "\"y\""),
        ("run --wait 2months k true", "\"months\""),
        ("run --wait soon k true", "10s"),
        ("run --wait=-1 k true", "--wait"),
        ("run --wait inf k true", "--wait"),
        ("run --wait NaN k true", "--wait"),
        ("run --wait 5x k true", "--wait"),
        ("run --ttl 1M k true", "--ttl"),
        ("run --kill-after x k true", "--kill-after"),
        ("run --max-runtime x k true", "--max-runtime"),
        ("run --retry-interval 0 k true", "--retry-interval"),
        ("run --dial-timeout 0 k true", "--dial-timeout"),
        ("run --command-timeout x k true", "--command-timeout"),
    ]);
    refused(&["run", "--wait", "", "k", "true"].map(OsStr::new)).one_line();
}

#[test]
fn statuses_that_make_no_sense() {
    all_refused(&[
        ("run -E 300 k true", "300"),
        ("run -E x k true", "--conflict-exit-code"),
        ("run -E -1 k true", "-1"),
        ("run --lost-exit-code 0 k true", "--lost-exit-code"),
        ("run --lost-exit-code 256 k true", "--lost-exit-code"),
    ]);
}

#[test]
fn options_that_contradict_each_other() {
    all_refused(&[
        ("run -q -v k true", "--verbose"),
        ("run --ttl 5 --ttl 6 k true", "--ttl"),
    ]);
}

#[test]
fn a_ttl_under_a_second() {
    let store = Store::files();
    for ttl in ["0", "0.5s", "999ms"] {
        let run = output(store.run(&["--ttl", ttl], &["true"]));
        assert_eq!(run.status.code(), Some(64), "{run:?}");
        assert!(run.one_line().contains("at least 1s"), "{run:?}");
    }
}

#[test]
fn keys_that_no_store_takes() {
    let mut store = Store::files();
    for (key, why) in [
        ("", "empty"),
        ("/", "'/'"),
        ("/locks/", "'/'"),
        (&"x".repeat(5000), "4096"),
    ] {
        store.key = key.to_owned();
        let run = output(store.run(&[], &["true"]));
        assert_eq!(run.status.code(), Some(64), "{run:?}");
        assert!(run.one_line().contains(why), "{run:?}");
    }
}

#[test]
fn a_key_that_is_not_utf_8() {
    let store = Store::files();
    let endpoints = OsString::from(&store.endpoints);
    let key = OsStr::from_bytes(b"k\xff");
    let options = ["run", "--endpoints"].map(OsStr::new);
    let run = refused(&[options[0], options[1], &endpoints, key, OsStr::new("true")]);
    assert!(run.one_line().contains("UTF-8"), "{run:?}");
}

#[test]
fn a_grace_that_does_not_fit_into_the_time_of_the_lock() {
    let store = Store::files();
    let run = output(store.run(&["--no-renew", "--ttl", "2", "-k", "2"], &["true"]));
    assert_eq!(run.status.code(), Some(64), "{run:?}");
    let line = run.one_line();
    assert!(line.contains("--kill-after 2s"), "{line}");
    assert!(line.contains("--ttl"), "{line}");
    // A lock that does not run out has room for any.
    output(store.run(&["--ttl", "2", "-k", "1h"], &["true"])).silent(0);
}

#[test]
fn a_directory_that_cannot_be_one_is_bad_configuration() {
    let mut store = Store::files();
    std::fs::write(store.path("file"), "").expect("a file");
    for name in ["absent/locks", "file", "file/locks"] {
        store.endpoints = format!("file:{}", store.path(name).display());
        let run = output(store.run(&[], &["echo", "ran"]));
        assert_eq!(run.status.code(), Some(78), "{run:?}");
        assert_eq!(run.stdout, b"");
        assert!(run.one_line().contains(name), "{run:?}");
    }
    store.endpoints = format!("file:{},127.0.0.1:1", store.directory().display());
    let run = output(store.run(&[], &["true"]));
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    assert!(run.one_line().contains("stands alone"), "{run:?}");
}
