//! `genlock doctor`: what it finds, what it says of it, and that it leaves nothing.

mod files;
mod members;
mod redis;
mod secure;
mod settings;
mod times;
mod zookeeper;

use std::process::Command;

use serde_json::Value;

use crate::genlock::{Finished, Store, genlock, output};
use crate::support::etcd::Server;

fn doctor(endpoints: &str, options: &[&str]) -> Command {
    let mut doctor = genlock();
    doctor.args(["doctor", "--endpoints", endpoints]);
    doctor.args(options);
    doctor
}

/// Demands this status, and that the verdict comes first and every line has its form.
#[track_caller]
fn examined(command: Command, status: i32) -> Finished {
    let run = output(command);
    assert_eq!(run.status.code(), Some(status), "{}{run:?}", run.text());
    assert_eq!(run.stderr, "");
    let (verdict, rest) = run.text().split_once('\n').expect("lines");
    let expected = if status == 0 {
        "locks work in "
    } else {
        "locks do not work: "
    };
    assert!(verdict.starts_with(expected), "{verdict}");
    for line in rest.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let known = ["set", "ok", "warn", "wrong"].contains(&words[0]);
        assert!(known && words.len() > 2, "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        // Whatever is not as it should be comes with what mends it.
        assert!(!line.contains("Error"), "{line:?}");
    }
    let wrong = run.text().lines().any(|line| line.starts_with("wrong "));
    assert_eq!(wrong, status != 0, "{}", run.text());
    run
}

/// Demands a line of this state and topic that has all of these in it.
#[track_caller]
fn says(run: &Finished, state: &str, topic: &str, texts: &[&str]) {
    let found = run.text().lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(state)
            && words.next() == Some(topic)
            && texts.iter().all(|text| line.contains(text))
    });
    assert!(found, "{state} {topic} {texts:?}:\n{}", run.text());
}

/// The same as JSON.
#[track_caller]
fn json(mut command: Command, status: i32) -> Value {
    command.arg("--json");
    let run = output(command);
    assert_eq!(run.status.code(), Some(status), "{}", run.text());
    let json: Value = serde_json::from_str(run.text()).expect("JSON");
    assert_eq!(json["status"], status);
    assert_eq!(json["ok"], status == 0);
    json
}

/// The revision that the next write would be the first after.
fn revision(server: &Server) -> String {
    let status = server.ctl(&["endpoint", "status", "--write-out=json"]);
    let (_, rest) = status.split_once("\"revision\":").expect("a revision");
    rest.split(',').next().expect("a number").to_owned()
}

#[test]
fn all_is_well_and_nothing_is_left() {
    let server = Server::start();
    let endpoint = server.endpoint();
    let before = revision(&server);
    let run = examined(doctor(&endpoint, &[]), 0);
    says(
        &run,
        "ok",
        "endpoint",
        &[&endpoint, "etcd 3", "the leader", "a read takes "],
    );
    says(&run, "ok", "auth", &["nobody log in"]);
    says(&run, "ok", "rights", &["read below /locks/"]);
    says(&run, "ok", "rights", &["write below /locks/"]);
    says(&run, "ok", "rights", &["leases are granted", "10s"]);
    let times = [
        "every 3s 333ms",
        "SIGTERM 7s 400ms",
        "SIGKILL after 9s 400ms",
        "for 4s 66ms",
    ];
    says(&run, "ok", "times", &times);
    says(&run, "ok", "proc", &["/proc"]);
    assert!(run.text().contains("clock "), "{}", run.text());
    let found = json(doctor(&endpoint, &["/locks/x", "--ttl", "20"]), 0);
    assert_eq!(found["store"], "etcd");
    let assumption = "etcd keeps what a majority has acknowledged";
    assert_eq!(found["assumption"], assumption);
    says(&run, "ok", "store", &["etcd, assumed: ", assumption]);
    let member = &found["endpoints"][0];
    assert_eq!(member["endpoint"], *endpoint);
    assert_eq!(member["reached"], true);
    assert_eq!(member["role"], "leader");
    let reads = member["read_seconds"].as_array().expect("an array");
    assert!(reads.len() > 1);
    assert!(
        reads
            .iter()
            .all(|read| (0.0..5.0).contains(&read.as_f64().expect("seconds")))
    );
    // A renewal is a ping and a read.
    let slowest = reads.iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    let renewal = format!("a renewal takes up to {:.2}ms", slowest * 2.0 * 1000.0);
    let findings = found["findings"].as_array().expect("an array");
    let said = findings.iter().any(|finding| finding["text"] == *renewal);
    assert!(said, "{renewal}: {findings:?}");
    assert_eq!(found["auth"], false);
    assert_eq!(found["rights"]["prefix"], "/locks/x/");
    for right in ["read", "write", "lease"] {
        assert_eq!(found["rights"][right], true, "{right}");
    }
    assert_eq!(found["times"]["ttl"], 20.0);
    assert_eq!(found["times"]["killed"], 18.9);
    assert_eq!(found["directory"], Value::Null);
    assert_eq!(server.keys(), [""; 0]);
    assert_eq!(server.leases(), [""; 0]);
    assert_eq!(revision(&server), before);
}

/// At a terminal: red for what is wrong, and nothing of the kind where it is not wanted.
#[test]
fn colours_are_for_a_terminal() {
    let store = Store::files();
    let mut shell = crate::pty::Shell::start(&store);
    let shown = shell.command("genlock doctor --endpoints file:/no/such/place");
    assert!(
        shown.contains("\x1b[31mlocks do not work\x1b[0m"),
        "{shown:?}"
    );
    let shown = shell.command("NO_COLOR=1 genlock doctor --endpoints file:/no/such/place");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    assert!(
        !output(doctor("file:/no/such/place", &[]))
            .text()
            .contains('\x1b')
    );
}

#[test]
fn an_empty_key_is_refused() {
    let run = output(doctor("file:", &[""]));
    assert_eq!(run.status.code(), Some(64), "{run:?}");
    assert!(run.one_line().contains("empty"));
}
