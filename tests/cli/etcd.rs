//! `genlock run` over a real etcd: what is its own there.

mod access;

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::genlock::{Run, Store, died_of, output, poll, within};
use crate::process::is_dead;
use crate::support::etcd::{Server, free_port};

fn variables(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .collect()
}

/// What a run with these options asks of the server.
fn cost(server: &Server, options: &[&str]) -> BTreeMap<String, u64> {
    let before = server.requests();
    let store = Store::at(server.endpoint());
    // So long that nothing is renewed meanwhile.
    let run = store.run(&[&["--ttl", "60s"], options].concat(), &["true"]);
    output(run).silent(0);
    server.requests_since(&before)
}

#[test]
fn what_was_not_asked_for_costs_no_request() {
    let server = Server::start();
    let counts = [("LeaseGrant", 1), ("LeaseRevoke", 1), ("Txn", 1)];
    let counts = BTreeMap::from(counts.map(|(method, count)| (method.to_owned(), count)));
    let mut plain = cost(&server, &[]);
    // What takes long, as on a loaded machine, is watched.
    plain.remove("Watch");
    assert_eq!(plain, counts);
    let once = ["--once", "n"];
    cost(&server, &once);
    let skipped = BTreeMap::from([("Range".to_owned(), 1)]);
    assert_eq!(cost(&server, &once), skipped);
}

/// The key of the holder, or of the first waiter, while there is one.
fn own_key(server: &Server) -> String {
    server.keys().remove(0)
}

#[test]
fn the_command_runs_under_the_lock_and_nothing_is_left() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let ran = output(store.run(&["--ttl", "7"], &["env"])).silent(0);
    let got = variables(ran.text());
    let lease = got["GENLOCK_HELD_LEASE"];
    assert_eq!(got["GENLOCK_HELD_KEY"], "/locks/k");
    assert_eq!(got["GENLOCK_HELD_TTL"], "7");
    assert_eq!(got["GENLOCK_HELD_OWNER_KEY"], format!("/locks/k/{lease}"));
    assert_eq!(got["ETCD_LOCK_KEY"], got["GENLOCK_HELD_OWNER_KEY"]);
    assert_eq!(got["ETCD_LOCK_REV"], got["GENLOCK_HELD_TOKEN"]);
    assert_eq!(server.keys(), [""; 0]);
    assert_eq!(server.leases(), [""; 0]);
    let again = output(store.run(&[], &["env"])).silent(0);
    let token = |got: &HashMap<&str, &str>| got["GENLOCK_HELD_TOKEN"].parse::<u64>().expect("n");
    assert!(token(&variables(again.text())) > token(&got));
}

#[test]
fn the_token_is_the_create_revision_also_after_a_wait() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let holder = store.hold();
    let waiter = Run::start(store.sh(&[], "echo ready $$; env; exec sleep 600"));
    waiter.complains("waiting for /locks/k: held by ");
    holder.signal(Signal::TERM);
    waiter.ready();
    waiter.says("ETCD_LOCK_REV=");
    let printed = server.ctl(&["get", "--prefix", "/locks/", "--write-out=json"]);
    let (_, rest) = printed.split_once("\"create_revision\":").expect("a key");
    let revision = rest.split(',').next().expect("a number").to_owned();
    waiter.says(&format!("GENLOCK_HELD_TOKEN={revision}\n"));
    waiter.says(&format!("ETCD_LOCK_REV={revision}\n"));
}

#[test]
fn a_lock_that_is_taken_away_stops_the_command_at_once() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let revoke = |key: &str| {
        let lease = key.rsplit('/').next().expect("a lease").to_owned();
        server.ctl(&["lease", "revoke", &lease]);
    };
    let delete = |key: &str| {
        server.ctl(&["del", key]);
    };
    type TakeAway<'a> = &'a dyn Fn(&str);
    let ways: [(TakeAway<'_>, &str); 2] = [
        (&revoke, "its lease is gone"),
        (&delete, "its key was deleted"),
    ];
    for (take_away, why) in ways {
        within(Duration::from_millis(1000), || {
            let run = Run::start(store.sh(
                &[],
                "exec 2>&-; trap 'echo told; exit 0' TERM; echo ready $$; while :; do sleep 0.01; done",
            ));
            run.ready();
            let key = own_key(&server);
            let start = Instant::now();
            take_away(&key);
            run.says("told");
            let took = start.elapsed();
            let ended = run.finish();
            assert_eq!(ended.status.code(), Some(80));
            assert!(ended.one_line().contains(why), "{}", ended.stderr);
            took
        });
    }
    let run = Run::start(store.sh(&["--lost-exit-code", "9"], "echo ready $$; exec sleep 600"));
    run.ready();
    delete(&own_key(&server));
    assert_eq!(run.finish().status.code(), Some(9));
}

#[test]
fn cut_off_from_etcd_the_command_is_gone_inside_the_ttl() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let script = "exec 2>&-; trap 'echo told' TERM; setsid sleep 600 & echo ready $!; while :; do sleep 0.01; done";
    let run = Run::start(store.sh(&["--ttl", "3"], script));
    let escaped = run.ready();
    let start = Instant::now();
    server.freeze();
    run.says("told");
    assert!(!is_dead(run.pid()));
    let ended = run.finish();
    // The last renewal before the freeze left at most a third of the TTL earlier, and was not
    // answered at most so long later.
    let gone = start.elapsed();
    assert!(is_dead(escaped));
    assert!(gone < Duration::from_secs(4), "{gone:?}");
    assert_eq!(ended.status.code(), Some(80));
    assert!(
        ended.one_line().contains("no answer within"),
        "{}",
        ended.stderr
    );
    server.thaw();
}

#[test]
fn a_store_that_is_killed_and_back_is_not_noticed() {
    let mut server = Server::start();
    let store = Store::at(server.endpoint());
    let script = "echo ready $$; while [ ! -e end ]; do sleep 0.05; done; exit 7";
    let mut command = store.sh(&["--ttl", "5"], script);
    command.current_dir(store.directory());
    let run = Run::start(command);
    run.ready();
    server.kill();
    std::thread::sleep(Duration::from_millis(500));
    server.restart();
    let start = Instant::now();
    // Past the TTL of before: only a renewal can have kept the lock.
    std::thread::sleep(Duration::from_secs(6));
    std::fs::write(store.path("end"), "").expect("a file");
    let ended = run.finish().silent(7);
    assert!(ended.took > start.elapsed());
    assert_eq!(server.leases(), [""; 0]);
}

#[test]
fn a_waiter_that_is_interrupted_leaves_the_queue_at_once() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let _holder = store.hold();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut waiter = Run::start(store.run(&["--ttl", "60"], &["true"]));
        waiter.complains("waiting for");
        assert_eq!(server.keys().len(), 2);
        waiter.signal(signal);
        died_of(waiter.ended().0, signal);
        assert_eq!(server.keys().len(), 1);
        assert_eq!(server.leases().len(), 1);
    }
}

#[test]
fn try_and_wait_leave_nothing_behind() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let _holder = store.hold();
    for options in [&["-n"][..], &["-w", "0.3"], &["-w", "0"]] {
        let refused = output(store.run(options, &["true"]));
        assert_eq!(refused.status.code(), Some(75));
        assert!(
            refused.stderr.contains("held by ") && refused.stderr.contains("sleep 600"),
            "{}",
            refused.stderr
        );
        assert_eq!(server.keys().len(), 1);
        assert_eq!(server.leases().len(), 1);
    }
}

#[test]
fn the_lock_is_free_soon_after_the_last_process_is_gone_and_not_before() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    within(Duration::from_millis(500), || {
        // What is left behind takes its time to end.
        let slow =
            "trap 'sleep 0.3; echo gone; exit' TERM; echo ready $$; while :; do sleep 0.01; done";
        let script = format!("setsid sh -c '{}' & read x", slow.replace('\'', "'\\''"));
        let mut holder = Run::start_with(
            store.sh(&["-k", "3"], &script),
            std::process::Stdio::piped(),
        );
        let left = holder.ready();
        let next = Run::start(store.sh(&[], "echo ready $$"));
        next.complains("waiting for");
        drop(holder.stdin());
        poll("the end of what was left behind", || is_dead(left));
        let start = Instant::now();
        let next = next.finish();
        assert_eq!(next.status.code(), Some(0));
        holder.says("gone");
        start.elapsed()
    });
}

#[test]
fn an_etcd_that_cannot_be_reached_is_named_with_its_reason() {
    let refusing = free_port();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let hanging = listener.local_addr().expect("an address").port();
    let store = Store::at(format!("127.0.0.1:{refusing},127.0.0.1:{hanging}"));
    within(Duration::from_secs(3), || {
        let failed = output(store.run(&[], &["true"]));
        assert_eq!(failed.status.code(), Some(69));
        let line = failed.one_line();
        for part in [
            format!("127.0.0.1:{refusing}: connection refused"),
            format!("127.0.0.1:{hanging}: no answer within"),
            "try: genlock doctor".to_owned(),
        ] {
            assert!(line.contains(&part), "{line}");
        }
        failed.took
    });
    within(Duration::from_millis(1500), || {
        let quick = output(store.run(&["--dial-timeout", "300ms"], &["true"]));
        assert_eq!(quick.status.code(), Some(69));
        quick.took
    });
}

#[test]
fn dead_endpoints_beside_a_good_one_cost_little() {
    let server = Server::start();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let hanging = listener.local_addr().expect("an address");
    let dead = free_port();
    // Where genlock starts is drawn by chance: both orders come up.
    for _ in 0..6 {
        within(Duration::from_millis(1500), || {
            let list = format!("{hanging},127.0.0.1:{dead},{}", server.endpoint());
            output(Store::at(list).run(&[], &["true"])).silent(0).took
        });
    }
}

#[test]
fn times_that_cannot_fit_are_refused_with_their_names() {
    let store = Store::at("127.0.0.1:1");
    for options in [
        &["--kill-after", "9", "--ttl", "10"][..],
        &["-k", "10", "--ttl", "10", "--no-renew"],
    ] {
        let refused = output(store.run(options, &["true"]));
        assert_eq!(refused.status.code(), Some(64));
        let line = refused.one_line();
        assert!(
            line.contains("--kill-after") && line.contains("--ttl"),
            "{line}"
        );
    }
    let refused = output(store.run(&["--ttl", "1.5"], &["true"]));
    assert_eq!(refused.status.code(), Some(64));
    assert!(
        refused.one_line().contains("whole seconds"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_store_that_hangs_at_the_release_costs_a_warning_and_some_seconds() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let mut command = store.sh(
        &["-v", "--command-timeout", "1"],
        "echo ready $$; read x; exit 7",
    );
    command.stdin(std::process::Stdio::piped());
    let mut run = Run::start_with(command, std::process::Stdio::piped());
    run.ready();
    server.freeze();
    let start = Instant::now();
    drop(run.stdin());
    let ended = run.finish();
    let took = start.elapsed();
    server.thaw();
    assert_eq!(ended.status.code(), Some(7), "{}", ended.stderr);
    let lines: Vec<_> = ended.stderr.lines().collect();
    let last = lines.last().expect("a line");
    assert!(last.contains("warning: not released"), "{lines:?}");
    assert!(!ended.stderr.contains("released after"), "{lines:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}
