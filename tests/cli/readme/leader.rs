//! A daemon that one of three hosts runs: each host has a name and processes of its own, which end
//! together when it dies.

use std::time::Duration;

use super::{Newcomer, block};
use crate::genlock::{Run, output, poll, under};
use crate::process::has;
use crate::support::etcd::Server;

/// Runs alone, or says that it does not.
const DAEMON: &str = "#!/bin/sh
mkdir leading || exit 9
trap 'rmdir leading; exit' TERM
echo \"ready $$\"
while :; do sleep 0.05; done
";

/// A host on which this is typed; killed with all that runs there when it is dropped.
fn host(newcomer: &Newcomer, name: &str, script: &str) -> Run {
    // The first process stays root's: for one that becomes another user's, the kernel forgets that it is to
    // end with its parent (PR_SET_PDEATHSIG, prctl(2)).
    let named = format!("hostname {name}; \"$@\"; exit $?");
    let apart = ["unshare", "-u", "-m", "-p", "--fork", "--kill-child"];
    let apart = [&apart[..], &["--mount-proc", "sh", "-c", &named, "sh"]].concat();
    let mut command = under(&apart, &newcomer.types(script));
    command.current_dir(newcomer.home());
    Run::start(command)
}

fn has_hosts() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    let mut probe = crate::genlock::bare("unshare");
    probe.args(["-u", "-m", "-p", "--fork", "--mount-proc", "true"]);
    let can = is_root && output(probe).status.success();
    if !can {
        eprintln!("skipped: not root, or no namespaces to be had here");
    }
    can && has("jq")
}

#[test]
fn the_next_host_runs_it_when_one_dies_or_is_told_to_let_go() {
    if !has_hosts() {
        return;
    }
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("scheduler");
    std::fs::write(newcomer.path("scheduler"), DAEMON).expect("a program");
    let line = block("genlock run -q --ttl 10s /locks/scheduler");
    let script = line.replace("--ttl 10s", "--ttl 4s -k 500ms");
    let who = || newcomer.typed(&block("genlock status --json /locks/scheduler"));
    let contenders = || server.keys().len();
    let mut hosts = Vec::new();
    for (at, name) in ["one", "two", "three"].into_iter().enumerate() {
        hosts.push(host(&newcomer, name, &format!("exec {script}")));
        poll("its place", || contenders() == at + 1);
    }
    let [one, two, three] = hosts.try_into().unwrap_or_else(|_| panic!("three"));
    one.ready();
    assert_eq!(who().silent(0).text(), "one");

    // It dies with its daemon, which does not clean up.
    drop(one);
    std::fs::remove_dir(newcomer.path("leading")).expect("what it left");
    two.ready();
    assert_eq!(who().silent(0).text(), "two");

    let told = newcomer.typed(&block("genlock break /locks/scheduler"));
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let two = two.finish();
    assert_eq!(two.status.code(), Some(80), "{two:?}");
    three.ready();
    assert_eq!(who().silent(0).text(), "three");
    assert!(two.took < Duration::from_secs(60));
}

#[test]
fn what_comes_before_it_is_under_the_same_lock() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("take-address");
    newcomer.program("scheduler");
    let said = newcomer.typed(&block("genlock run -q /locks/scheduler"));
    assert_eq!(said.silent(0).text(), "take-address\nscheduler");
}
