//! status, ls and wait: who holds what, and until when.

use std::time::{Duration, Instant};

use etcd_client::{PutOptions, Txn, TxnOp};
use serde_json::Value;

use super::{json, parsed, verb};
use crate::genlock::{Run, Store, bare, output, poll, within};
use crate::pty::Shell;
use crate::support::etcd::Server;

over_every_store! {
    status_shows_the_holder;
    status_of_a_free_lock_is_1;
    ls_shows_what_is_held_below_a_prefix;
    wait_returns_when_the_lock_is_free_and_takes_nothing;
    wait_is_bounded;
    a_status_nobody_reads_ends_quietly;
}

fn status_shows_the_holder(store: &Store) {
    let holder = store.hold();
    let status = json(store, "status", &[&store.key]);
    assert_eq!(status["key"], store.key.as_str());
    assert_eq!(status["held"], true);
    let shown = &status["holder"];
    assert_eq!(shown["pid"], holder.pid());
    assert_eq!(shown["foreign"], false);
    assert!(
        shown["command"]
            .as_str()
            .expect("a command")
            .contains("sleep 600")
    );
    assert!(shown["token"].as_u64().is_some_and(|token| token > 0));
    assert_eq!(status["waiters"], Value::Array(Vec::new()));
    let text = output(verb(store, "status", &[&store.key])).silent(0);
    let text = text.text();
    for part in [
        "held",
        "sleep 600",
        &holder.pid().to_string(),
        &shown["token"].to_string(),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    output(verb(store, "status", &["-q", &store.key])).silent(0);
}

fn status_of_a_free_lock_is_1(store: &Store) {
    let free = output(verb(store, "status", &[&store.key])).silent(1);
    assert_eq!(free.text(), format!("{}: free", store.key));
    output(store.run(&[], &["true"])).silent(0);
    let free = output(verb(store, "status", &["--json", &store.key])).silent(1);
    assert_eq!(parsed(&free)["held"], false);
    assert_eq!(parsed(&free)["holder"], Value::Null);
}

fn ls_shows_what_is_held_below_a_prefix(store: &Store) {
    let mut names = Vec::new();
    let runs = ["b/2", "b/10", "a/1"].map(|end| {
        let key = format!("{}/{end}", store.key);
        let script = "echo ready $$; exec sleep 600";
        let run = verb(store, "run", &[&key, "sh", "-c", script]);
        names.push(key);
        let run = Run::start(run);
        run.ready();
        run
    });
    let keys = |arguments: &[&str]| -> Vec<String> {
        let list = json(store, "ls", arguments);
        let list = list.as_array().expect("an array");
        list.iter()
            .map(|lock| lock["key"].as_str().expect("a key").to_owned())
            .collect()
    };
    let below = |end: &str| format!("{}/{end}", store.key);
    assert_eq!(
        keys(&[&below("")]),
        [below("a/1"), below("b/2"), below("b/10")]
    );
    assert_eq!(keys(&[&below("b")]), [below("b/2"), below("b/10")]);
    assert_eq!(
        keys(&[&below(""), "-r"]),
        [below("b/10"), below("b/2"), below("a/1")]
    );
    if store.expires() {
        let by_token = keys(&[&below(""), "--sort", "token"]);
        assert_eq!(by_token, [below("b/2"), below("b/10"), below("a/1")]);
    }
    assert!(keys(&[&below("c")]).is_empty());
    output(verb(store, "ls", &[&below("c")])).silent(0);
    let table = output(verb(store, "ls", &[&below("a")])).silent(0);
    let lines: Vec<_> = table.text().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("KEY"), "{lines:?}");
    let pid = format!("pid {}", runs[2].pid());
    assert!(
        lines[1].starts_with(&below("a/1")) && lines[1].contains(&pid),
        "{lines:?}"
    );
}

/// Whoever may not read all keys is told what to ask for.
#[test]
fn ls_without_the_right_to_all_keys_asks_for_a_prefix() {
    let mut server = Server::start();
    server.enable_auth();
    let store = Store::at(server.endpoint());
    let as_user = |arguments: &[&str]| {
        let mut ls = verb(&store, "ls", &["--user", "app"]);
        ls.args(arguments).env("GENLOCK_PASSWORD", "secret");
        output(ls)
    };
    let refused = as_user(&[]);
    assert_eq!(refused.status.code(), Some(77), "{refused:?}");
    let line = refused.one_line();
    assert!(line.contains("genlock ls /locks/"), "{line}");
    as_user(&["/locks/"]).silent(0);
}

/// No wider than the terminal, and with a word where there is nothing.
#[test]
fn ls_fits_the_terminal() {
    let mut store = Store::files();
    store.key = format!("/locks/{}-12345", "long".repeat(15));
    let _holder = store.hold();
    let mut shell = Shell::start(&store);
    for columns in [60, 90] {
        shell.resize(24, columns);
        let shown = shell.command("genlock ls /locks/");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        let row = lines[1].replace("\x1b[1m", "").replace("\x1b[0m", "");
        assert!(lines[1].starts_with("\x1b[1m/locks"), "{lines:?}");
        assert!(row.contains('…') && row.contains("12345  "), "{row}");
        assert!(row.chars().count() <= columns.into(), "{row}");
        assert_eq!(lines[2].trim(), "1 held, 0 waiting");
    }
    let shown = shell.command("genlock ls /other/");
    assert_eq!(shown.trim(), "nothing is held below /other/");
    let shown = shell.command("NO_COLOR=1 genlock ls");
    assert!(!shown.contains('\x1b'), "{shown:?}");
}

/// In the zone of whoever looks; as JSON, or for another program, in UTC.
#[test]
fn times_are_local_at_a_terminal() {
    let store = Store::files();
    let _holder = store.hold();
    let mut shell = Shell::start(&store);
    let zone = "TZ=XYZ-3 genlock";
    let shown = shell.command(&format!("{zone} status k"));
    assert!(shown.contains(" XYZ, for "), "{shown:?}");
    assert!(shown.starts_with("\x1b[1mk\x1b[0m: held"), "{shown:?}");
    let shown = shell.command(&format!("{zone} run -n k true"));
    assert!(shown.trim_end().ends_with(" XYZ"), "{shown:?}");
    for line in ["status k | cat", "status --json k"] {
        let shown = shell.command(&format!("{zone} {line}"));
        assert!(
            !shown.contains("XYZ") && shown.contains("Z"),
            "{line}: {shown:?}"
        );
    }
}

fn wait_returns_when_the_lock_is_free_and_takes_nothing(store: &Store) {
    output(verb(store, "wait", &[&store.key])).silent(0);
    within(Duration::from_millis(1000), || {
        let mut holder = Run::start_to_wait(store.sh(&[], "echo ready $$; cat"));
        holder.ready();
        let mut waits = Run::start(verb(store, "wait", &[&store.key]));
        // It is asleep in its wait when nothing but the lock's end ends it.
        poll("a sleeping process", || state(waits.pid()) == 'S');
        assert!(!waits.has_ended());
        holder.go_on();
        holder.finish().silent(0);
        let free = Instant::now();
        waits.finish().silent(0);
        free.elapsed()
    });
    assert!(store.entries().is_empty());
}

fn state(pid: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, rest) = stat.rsplit_once(") ").expect("a state");
    rest.chars().next().expect("a state")
}

fn wait_is_bounded(store: &Store) {
    let holder = store.hold();
    for limit in ["0", "0.2"] {
        let over = output(verb(store, "wait", &["-w", limit, &store.key]));
        assert_eq!(over.status.code(), Some(75), "{over:?}");
        let line = over.one_line();
        assert!(
            line.contains(&store.key) && line.contains("not free within"),
            "{line}"
        );
        assert!(line.contains(&format!("pid {}", holder.pid())), "{line}");
        output(verb(store, "wait", &["-q", "-w", limit, &store.key])).silent(75);
    }
}

fn a_status_nobody_reads_ends_quietly(store: &Store) {
    let _holder = store.hold();
    let status = verb(store, "status", &[&store.key]);
    let mut shell = bare("bash");
    let genlock = status.get_program().to_str().expect("a path");
    let script = format!(
        "{{ sleep 0.1; {genlock} status --endpoints {} {}; echo $? >&2; }} | true",
        store.endpoints, store.key
    );
    shell.args(["-c", &script]);
    let ended = output(shell);
    assert_eq!(ended.stderr.trim(), "141", "{ended:?}");
}

/// The queue in its order, with those who are no genlocks.
#[test]
fn status_shows_the_queue_in_order() {
    let store = Store::etcd();
    let server = store.server().expect("a server");
    let _holder = store.hold();
    let mut waiters = Vec::new();
    for count in 1..=2 {
        waiters.push(Run::start(store.run(&["-q"], &["true"])));
        poll("a waiter", || store.entries().len() == count + 1);
    }
    let mut etcdctl = server.ctl_command(&["lock", &store.key, "true"]);
    etcdctl.stdout(std::process::Stdio::null());
    let etcdctl = Run::start(etcdctl);
    poll("a waiter", || store.entries().len() == 4);
    let status = json(&store, "status", &[&store.key]);
    let queue = status["waiters"].as_array().expect("an array");
    let pids: Vec<_> = queue.iter().map(|waiter| waiter["pid"].as_i64()).collect();
    let ours = |at: usize| Some(i64::from(waiters[at].pid()));
    assert_eq!(pids, [ours(0), ours(1), None]);
    assert_eq!(queue[2]["foreign"], true);
    let tokens: Vec<_> = queue
        .iter()
        .map(|w| w["token"].as_u64().expect("a token"))
        .collect();
    assert!(tokens.is_sorted(), "{tokens:?}");
    let ttl = &status["ttl"];
    assert_eq!(ttl["granted"], 5);
    assert!(
        (2..=5).contains(&ttl["left"].as_u64().expect("seconds")),
        "{ttl}"
    );
    let text = output(verb(&store, "status", &[&store.key])).silent(0);
    assert!(text.text().contains("3 waiting:"), "{}", text.text());
    assert!(text.text().contains("another tool"), "{}", text.text());
    let list = json(&store, "ls", &[&store.key]);
    assert_eq!(list[0]["waiting"], 3);
    drop(etcdctl);
}

/// A lock on one file by flock(1), which leaves no record; and what a killed genlock left.
#[test]
fn status_shows_a_lock_of_flocks_as_such() {
    let store = Store::files();
    let holder = store.hold();
    let token = super::token(&store);
    holder.signal(rustix::process::Signal::KILL);
    poll("a free lock", || store.is_free());
    let _flock = store.hold_by_flock();
    let status = json(&store, "status", &[&store.key]);
    assert_eq!(status["held"], true);
    assert_eq!(status["holder"]["foreign"], true, "{status}");
    assert_eq!(status["holder"]["token"], Value::Null);
    assert!(token > 0);
}

/// Ten thousand locks in pages: in under a second, of which a build without optimisation on a
/// loaded machine makes ten. That it asks for many at once does not depend on the machine.
#[test]
fn ls_lists_ten_thousand_locks_in_time() {
    const LOCKS: usize = 10_000;
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(fill(&server.endpoint(), |lease| {
        let numbers = 0..LOCKS;
        numbers
            .map(|number| format!("/many/{number}/{lease}"))
            .collect()
    }));
    let limit = if cfg!(debug_assertions) { 10 } else { 1 };
    within(Duration::from_secs(limit), || {
        let before = server.requests();
        let list = output(verb(&store, "ls", &["/many/"])).silent(0);
        assert_eq!(list.text().lines().count(), 1 + LOCKS);
        assert_eq!(list.text().matches("u@h (pid 1)").count(), LOCKS);
        let asked: u64 = server.requests_since(&before).values().sum();
        assert!(asked < LOCKS as u64 / 50, "{asked} requests");
        list.took
    });
}

/// They are read by ranges, each of which has an end.
#[test]
fn ls_names_holders_who_have_much_between_them() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(fill(&server.endpoint(), |lease| {
        let locks = ["a", "b", "c"].map(|name| format!("/few/{name}/{lease}"));
        let others = (0..100).map(|number| format!("/few/a/{lease}/x{number}"));
        locks.into_iter().chain(others).collect()
    }));
    let list = output(verb(&store, "ls", &["/few/"])).silent(0);
    assert_eq!(list.text().matches("u@h (pid 1)").count(), 3, "{list:?}");
}

/// Puts these keys, with the record of one who holds a lock, under one lease, as many at once as etcd takes.
async fn fill(endpoint: &str, keys: impl FnOnce(&str) -> Vec<String>) {
    let mut client = etcd_client::Client::connect([endpoint], None)
        .await
        .expect("a client");
    let lease = client.lease_grant(600, None).await.expect("a lease").id();
    let record = r#"{"host":"h","pid":1,"user":"u","mode":"exclusive"}"#;
    for part in keys(&format!("{lease:x}")).chunks(128) {
        let puts = part.iter().map(|key| {
            let options = PutOptions::new().with_lease(lease);
            TxnOp::put(key.as_str(), record, Some(options))
        });
        let txn = Txn::new().and_then(puts.collect::<Vec<_>>());
        client.txn(txn).await.expect("a transaction");
    }
}
