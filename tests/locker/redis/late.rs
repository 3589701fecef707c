//! Requests that come late: what they take is not the place that was lost before.

use std::time::Duration;

use genlock::testing::contract::{lock, soon, spawn_lock};
use genlock::{Locker, Options};

use super::redis;
use crate::support::redis::RedisServer;

/// Gives the holder a token of its own once more.
const HELD_ANEW: &str = r"
local token, id = string.match(redis.call('GET', KEYS[1]), '^genlock:(%d+):(%x+)$')
token = string.format('%.0f', token + 1)
return redis.call('SET', KEYS[1], 'genlock:' .. token .. ':' .. id, 'PX', 10000)";

/// Gives the first who waits another place.
const WAITS_ANEW: &str = r"
local ticket = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return redis.call('ZADD', KEYS[1], string.format('%.0f', ticket[2] + 1), ticket[1])";

/// It is not told of the key, and the renewal has the same id.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_of_another_token_is_a_loss() {
    let server = RedisServer::start();
    let user = ["ACL", "SETUSER", "default", "-client|tracking"];
    assert_eq!(server.cli(&user), "OK");
    let client = redis(&server, Options::default().with_ttl(Duration::from_secs(3)));
    let held = client.lock("/k").await.expect("a lock");
    // The first look is over by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.cli(&["EVAL", HELD_ANEW, "1", "/k"]), "OK");
    let lost = tokio::time::timeout(Duration::from_secs(5), held.lost()).await;
    lost.expect("a loss");
}

/// The token is that of the place which it has at last.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_has_the_token_that_the_server_knows() {
    let server = RedisServer::start();
    let client: std::sync::Arc<dyn Locker> =
        std::sync::Arc::new(redis(&server, Options::default()));
    let other: std::sync::Arc<dyn Locker> = std::sync::Arc::new(redis(&server, Options::default()));
    let held = lock(&client, "/k").await;
    let waiting = spawn_lock(&other, "/k");
    let start = std::time::Instant::now();
    while server.cli(&["ZCARD", "{/k}:genlock:q"]) != "1" {
        assert!(start.elapsed() < Duration::from_secs(20), "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let key = "{/k}:genlock:q";
    assert_eq!(server.cli(&["EVAL", WAITS_ANEW, "1", key]), "0");
    client.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting).await.expect("no panic");
    let held = held.expect("a lock");
    let value = server.cli(&["GET", "/k"]);
    let known = value.split(':').nth(1).expect("a token");
    assert_eq!(held.token().to_string(), known);
    other.unlock(held).await.expect("a release");
}
