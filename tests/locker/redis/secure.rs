//! Users, passwords, certificates, databases; and servers that are no good for locks.

use std::net::TcpListener;
use std::time::Duration;

use genlock::testing::contract::lock;
use genlock::{Config, Credentials, ErrorKind, Locker, Options, Redis, Tls};

use super::redis;
use crate::support::redis::{RedisServer, documented_rights};

fn open(config: Config) -> Redis {
    Redis::new(config, Options::default()).expect("a client")
}

async fn works(client: Redis) {
    let held = client.lock("/locks/k").await.expect("a lock");
    client.unlock(held).await.expect("a release");
    client.close().await.expect("an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_private_authority_and_a_client_certificate() {
    let server = RedisServer::secure();
    let tls = Tls::new().cacert(server.file("ca.pem"));
    let both = tls
        .clone()
        .cert(server.file("client.pem"))
        .key(server.file("client.key"));
    works(open(Config::new([server.endpoint()]).tls(both))).await;
    for (tls, why) in [(tls, "certificate"), (Tls::new(), "signed by")] {
        let client = open(Config::new([server.endpoint()]).tls(tls));
        let error = client.lock("/k").await.expect_err("refused").to_string();
        assert!(error.contains(why), "{error}");
    }
    let plain = open(Config::new([format!("redis://{}", server.address())]));
    plain.lock("/k").await.expect_err("refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rights_that_are_documented() {
    let server = RedisServer::start();
    let rights = documented_rights();
    let rights: Vec<_> = rights.iter().map(String::as_str).collect();
    let user = [
        &["ACL", "SETUSER", "app", "on", ">secret", "resetchannels"],
        &rights[..],
    ]
    .concat();
    assert_eq!(server.cli(&user), "OK");
    assert_eq!(server.cli(&["ACL", "SETUSER", "default", "off"]), "OK");
    let of = |user: &str, password: &str| {
        let credentials = Credentials::password(user, password);
        open(Config::new([server.endpoint()]).credentials(credentials))
    };
    works(of("app", "secret")).await;
    // One waits for the other, over its channel.
    let (one, other) = (of("app", "secret"), of("app", "secret"));
    let held = one.lock("/locks/k").await.expect("a lock");
    let waiting = tokio::spawn(async move {
        let held = other.lock("/locks/k").await.expect("a lock");
        other.unlock(held).await.expect("a release");
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    one.unlock(held).await.expect("a release");
    waiting.await.expect("no panic");
    // And so do some who hold together.
    let (one, other) = (of("app", "secret"), of("app", "secret"));
    let first = one.request("/locks/k").max_holders(2).lock().await;
    let second = other.request("/locks/k").max_holders(2).lock().await;
    for held in [first, second] {
        held.expect("a lock").unlock().await.expect("a release");
    }
    for (client, kind, why) in [
        (
            of("app", "wrong"),
            ErrorKind::Denied,
            "another password (user \"app\")",
        ),
        (of("app", "secret"), ErrorKind::Denied, "permissions"),
        (
            open(Config::new([server.endpoint()])),
            ErrorKind::Denied,
            "it wants a user",
        ),
    ] {
        let error = client.lock("/elsewhere").await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
        let error = error.to_string();
        assert!(error.contains(why) && !error.contains("secret"), "{error}");
    }
}

/// It is not told of keys that change: it learns of a loss with its next renewal.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_be_told_a_loss_is_seen_with_the_next_renewal() {
    let server = RedisServer::start();
    assert_eq!(
        server.cli(&["ACL", "SETUSER", "default", "-client|tracking"]),
        "OK"
    );
    let options = Options::default().with_ttl(Duration::from_secs(3));
    let client = redis(&server, options);
    let held = client.lock("/k").await.expect("a lock");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.cli(&["DEL", "/k"]);
    let lost = tokio::time::timeout(Duration::from_millis(1500), held.lost()).await;
    lost.expect("a loss");
    // Behind another tool it asks again and again.
    server.cli(&["SET", "/l", "x"]);
    let waiting = tokio::spawn(async move { client.lock("/l").await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.cli(&["DEL", "/l"]);
    let waited = tokio::time::timeout(Duration::from_millis(700), waiting).await;
    waited.expect("soon").expect("no panic").expect("a lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_database_has_its_own_locks() {
    let server = RedisServer::start();
    let of = |database: &str| open(Config::new([server.endpoint() + database]));
    let (first, second) = (of(""), of("/2"));
    let held = first.lock("/k").await.expect("a lock");
    let other = second.lock("/k").await.expect("a lock");
    assert!(of("/0").try_lock("/k").await.expect("an answer").is_none());
    assert_eq!(server.cli(&["-n", "2", "EXISTS", "/k"]), "1");
    drop((held, other));
    let error = of("/99").lock("/k").await.expect_err("no such database");
    assert!(error.to_string().contains("out of range"), "{error}");
    assert_eq!(server.cli(&["EXISTS", "/l"]), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_refused() {
    let server = RedisServer::start();
    let port = server.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    let client = redis(&replica, Options::default());
    let error = client.lock("/k").await.expect_err("refused").to_string();
    assert!(
        error.contains("a replica") && error.contains(&server.address()),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_redis_is_told_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let client = open(Config::new([format!("redis://{address}")]));
    let error = client.lock("/k").await.expect_err("refused").to_string();
    assert!(error.contains("is it Redis' port?"), "{error}");
}

/// The keys beside a lock's stay as long as anybody needs them.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_with_a_short_ttl_takes_nothing_from_one_with_a_long_one() {
    let server = RedisServer::start();
    let long = Options::default().with_ttl(Duration::from_secs(3600));
    let long: std::sync::Arc<dyn Locker> = std::sync::Arc::new(redis(&server, long));
    let held = lock(&long, "/k").await;
    let short = redis(&server, Options::default());
    assert!(short.try_lock("/k").await.expect("an answer").is_none());
    let ttl: u64 = server
        .cli(&["TTL", "{/k}:genlock:r"])
        .parse()
        .expect("a number");
    assert!(ttl > 35_000, "{ttl}");
    drop(held);
}
