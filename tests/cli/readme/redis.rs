//! The recipes for Redis, against a Redis that is set up as they say, and one with Sentinels.

use super::{Newcomer, block};
use crate::genlock::{Run, poll};
use crate::support::redis::RedisServer;

/// The lines of a server's configuration as options.
fn options(first: &str) -> Vec<String> {
    let lines = block(first);
    let mut options = Vec::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(' ').expect("a value");
        options.extend([format!("--{name}"), value.to_owned()]);
    }
    options
}

fn with(options: &[String]) -> RedisServer {
    RedisServer::with(&options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Puts something in the place of what a page says, which has it.
#[track_caller]
fn replaced(text: &str, theirs: &str, ours: &str) -> String {
    assert!(text.contains(theirs), "{text}");
    text.replace(theirs, ours)
}

#[test]
fn one_redis() {
    let server = with(&options("appendonly yes"));
    let newcomer = Newcomer::new();
    newcomer.program("report.sh");
    let user = block("redis-cli -h redis1 ACL SETUSER backup");
    let user = replaced(&user, "-h redis1", &format!("-p {}", server.port()));
    let user = replaced(&user, ">PASSWORD", ">secret");
    assert_eq!(newcomer.typed(&user).silent(0).text(), "OK");
    assert_eq!(server.cli(&["ACL", "SETUSER", "default", "off"]), "OK");
    let config = block("endpoints = [\"redis://");
    let config = replaced(&config, "redis://redis1:6379", &server.endpoint());
    newcomer.file("config.toml", &config);
    newcomer
        .typed("umask 077; echo secret > password")
        .silent(0);
    let script = block("genlock doctor /locks/report && genlock run");
    let said = newcomer.typed(&format!("export GENLOCK_CONFIG=config.toml\n{script}"));
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(said.text().ends_with("report.sh"), "{said:?}");
    assert!(!said.text().contains("warn"), "{said:?}");
    let elsewhere = replaced(&script, "/locks/report", "/elsewhere");
    let said = newcomer.typed(&format!("export GENLOCK_CONFIG=config.toml\n{elsewhere}"));
    assert_eq!(said.status.code(), Some(77), "{said:?}");
}

/// The one that is master now, of these.
fn master(servers: &[RedisServer]) -> Option<&RedisServer> {
    let is_master = |server: &&RedisServer| server.cli(&["ROLE"]).starts_with("master");
    servers.iter().find(is_master)
}

/// A Sentinel that is set up as the page says, and knows all of them.
fn sentinel_of(first: &RedisServer, replicas: &[RedisServer]) -> RedisServer {
    let sentinel = RedisServer::sentinel(first);
    for line in block("sentinel down-after-milliseconds main").lines() {
        let words: Vec<_> = line.split(' ').collect();
        let ["sentinel", name, "main", value] = words[..] else {
            panic!("{line}");
        };
        assert_eq!(
            sentinel.cli(&["SENTINEL", "SET", "main", name, value]),
            "OK"
        );
    }
    // The test does not wait for five seconds.
    let soon = ["SENTINEL", "SET", "main", "down-after-milliseconds", "500"];
    assert_eq!(sentinel.cli(&soon), "OK");
    poll("who knows both replicas", || {
        let known = sentinel.cli(&["SENTINEL", "REPLICAS", "main"]);
        let mut all = replicas.iter();
        all.all(|replica| known.contains(&replica.port().to_string()))
    });
    sentinel
}

#[test]
fn a_failover_by_sentinels() {
    let mut options = options("min-replicas-to-write 1");
    // It would wait five seconds for a second replica.
    options.extend(["--repl-diskless-sync-delay", "0"].map(str::to_owned));
    let mut first = with(&options);
    let port = first.port().to_string();
    let replicas = [(); 2].map(|()| {
        let replica = ["--replicaof", "127.0.0.1", &port];
        let replica = [&replica.map(str::to_owned)[..], &options].concat();
        with(&replica)
    });
    poll("both replicas", || {
        let about = first.cli(&["INFO", "replication"]);
        about.contains("min_slaves_good_slaves:2")
    });
    let sentinel = sentinel_of(&first, &replicas);
    let newcomer = Newcomer::new();
    newcomer.file("report.sh", "echo ready $$\nread _\ntrue\n");
    let script = block("genlock run --endpoints redis+sentinel://");
    let script = replaced(
        &script,
        "sentinel1,sentinel2,sentinel3",
        &sentinel.address(),
    );
    let script = replaced(&script, "./report.sh", "sh report.sh");
    let script = replaced(&script, "--ttl 30s", "--ttl 10s");
    let mut holder = Run::start_to_wait(newcomer.types(&script));
    holder.ready();
    let value = first.cli(&["GET", "/locks/report"]);
    poll("the replicas have it", || {
        let of = |replica: &RedisServer| replica.cli(&["GET", "/locks/report"]) == value;
        replicas.iter().all(of)
    });
    first.kill();
    poll("another master", || master(&replicas).is_some());
    let second = master(&replicas).expect("one");
    let ttl = || -> i64 {
        let ttl = second.cli(&["PTTL", "/locks/report"]);
        ttl.parse().expect("a number")
    };
    // It is renewed there: what is left becomes more.
    let mut least = ttl();
    poll("a renewal", || {
        let left = ttl();
        least = least.min(left);
        left > least
    });
    holder.go_on();
    holder.finish().silent(0);
    assert_eq!(second.cli(&["EXISTS", "/locks/report"]), "0");
}

/// In the place of the script, which is in tests/faults/redis/by_hand.rs.
#[test]
fn in_the_place_of_a_lock_written_by_hand() {
    let server = RedisServer::start();
    let newcomer = Newcomer::new();
    newcomer.program("report.sh");
    let script = block("genlock run --try --endpoints redis://redis1");
    let script = replaced(&script, "redis://redis1", &server.endpoint());
    assert_eq!(newcomer.typed(&script).silent(0).text(), "report.sh");
}
