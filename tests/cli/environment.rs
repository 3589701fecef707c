//! What reaches the command: its arguments and its environment, whatever bytes they are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::genlock::{Store, genlock, output};

/// The command's environment, as genlock passes it on.
fn environment(store: &Store, options: &[&str], given: &[(&str, &str)]) -> Vec<String> {
    let mut run = store.run(options, &["env"]);
    run.envs(given.iter().copied());
    let run = output(run).silent(0);
    run.text().lines().map(str::to_owned).collect()
}

fn value<'a>(environment: &'a [String], name: &str) -> Option<&'a str> {
    let mut found = environment.iter().filter_map(|line| {
        let (found, value) = line.split_once('=')?;
        (found == name).then_some(value)
    });
    let value = found.next();
    assert_eq!(found.next(), None, "{name} is there twice");
    value
}

#[test]
fn arguments_of_any_bytes() {
    let store = Store::files();
    let odd: [&[u8]; 7] = [
        b"",
        b" a  b ",
        b"\xff\xfe",
        b"'\"$x\\",
        b"--",
        b"-n",
        b"line\nline",
    ];
    let mut run = store.run(&[], &["printf", "[%s]"]);
    run.args(odd.map(OsStr::from_bytes));
    let mut expected = Vec::new();
    for argument in odd {
        expected.push(b'[');
        expected.extend_from_slice(argument);
        expected.push(b']');
    }
    assert_eq!(output(run).silent(0).stdout, expected);
}

#[test]
fn an_environment_of_any_bytes() {
    let store = Store::files();
    let mut run = store.run(&[], &["env", "-0"]);
    run.env(OsStr::from_bytes(b"ODD\xff"), OsStr::from_bytes(b"\xfe=\n"));
    let run = output(run).silent(0);
    let mut variables = run.stdout.split(|&byte| byte == 0);
    assert!(variables.any(|variable| variable == b"ODD\xff=\xfe=\n"));
}

#[test]
fn options_after_the_commands_first_word_are_its_own() {
    let store = Store::files();
    let words = ["echo", "-q", "--wait", "x", "--help", "--", "-E", "300"];
    let run = output(store.run(&[], &words)).silent(0);
    assert_eq!(run.text(), "-q --wait x --help -- -E 300");
}

#[test]
fn two_dashes_set_the_command_apart() {
    let store = Store::files();
    let run = output(store.run(&["-q"], &["--", "echo", "--", "x"])).silent(0);
    assert_eq!(run.text(), "-- x");
    let run = output(store.run(&[], &["--", "--no-such-program"]));
    assert_eq!(run.status.code(), Some(127), "{run:?}");
}

#[test]
fn options_between_the_key_and_the_command() {
    let store = Store::files();
    let _holder = store.hold();
    output(store.run(&[], &["-n", "-q", "-E", "9", "--", "true"])).silent(9);
    output(store.run(&[], &["-n", "-q", "-E", "9", "true"])).silent(9);
}

#[test]
fn it_says_what_is_held() {
    let store = Store::files();
    let found = environment(&store, &[], &[]);
    assert_eq!(value(&found, "GENLOCK_HELD_KEY"), Some(&*store.key));
    let first: u64 = value(&found, "GENLOCK_HELD_TOKEN")
        .expect("a token")
        .parse()
        .expect("a number");
    let found = environment(&store, &[], &[]);
    let second: u64 = value(&found, "GENLOCK_HELD_TOKEN")
        .expect("a token")
        .parse()
        .expect("a number");
    assert!(second > first, "{first}, then {second}");
}

#[test]
fn a_file_lock_has_neither_lease_nor_ttl() {
    let store = Store::files();
    let found = environment(&store, &[], &[]);
    for name in ["TTL", "LEASE"] {
        assert_eq!(value(&found, &format!("GENLOCK_HELD_{name}")), None);
    }
    let file = store.path("locks/k.lock");
    let token = value(&found, "GENLOCK_HELD_TOKEN").expect("a token");
    let holder = format!("{}:{token}", file.display());
    assert_eq!(value(&found, "GENLOCK_HELD_OWNER_KEY"), Some(&*holder));
    assert_eq!(value(&found, "ETCD_LOCK_KEY"), None);
    assert_eq!(value(&found, "ETCD_LOCK_REV"), None);
    let found = environment(&store, &["--no-renew", "--ttl", "30"], &[]);
    assert_eq!(value(&found, "GENLOCK_HELD_TTL"), Some("30"));
}

#[test]
fn an_outer_locks_variables_are_not_inherited() {
    let store = Store::files();
    let outer = [
        ("GENLOCK_HELD_KEY", "outer"),
        ("GENLOCK_HELD_TOKEN", "0"),
        ("GENLOCK_HELD_TTL", "1"),
        ("GENLOCK_HELD_LEASE", "ab"),
        ("GENLOCK_HELD_OWNER_KEY", "outer/ab"),
        ("ETCD_LOCK_KEY", "outer/ab"),
        ("ETCD_LOCK_REV", "0"),
    ];
    let found = environment(&store, &[], &outer);
    assert_eq!(value(&found, "GENLOCK_HELD_KEY"), Some("k"));
    assert_ne!(value(&found, "GENLOCK_HELD_TOKEN"), Some("0"));
    let held = |line: &&String| line.starts_with("GENLOCK_HELD_") || line.starts_with("ETCD_LOCK");
    let held: Vec<_> = found.iter().filter(held).collect();
    assert!(!held.iter().any(|line| line.contains("outer")), "{held:?}");
    assert!(!found.iter().any(|line| line.starts_with("ETCD_LOCK")));
    for name in ["TTL", "LEASE"] {
        assert_eq!(value(&found, &format!("GENLOCK_HELD_{name}")), None);
    }
}

#[test]
fn a_nested_lock_shows_its_own() {
    let store = Store::files();
    let inner = genlock();
    let inner = inner.get_program().to_str().expect("a path");
    let words = ["-v", "inner", "sh", "-c", "echo $GENLOCK_HELD_KEY; exit 5"];
    let mut command = vec![inner, "run", "--endpoints", &store.endpoints];
    command.extend(words);
    let run = output(store.run(&["-E", "9"], &command));
    assert_eq!(run.text(), "inner");
    assert_eq!(run.status.code(), Some(5));
}

#[test]
fn a_lock_inside_itself_is_held_by_another() {
    let store = Store::files();
    let inner = genlock();
    let inner = inner.get_program().to_str().expect("a path");
    let command = [
        inner,
        "run",
        "--endpoints",
        &store.endpoints,
        "-nq",
        &store.key,
        "true",
    ];
    output(store.run(&[], &command)).silent(75);
}

#[test]
fn genlocks_own_passwords_are_taken_out() {
    let store = Store::files();
    let given = [
        ("GENLOCK_PASSWORD", "secret"),
        ("GENLOCK_USER", "ann:secret:x"),
    ];
    let found = environment(&store, &[], &given);
    assert!(
        !found.iter().any(|line| line.contains("secret")),
        "{found:?}"
    );
    assert_eq!(value(&found, "GENLOCK_PASSWORD"), None);
    assert_eq!(value(&found, "GENLOCK_USER"), Some("ann"));
}

#[test]
fn everything_else_is_passed_on() {
    let store = Store::files();
    let given = [
        ("GENLOCK_WAIT", "30"),
        ("ETCDCTL_ENDPOINTS", "127.0.0.1:1"),
        ("ETCDCTL_PASSWORD", "etcdctl's"),
        ("ETCDCTL_USER", "bob:etcdctl's"),
        ("OTHER_PASSWORD", "mine"),
        ("EMPTY", ""),
        ("LANG", "C"),
    ];
    let found = environment(&store, &[], &given);
    for (name, expected) in given {
        assert_eq!(value(&found, name), Some(expected));
    }
}

#[test]
fn endpoints_from_the_environment_and_the_option_beats_them() {
    let store = Store::files();
    let other = Store::files();
    let _holder = store.hold();
    let asked = |endpoints: &[(&str, &str)], options: &[&str]| {
        let mut genlock = genlock();
        genlock
            .arg("run")
            .args(options)
            .args(["-n", "-q", "k", "true"]);
        genlock.envs(endpoints.iter().copied());
        output(genlock).status.code()
    };
    let (held, free) = (&*store.endpoints, &*other.endpoints);
    assert_eq!(asked(&[("GENLOCK_ENDPOINTS", held)], &[]), Some(75));
    assert_eq!(asked(&[("GENLOCK_ENDPOINTS", free)], &[]), Some(0));
    assert_eq!(asked(&[("ETCDCTL_ENDPOINTS", held)], &[]), Some(75));
    let both = [("GENLOCK_ENDPOINTS", free), ("ETCDCTL_ENDPOINTS", held)];
    assert_eq!(asked(&both, &[]), Some(0));
    let both = [("GENLOCK_ENDPOINTS", free)];
    assert_eq!(asked(&both, &["--endpoints", held]), Some(75));
}
