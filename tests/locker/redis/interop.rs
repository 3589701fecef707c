//! Others who lock in Redis, and genlock: each keeps the other out.

use std::process::Command;

use genlock::testing::contract::{Fixture, lock, soon, spawn_lock};
use genlock::{Locker, Options};

use super::redis;
use crate::support::redis::RedisServer;

/// A compare and delete, as everybody writes it.
const COMPARE_AND_DELETE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

#[tokio::test(flavor = "multi_thread")]
async fn set_nx_px_and_genlock_keep_each_other_out() {
    let server = RedisServer::start();
    let client = server.client(Options::default()).await;
    let held = lock(&client, "/k").await;
    // Of a random value of 32 digits in hexadecimal, too.
    let value = "0123456789abcdef0123456789abcdef";
    assert_eq!(server.cli(&["SET", "/k", value, "NX", "PX", "60000"]), "");
    assert_eq!(
        server.cli(&["EVAL", COMPARE_AND_DELETE, "1", "/k", value]),
        "0"
    );
    assert!(held.is_held());
    client.unlock(held).await.expect("a release");

    assert_eq!(server.cli(&["SET", "/k", value, "NX", "PX", "60000"]), "OK");
    assert!(client.try_lock("/k").await.expect("an answer").is_none());
    let waiting = spawn_lock(&client, "/k");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    let released = std::time::Instant::now();
    assert_eq!(
        server.cli(&["EVAL", COMPARE_AND_DELETE, "1", "/k", value]),
        "1"
    );
    let held = soon("a turn", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    // It is told, and does not poll.
    assert!(
        released.elapsed().as_millis() < 500,
        "{:?}",
        released.elapsed()
    );
    client.unlock(held).await.expect("a release");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_that_runs_out_is_taken_then() {
    let server = RedisServer::start();
    let client = server.client(Options::default()).await;
    assert_eq!(server.cli(&["SET", "/k", "x", "NX", "PX", "1500"]), "OK");
    let set = std::time::Instant::now();
    let held = lock(&client, "/k").await;
    let took = set.elapsed().as_millis();
    assert!((1400..2200).contains(&took), "{took} ms");
    client.unlock(held).await.expect("a release");
}

/// What other libraries have under the key of a lock is no string.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_a_lock_of_another_tool() {
    let server = RedisServer::start();
    let client = server.client(Options::default()).await;
    let operator = server.operator().await;
    for command in [
        &["HSET", "/k", "a:1", "1"][..],
        &["ZADD", "/k", "1", "a"],
        &["SADD", "/k", "a"],
        &["RPUSH", "/k", "a"],
    ] {
        assert_eq!(server.cli(command), "1");
        assert!(client.try_lock("/k").await.expect("an answer").is_none());
        let queue = operator.queue("/k").await.expect("a queue");
        let holder = queue.holder().expect("a holder");
        assert!(holder.is_foreign() && holder.token.is_none(), "{holder:?}");
        let waiting = spawn_lock(&client, "/k");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert!(!waiting.is_finished(), "{command:?}");
        assert_eq!(server.cli(&["DEL", "/k"]), "1");
        let held = soon("a turn", waiting)
            .await
            .expect("no panic")
            .expect("a lock");
        client.unlock(held).await.expect("a release");
    }
}

/// redis-py's own lock: <https://github.com/redis/redis-py>, class `Lock`.
const PYTHON: &str = r"
import sys, redis
lock = redis.Redis(port=int(sys.argv[1])).lock('/k', timeout=20, blocking=False)
print('held' if lock.acquire() else 'busy', flush=True)
if sys.stdin.readline() and lock.owned():
    lock.release()
";

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_redis_py_and_genlock_keep_each_other_out() {
    let has = Command::new("python3")
        .args(["-c", "import redis"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no redis for Python here (Debian: python3-redis)");
        return;
    }
    use std::io::{BufRead, BufReader, Write};
    let server = RedisServer::start();
    let client = server.client(Options::default()).await;
    let python = || {
        let mut child = Command::new("python3")
            .args(["-c", PYTHON, &server.port().to_string()])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3");
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut said).expect("a line");
        (child, said)
    };
    let held = lock(&client, "/k").await;
    let (mut child, said) = python();
    assert_eq!(said, "busy\n");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(b"\n")
        .expect("a pipe");
    child.wait().expect("an end");
    client.unlock(held).await.expect("a release");
    let (mut child, said) = python();
    assert_eq!(said, "held\n");
    let waiting = spawn_lock(&client, "/k");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(b"\n")
        .expect("a pipe");
    assert!(child.wait().expect("an end").success());
    let held = soon("a turn", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    client.unlock(held).await.expect("a release");
}

/// All that is left is the last ticket, which goes by itself.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_without_an_end() {
    let server = RedisServer::start();
    let one = redis(&server, Options::default());
    let held = one.lock("/k").await.expect("a lock");
    for key in server.cli(&["--scan"]).lines() {
        let ttl: i64 = server.cli(&["PTTL", key]).parse().expect("a number");
        assert!(ttl > 0, "{key}: {ttl}");
    }
    one.unlock(held).await.expect("a release");
    assert_eq!(server.cli(&["--scan"]), "{/k}:genlock:r");
    assert_eq!(server.cli(&["HKEYS", "{/k}:genlock:r"]), "#");
    let ttl: i64 = server
        .cli(&["TTL", "{/k}:genlock:r"])
        .parse()
        .expect("a number");
    assert!((3000..=3600).contains(&ttl), "{ttl}");
}

/// Nothing is kept of the last token: the next one is larger all the same.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_rise_over_a_server_that_forgot_everything() {
    let server = RedisServer::start();
    let client = server.client(Options::default()).await;
    let mut last = 0;
    for _ in 0..5 {
        let held = lock(&client, "/k").await;
        assert!(held.token() > last);
        last = held.token();
        client.unlock(held).await.expect("a release");
        assert_eq!(server.cli(&["FLUSHALL"]), "OK");
    }
}
