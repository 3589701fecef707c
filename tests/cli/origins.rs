//! Errors say where the setting at fault comes from, and what to do; never to lock elsewhere where
//! a store was configured.

use std::process::Command;

use crate::genlock::{Finished, Store, genlock, output};
use crate::support::etcd::{Server, Setup};
use crate::support::secret::secret;

/// An address where nothing listens.
const NOWHERE: &str = "127.0.0.1:1";

/// How each verb asks the store for the lock `k`.
const VERBS: [&[&str]; 5] = [
    &["run", "k", "true"],
    &["status", "k"],
    &["ls"],
    &["wait", "k"],
    &["break", "k"],
];

/// The verb with these options.
fn verb(words: &[&str], options: &[&str]) -> Command {
    let mut genlock = genlock();
    // A store that is not there is tried for that long.
    genlock.env("GENLOCK_DIAL_TIMEOUT", "0.2");
    genlock.arg(words[0]).args(options).args(&words[1..]);
    genlock
}

/// The store does not work: that is said, with where it was configured and the line to ask the
/// doctor, and no other store is proposed.
#[track_caller]
fn points_to(run: &Finished, place: &str, doctor: &str) {
    assert_eq!(run.status.code(), Some(69), "{run:?}");
    let line = run.one_line();
    assert!(line.ends_with(&format!("{place}; try: {doctor}")), "{line}");
    assert!(!line.contains("file:"), "{line}");
}

#[test]
fn no_other_store_is_proposed_where_one_was_configured() {
    let store = Store::files();
    let config = store.path("config.toml");
    std::fs::write(&config, format!("\nendpoints = \"{NOWHERE}\"\n")).expect("a file");
    let config = config.to_str().expect("a path");
    let in_file = format!(" (endpoints in {config}:2)");
    let with_file = format!("genlock doctor --config {config}");
    for words in VERBS {
        let run = output(verb(words, &["--endpoints", NOWHERE]));
        let doctor = format!("genlock doctor --endpoints {NOWHERE}");
        points_to(&run, "connection refused", &doctor);
        let run = output(verb(words, &["--config", config]));
        points_to(&run, &in_file, &with_file);
        for name in ["GENLOCK_ENDPOINTS", "ETCDCTL_ENDPOINTS"] {
            let mut run = verb(words, &[]);
            run.env(name, NOWHERE);
            points_to(&output(run), &format!(" (${name})"), "genlock doctor");
        }
        let mut run = verb(words, &[]);
        run.env("GENLOCK_CONFIG", config);
        points_to(&output(run), &in_file, "genlock doctor");
    }
    // What runs under a lock asks where that one is kept.
    let mut check = verb(&["check"], &["--config", config]);
    check.envs([
        ("GENLOCK_HELD_KEY", "k"),
        ("GENLOCK_HELD_TOKEN", "1"),
        ("GENLOCK_HELD_OWNER_KEY", "k/1"),
        ("GENLOCK_HELD_ENDPOINTS", "127.0.0.1:2"),
    ]);
    points_to(
        &output(check),
        " ($GENLOCK_HELD_ENDPOINTS)",
        &format!("{with_file} --endpoints 127.0.0.1:2"),
    );
    // The line that is proposed asks about the same store.
    let mut doctor = genlock();
    doctor.args(["doctor", "--endpoints", NOWHERE]);
    let doctor = output(doctor);
    assert_eq!(doctor.status.code(), Some(69), "{doctor:?}");
    assert!(
        doctor.text().contains(&format!("{NOWHERE}: ")),
        "{doctor:?}"
    );
}

#[test]
fn a_list_with_no_endpoint_is_not_the_default() {
    let store = Store::files();
    let config = store.path("config.toml");
    let file = config.to_str().expect("a path");
    let why = "endpoints: the list is empty";
    for words in VERBS {
        for list in ["", " ", ",", " , ,"] {
            let end = format!("{why} (--endpoints)");
            ends_in(verb(words, &["--endpoints", list]), &[], 78, &end);
        }
        for list in [" ", ",", " , ,"] {
            for name in ["GENLOCK_ENDPOINTS", "ETCDCTL_ENDPOINTS"] {
                let end = format!("{why} (${name})");
                ends_in(verb(words, &[]), &[(name, list)], 78, &end);
            }
            std::fs::write(&config, format!("endpoints = \"{list}\"\n")).expect("a file");
            let end = match list {
                " " => format!("{file}:1: endpoints: it is empty"),
                _ => format!("{why} (endpoints in {file}:1)"),
            };
            ends_in(verb(words, &["--config", file]), &[], 78, &end);
        }
    }
    let doctor = output(verb(&["doctor"], &["--endpoints", ","]));
    assert_eq!(doctor.status.code(), Some(78), "{doctor:?}");
    assert!(doctor.text().contains(why), "{doctor:?}");
    // A variable without a value says nothing: what lies below it counts.
    std::fs::write(&config, format!("endpoints = \"{NOWHERE}\"\n")).expect("a file");
    for name in ["GENLOCK_ENDPOINTS", "ETCDCTL_ENDPOINTS"] {
        let mut run = verb(&["ls"], &["--config", file]);
        run.env(name, "");
        let place = format!(" (endpoints in {file}:1)");
        points_to(
            &output(run),
            &place,
            &format!("genlock doctor --config {file}"),
        );
    }
}

#[test]
fn a_full_or_silent_store_is_no_reason_for_another() {
    let full = Server::with(Setup {
        quota: 64 * 1024,
        ..Setup::default()
    });
    let endpoint = full.endpoint();
    let doctor = format!("genlock doctor --endpoints {endpoint}");
    let large = "x".repeat(64 * 1024);
    for _ in 0..3 {
        // The last of them is refused, and the alarm raised.
        let _ = full.ctl_command(&["put", "/filled", &large]).output();
    }
    let run = output(verb(&["run", "k", "true"], &["--endpoints", &endpoint]));
    points_to(&run, "space exceeded", &doctor);
    full.freeze();
    let options = ["--endpoints", &endpoint];
    for words in VERBS {
        points_to(&output(verb(words, &options)), "within 200ms", &doctor);
    }
    full.thaw();
}

#[test]
fn a_lost_quorum_is_no_reason_for_another_store() {
    let mut members = Server::cluster();
    members.truncate(1);
    let endpoint = members[0].endpoint();
    let doctor = format!("genlock doctor --endpoints {endpoint}");
    for words in VERBS {
        let mut run = verb(words, &["--endpoints", &endpoint]);
        run.env("GENLOCK_COMMAND_TIMEOUT", "1");
        points_to(&output(run), "", &doctor);
    }
}

#[test]
fn the_lock_of_this_host_is_proposed_where_nothing_was_configured() {
    let taken = std::net::TcpStream::connect("127.0.0.1:2379").is_ok();
    if taken {
        eprintln!("skipped: something listens at etcd's own port");
        return;
    }
    for words in VERBS {
        let run = output(verb(words, &[]));
        assert_eq!(run.status.code(), Some(69), "{run:?}");
        assert!(run.one_line().ends_with("server: --endpoints file:"));
    }
}

#[test]
fn a_login_that_fails_says_where_its_parts_are_from() {
    let mut server = Server::start();
    server.enable_auth();
    let endpoint = server.endpoint();
    let store = Store::files();
    secret(store.path("wrong"), "wrong\n");
    let config = store.path("config.toml");
    let text = "user = \"app\"\npassword-file = \"wrong\"\n";
    std::fs::write(&config, text).expect("a file");
    let file = config.to_str().expect("a path");
    let run = |options: &[&str]| {
        verb(
            &["run", "/locks/k", "true"],
            &[&["--endpoints", &endpoint], options].concat(),
        )
    };
    let why = "invalid user ID or password (user \"app\") ";
    let end = format!("{why}(user in {file}:1, password-file in {file}:2)");
    ends_in(run(&["--config", file]), &[], 77, &end);
    let password = [("GENLOCK_PASSWORD", "wrong")];
    let end = format!("{why}(--user, $GENLOCK_PASSWORD)");
    ends_in(run(&["--user", "app"]), &password, 77, &end);
    let both = [("GENLOCK_USER", "app:wrong")];
    ends_in(run(&[]), &both, 77, &format!("{why}($GENLOCK_USER)"));
}

/// Refused with this status, and the line ends so.
#[track_caller]
fn ends_in(mut run: Command, variables: &[(&str, &str)], status: i32, end: &str) {
    run.envs(variables.iter().copied());
    let run = output(run);
    assert_eq!(run.status.code(), Some(status), "{end}: {run:?}");
    assert!(run.one_line().ends_with(end), "{run:?}: {end}");
}

const NONE: &str = "/no/such: no such file or directory";

/// A key, its option and variables, and a value of it that is at fault.
type Fault = (
    &'static str,
    &'static str,
    [&'static str; 2],
    &'static str,
    i32,
    &'static str,
);

/// The status of each, and why.
const AT_FAULT: [Fault; 6] = [
    (
        "cacert",
        "--cacert",
        ["GENLOCK_CACERT", "ETCDCTL_CACERT"],
        "/no/such",
        78,
        NONE,
    ),
    (
        "password-file",
        "--password-file",
        ["GENLOCK_PASSWORD_FILE", ""],
        "/no/such",
        78,
        NONE,
    ),
    (
        "endpoints",
        "--endpoints",
        ["GENLOCK_ENDPOINTS", "ETCDCTL_ENDPOINTS"],
        "file:/no/such/directory",
        78,
        "directory: cannot open the directory: no such file or directory",
    ),
    (
        "endpoints",
        "--endpoints",
        ["GENLOCK_ENDPOINTS", "ETCDCTL_ENDPOINTS"],
        "h:x",
        78,
        "endpoint \"h:x\": not a HOST:PORT",
    ),
    (
        "user",
        "--user",
        ["GENLOCK_USER", "ETCDCTL_USER"],
        "ann",
        78,
        "user ann: no password: use --password-file or $GENLOCK_PASSWORD",
    ),
    (
        "ttl",
        "--ttl",
        ["GENLOCK_TTL", ""],
        "1.5s",
        64,
        "TTL 1s 500ms: etcd takes whole seconds only",
    ),
];

#[test]
fn a_setting_at_fault_is_named_as_it_was_given() {
    let store = Store::files();
    let config = store.path("config.toml");
    let file = config.to_str().expect("a path");
    for (key, option, variables, value, status, why) in AT_FAULT {
        let run = |options: &[&str]| {
            let mut all = options.to_vec();
            if key == "password-file" {
                all.extend(["--user", "ann"]);
            }
            verb(&["run", "k", "true"], &all)
        };
        ends_in(
            run(&[option, value]),
            &[],
            status,
            &format!("{why} ({option})"),
        );
        for name in variables.into_iter().filter(|name| !name.is_empty()) {
            let end = format!("{why} (${name})");
            ends_in(run(&[]), &[(name, value)], status, &end);
        }
        std::fs::write(&config, format!("\n\n{key} = \"{value}\"\n")).expect("a file");
        let end = format!("{why} ({key} in {file}:3)");
        ends_in(run(&["--config", file]), &[], 78, &end);
    }
    // Of two that go together, each has its place.
    std::fs::write(&config, "cert = \"/dev/null\"\n").expect("a file");
    let end = format!("together only (cert in {file}:1, --key)");
    ends_in(verb(&["ls"], &["--config", file]), &[], 78, &end);
    let key = [("GENLOCK_KEY", "/no/such")];
    let end = "/no/such: no such file or directory ($GENLOCK_KEY)";
    ends_in(verb(&["ls"], &["--cert", "/dev/null"]), &key, 78, end);
}
