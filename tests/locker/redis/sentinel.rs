//! Sentinels name the master, and another one after a failover.

use std::time::{Duration, Instant};

use genlock::{Config, Held, Locker, Options, Redis};

use super::redis;
use crate::support::etcd::free_port;
use crate::support::redis::RedisServer;

/// A master with a replica, and who watches them.
fn watched() -> (RedisServer, RedisServer, RedisServer) {
    let master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    let sentinel = RedisServer::sentinel(&master);
    let start = Instant::now();
    let knows = || sentinel.cli(&["SENTINEL", "REPLICAS", "main"]);
    while !knows().contains(&replica.port().to_string()) {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", knows());
        std::thread::sleep(Duration::from_millis(50));
    }
    (master, replica, sentinel)
}

fn through(sentinels: &str) -> Redis {
    let endpoints = format!("redis+sentinel://{sentinels}/main");
    let config = Config::new(endpoints.split(','));
    Redis::new(config, Options::default()).expect("a client")
}

/// A lock, when there is a master again.
async fn soon_locked(client: &Redis, key: &str) -> Held {
    let start = Instant::now();
    loop {
        match client.lock(key).await {
            Ok(held) => return held,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_found_and_found_again_after_a_failover() {
    let (mut master, replica, sentinel) = watched();
    // One Sentinel of two is not there.
    let sentinels = format!("127.0.0.1:{},{}", free_port(), sentinel.address());
    let client = through(&sentinels);
    let held = client.lock("/k").await.expect("a lock");
    assert_eq!(master.cli(&["EXISTS", "/k"]), "1");
    let token = held.token();
    client.unlock(held).await.expect("a release");
    master.kill();
    let held = soon_locked(&client, "/k").await;
    assert_eq!(replica.cli(&["EXISTS", "/k"]), "1");
    assert!(held.token() > token);
    client.unlock(held).await.expect("a release");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_sentinel_knows_is_told() {
    let master = RedisServer::start();
    let sentinel = RedisServer::sentinel(&master);
    let endpoint = format!("redis+sentinel://{}/other", sentinel.address());
    let client = Redis::new(Config::new([endpoint]), Options::default()).expect("a client");
    let error = client.lock("/k").await.expect_err("refused").to_string();
    assert!(error.contains("a master other"), "{error}");
}

/// A master, and a replica that its last writes do not reach any more.
fn parted(options: &[&str]) -> (RedisServer, RedisServer) {
    let master = RedisServer::with(options);
    let port = master.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    let start = Instant::now();
    while !replica
        .cli(&["INFO", "replication"])
        .contains("master_link_status:up")
    {
        assert!(start.elapsed() < Duration::from_secs(30), "no replica");
        std::thread::sleep(Duration::from_millis(20));
    }
    (master, replica)
}

fn with_ttl(server: &RedisServer) -> Redis {
    redis(server, Options::default().with_ttl(Duration::from_secs(2)))
}

/// What is assumed is broken: the key was not there yet. Both hold it, and the token orders them.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_the_key_gives_the_lock_twice() {
    let (mut master, replica) = parted(&[]);
    assert_eq!(replica.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    let first = with_ttl(&master).lock("/k").await.expect("a lock");
    let second = with_ttl(&replica).lock("/k").await.expect("a lock");
    assert!(first.is_held() && second.is_held());
    assert!(second.token() > first.token());
    // It ends with what the old master can be asked.
    master.kill();
    let lost = tokio::time::timeout(Duration::from_secs(4), first.lost()).await;
    lost.expect("a loss");
    assert!(second.is_held());
}

/// A master that nobody follows takes no locks, and renews none: the one that is held there ends inside
/// its TTL.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_needs_replicas_gives_no_lock_without_them() {
    let options = [
        "--min-replicas-to-write",
        "1",
        "--min-replicas-max-lag",
        "10",
    ];
    let (master, replica) = parted(&options);
    let held = with_ttl(&master).lock("/k").await.expect("a lock");
    assert_eq!(replica.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    let lost = tokio::time::timeout(Duration::from_secs(4), held.lost()).await;
    lost.expect("a loss");
    let error = with_ttl(&master)
        .lock("/l")
        .await
        .expect_err("refused")
        .to_string();
    assert!(error.contains("too few replicas"), "{error}");
}

/// A Sentinel is taken for a Redis, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn each_is_told_from_the_other() {
    let master = RedisServer::start();
    let sentinel = RedisServer::sentinel(&master);
    for (endpoint, named) in [
        (
            format!("redis+sentinel://{}/main", master.address()),
            "redis://",
        ),
        (sentinel.endpoint(), "redis+sentinel://"),
    ] {
        let client = Redis::new(Config::new([endpoint]), Options::default()).expect("a client");
        let error = client.lock("/k").await.expect_err("refused").to_string();
        assert!(error.contains(named) && !error.contains("ERR"), "{error}");
    }
}
