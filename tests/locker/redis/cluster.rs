//! Redis as a Cluster: what of it can be used, and what is said of the rest.

use std::time::Duration;

use genlock::testing::contract::{lock, soon, spawn_lock};
use genlock::{Locker, Options};

use super::redis;
use crate::support::etcd::free_port;
use crate::support::redis::RedisServer;

/// All of a lock's keys are in one slot, whatever its key is made of.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_one_server_keeps_locks() {
    let server = clustered();
    assert_eq!(
        server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]),
        "OK"
    );
    let start = std::time::Instant::now();
    while !server
        .cli(&["CLUSTER", "INFO"])
        .contains("cluster_state:ok")
    {
        assert!(start.elapsed() < Duration::from_secs(20), "no cluster");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client =
        |options| -> std::sync::Arc<dyn Locker> { std::sync::Arc::new(redis(&server, options)) };
    let (one, other) = (client(Options::default()), client(Options::default()));
    for key in ["/locks/k", "x{t}y", "{k}"] {
        let held = lock(&one, key).await;
        let waiting = spawn_lock(&other, key);
        tokio::time::sleep(Duration::from_millis(300)).await;
        one.unlock(held).await.expect("a release");
        let held = soon("a turn", waiting).await.expect("no panic");
        other
            .unlock(held.expect("a lock"))
            .await
            .expect("a release");
    }
    // Its companions would be in another slot.
    let error = one.lock("a}b").await.expect_err("refused").to_string();
    assert!(error.contains("Cluster"), "{error}");
}

/// The key is another server's: it is named.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_a_cluster_that_keeps_the_key_is_named() {
    let server = clustered();
    let other = clustered();
    // The slot of /locks/k is among the upper ones, or the lower: each has one half.
    assert_eq!(server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]), "OK");
    assert_eq!(
        other.cli(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]),
        "OK"
    );
    let port = other.port().to_string();
    // ID IP:PORT@BUS FLAGS …
    let nodes = other.cli(&["CLUSTER", "NODES"]);
    let bus = nodes.split('@').nth(1).expect("its bus");
    let bus: String = bus.chars().take_while(char::is_ascii_digit).collect();
    let met = server.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    assert_eq!(met, "OK");
    let start = std::time::Instant::now();
    let is_up = |server: &RedisServer| {
        server
            .cli(&["CLUSTER", "INFO"])
            .contains("cluster_state:ok")
    };
    while !is_up(&server) || !is_up(&other) {
        assert!(start.elapsed() < Duration::from_secs(20), "no cluster");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let slot: u32 = server
        .cli(&["CLUSTER", "KEYSLOT", "/locks/k"])
        .parse()
        .expect("a slot");
    let (right, wrong) = match slot {
        0..=8191 => (&server, &other),
        _ => (&other, &server),
    };
    let held = redis(right, Options::default())
        .lock("/locks/k")
        .await
        .expect("a lock");
    held.unlock().await.expect("a release");
    let error = redis(wrong, Options::default()).lock("/locks/k").await;
    let error = error.expect_err("refused").to_string();
    assert!(error.contains(&right.address()), "{error}");
}

/// A server of a Cluster, without any slots.
fn clustered() -> RedisServer {
    // By itself it would talk to the others on a port 10000 above its own, which there may not be.
    let port = free_port().to_string();
    RedisServer::with(&["--cluster-enabled", "yes", "--cluster-port", &port])
}
