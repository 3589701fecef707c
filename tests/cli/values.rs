//! A value that is not taken: that is said in words, with the option, variable or line at fault.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::genlock::{Store, genlock, output};

const DURATION: &str = "write it as in 10s, 1m30s, 500ms; a bare number is in seconds";
const TOO_LONG: &str = "at most 9000000000s, which is 285 years";

fn verb(words: &[&str], rest: &[&str]) -> Command {
    let mut command = genlock();
    command.args(words).args(rest);
    command
}

/// Refused as usage, with this line and no more.
#[track_caller]
fn says(command: Command, line: &str) {
    let shown = format!("{command:?}");
    let run = output(command);
    assert_eq!(run.status.code(), Some(64), "{shown}: {run:?}");
    assert_eq!(run.one_line(), format!("genlock: {line}"), "{shown}");
}

const ANY_STATUS: &str = "a whole number from 0 to 255";
const FAILURE: &str = "a whole number from 1 to 255";

/// An option, its variable, a value, and why it is not taken.
const NOT_TAKEN: [(&str, &str, &str, &str); 16] = [
    (
        "--conflict-exit-code",
        "GENLOCK_CONFLICT_EXIT_CODE",
        "x",
        ANY_STATUS,
    ),
    (
        "--conflict-exit-code",
        "GENLOCK_CONFLICT_EXIT_CODE",
        "256",
        ANY_STATUS,
    ),
    ("--lost-exit-code", "GENLOCK_LOST_EXIT_CODE", "0", FAILURE),
    ("--lost-exit-code", "GENLOCK_LOST_EXIT_CODE", "1e2", FAILURE),
    ("--ttl", "GENLOCK_TTL", "soon", DURATION),
    ("--ttl", "GENLOCK_TTL", "9223372036854775808", TOO_LONG),
    ("--ttl", "GENLOCK_TTL", "9000000001s", TOO_LONG),
    ("--ttl", "GENLOCK_TTL", "18446744073709551616s", TOO_LONG),
    ("--wait", "GENLOCK_WAIT", "1e30", TOO_LONG),
    (
        "--wait",
        "GENLOCK_WAIT",
        "1M",
        "\"M\" is not taken: write days, or m for minutes",
    ),
    (
        "--kill-after",
        "GENLOCK_KILL_AFTER",
        "-5",
        "a duration is not negative",
    ),
    ("--max-runtime", "GENLOCK_MAX_RUNTIME", "inf", TOO_LONG),
    ("--jitter", "GENLOCK_JITTER", "25h", "at most a day, 24h"),
    (
        "--retry-interval",
        "GENLOCK_RETRY_INTERVAL",
        "0",
        "it cannot be zero",
    ),
    ("--dial-timeout", "GENLOCK_DIAL_TIMEOUT", "nan", DURATION),
    (
        "--command-timeout",
        "GENLOCK_COMMAND_TIMEOUT",
        "1e10",
        TOO_LONG,
    ),
];

#[test]
fn a_value_that_is_not_taken_is_named_with_what_would_be() {
    for (option, variable, value, why) in NOT_TAKEN {
        let given = format!("{option}={value}");
        let line = verb(&["run", &given], &["k", "true"]);
        says(line, &format!("{option} {value}: {why}"));
        let mut run = verb(&["run"], &["k", "true"]);
        run.env(variable, value);
        says(run, &format!("${variable} {value}: {why}"));
        // What the command line says beats it, and is what is wrong.
        let mut run = verb(&["run", &given], &["k", "true"]);
        run.env(variable, "1");
        says(run, &format!("{option} {value}: {why}"));
    }
}

#[test]
fn a_value_of_a_verbs_own_is_named_too() {
    let token = "a token is a whole number, as genlock status shows it";
    for (words, line) in [
        (
            &["break", "k", "--token", "x"][..],
            format!("--token x: {token}"),
        ),
        (
            &["break", "k", "--token", "18446744073709551616"],
            format!("--token 18446744073709551616: {token}"),
        ),
        (
            &["break", "k", "--wait", "1e99"],
            format!("--wait 1e99: {TOO_LONG}"),
        ),
        (
            &["wait", "k", "--wait", "a b"],
            format!("--wait 'a b': {DURATION}"),
        ),
        (
            &["check", "--at-least", ""],
            format!("--at-least '': {DURATION}"),
        ),
        (
            &["ls", "--sort", "foo"],
            "--sort foo: one of key, held, waiting, token".to_owned(),
        ),
        (
            &["ls", "--endpoints"],
            "--endpoints: its value is missing".to_owned(),
        ),
    ] {
        says(verb(words, &[]), &line);
    }
}

#[test]
fn the_longest_time_is_as_good_as_none() {
    for store in [Store::files(), Store::etcd()] {
        for option in ["--ttl", "--wait", "--max-runtime"] {
            let options = [option, "9000000000s"];
            output(store.run(&options, &["true"])).silent(0);
        }
        let options = ["--ttl", "9000000000s", "--kill-after", "1s", "--no-renew"];
        output(store.run(&options, &["true"])).silent(0);
    }
}

#[test]
fn a_number_in_a_file_that_is_too_large_is_said_in_words() {
    let store = Store::files();
    let config = store.path("config.toml");
    for value in ["99999999999999999999", "9000000001", "1e400", "\"1e11\""] {
        std::fs::write(&config, format!("ttl = {value}\n")).expect("a file");
        let mut run = verb(&["run", "k", "true"], &[]);
        run.env("GENLOCK_CONFIG", &config);
        let run = output(run);
        assert_eq!(run.status.code(), Some(78), "{run:?}");
        let line = format!("{}:1: ttl: {TOO_LONG}", config.display());
        assert!(run.one_line().ends_with(&line), "{run:?}");
    }
    let mut run = verb(&["run", "k", "true"], &[]);
    run.env("ETCDCTL_COMMAND_TIMEOUT", "99999999999999999999s");
    let run = output(run);
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    assert!(run.one_line().ends_with(TOO_LONG), "{run:?}");
}

#[test]
fn a_value_of_a_file_that_is_not_taken_is_a_bad_configuration() {
    let store = Store::etcd();
    let endpoint = store.server().expect("an etcd").endpoint();
    let config = store.path("config.toml");
    let file = config.to_str().expect("a path");
    let refused = |text: &str, options: &[&str], status: i32, line: &str| {
        std::fs::write(&config, text).expect("a file");
        let mut run = store.run(options, &["true"]);
        run.env_remove("GENLOCK_TTL").env("GENLOCK_CONFIG", file);
        let run = output(run);
        assert_eq!(run.status.code(), Some(status), "{text:?}: {run:?}");
        assert_eq!(run.one_line(), format!("genlock: {line}"), "{text:?}");
        let mut doctor = verb(&["doctor", "--json", "--endpoints", &endpoint], options);
        doctor.env("GENLOCK_CONFIG", file);
        let run = output(doctor);
        assert_eq!(run.status.code(), Some(status), "{text:?}: {run:?}");
        let report: serde_json::Value = serde_json::from_str(run.text()).expect("JSON");
        let findings = report["findings"].as_array().expect("findings");
        let says = |finding: &serde_json::Value| {
            finding["text"]
                .as_str()
                .is_some_and(|text| text.contains(line))
        };
        assert!(findings.iter().any(says), "{line}: {report}");
    };
    refused("ttl = 0", &[], 78, &format!("{file}:1: ttl: at least 1s"));
    refused(
        "ttl = \"900ms\"",
        &[],
        78,
        &format!("{file}:1: ttl: at least 1s"),
    );
    let line = format!("TTL 1s 500ms: etcd takes whole seconds only (ttl in {file}:1)");
    refused("ttl = 1.5", &[], 78, &line);
    let line = format!(
        "kill-after 20s does not fit into ttl 10s: take less than 4s 400ms, or ttl 45s \
         (kill-after in {file}:1)"
    );
    refused("kill-after = \"20s\"", &[], 78, &line);
    let line = format!(
        "--kill-after 20s does not fit into --ttl 12s: take less than 5s 300ms, or --ttl 45s \
         (kill-after in {file}:1)"
    );
    refused("kill-after = 20", &["--ttl", "12"], 64, &line);
    let line = format!("{file}:1: record-command: one of full, name, none");
    refused("record-command = \"some\"", &[], 78, &line);
}

#[test]
fn the_doctor_reports_a_variable_that_is_not_taken() {
    for (name, value, why) in [
        ("GENLOCK_TTL", "abc", DURATION),
        ("GENLOCK_TTL", "0", "at least 1s"),
        ("GENLOCK_DIAL_TIMEOUT", "0", "it cannot be zero"),
    ] {
        let mut doctor = verb(&["doctor", "--json"], &[]);
        doctor.env(name, value);
        let run = output(doctor);
        assert_eq!(run.status.code(), Some(64), "{run:?}");
        assert_eq!(run.stderr, "");
        let report: serde_json::Value = serde_json::from_str(run.text()).expect("JSON");
        let finding = &report["findings"][0];
        assert_eq!(finding["state"], "wrong", "{report}");
        assert_eq!(finding["text"], format!("${name} {value}: {why}"));
        // Of what is wrong with the words themselves there is no report.
        let mut doctor = verb(&["doctor", "--json", "--ttl=x"], &[]);
        doctor.env(name, value);
        says(doctor, &format!("--ttl x: {DURATION}"));
    }
}

#[test]
fn what_is_not_utf8_is_shown_as_it_would_be_typed() {
    let bytes = OsStr::from_bytes(b"a\xff");
    let mut key = verb(&["run"], &[]);
    key.arg(bytes).arg("true");
    says(key, "$'a\\377': it is not UTF-8");
    let mut value = verb(&["run", "--ttl"], &[]);
    value.arg(bytes).args(["k", "true"]);
    says(value, "$'a\\377': it is not UTF-8");
    let mut run = verb(&["run", "k", "true"], &[]);
    run.env("GENLOCK_TTL", bytes);
    says(run, "$GENLOCK_TTL: it is not UTF-8");
    // A command may have what it wants.
    let store = Store::files();
    let mut run = store.run(&[], &["true"]);
    run.arg(bytes);
    output(run).silent(0);
}
