//! Endpoints that are dead, silent or away for a while.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use genlock::{ErrorKind, Etcd, EtcdConfig, Locker, Loss, Options};

use super::{client, client_of, turn};
use crate::support::etcd::{Server, free_port};
use genlock::testing::contract::{lock, observed, soon, spawn_lock, until_waiting};

fn ttl(seconds: u64) -> Options {
    Options::default().with_ttl(Duration::from_secs(seconds))
}

/// Accepts connections, because the kernel does, and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    (listener, endpoint)
}

/// A loaded machine is late at times. Who begins with the wrong endpoint, as a third do, would be late
/// each time.
#[track_caller]
fn nearly_all_within(limit: Duration, took: &[Duration]) {
    let late = took.iter().filter(|&&took| took >= limit).count();
    assert!(late <= took.len() / 6, "{took:?}");
}

#[tokio::test]
async fn one_good_endpoint_is_enough_and_found_at_once() {
    let server = Server::start();
    let (good, refusing) = (server.endpoint(), format!("127.0.0.1:{}", free_port()));
    let (_listener, silent) = silent();
    let (mut locks, mut releases) = (Vec::new(), Vec::new());
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let all = [&*good, &*refusing, &*silent];
        // A client begins anywhere: several see every beginning.
        for _ in 0..4 {
            let client = client_of(&order.map(|at| all[at]), Options::default());
            let start = Instant::now();
            let held = lock(&client, "/k").await;
            locks.push(start.elapsed());
            // By now it knows whom to ask.
            let start = Instant::now();
            client.unlock(held).await.expect("a release");
            releases.push(start.elapsed());
        }
    }
    nearly_all_within(Duration::from_secs(1), &locks);
    nearly_all_within(Duration::from_millis(100), &releases);
}

#[tokio::test]
async fn when_all_are_unreachable_each_is_told_of() {
    let refusing = format!("127.0.0.1:{}", free_port());
    let (_listener, silent) = silent();
    let unknown = "no-such-host.invalid:2379".to_owned();
    let missing = "unix:///no/such/socket".to_owned();
    let config = EtcdConfig::new([refusing.clone(), silent.clone(), unknown, missing])
        .dial_timeout(Duration::from_millis(500));
    let client = Etcd::new(config, Options::default()).expect("a client");
    let mut all = Vec::new();
    for _ in 0..4 {
        let start = Instant::now();
        let error = client.lock("/k").await.expect_err("nobody is there");
        all.push(start.elapsed());
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = error.to_string();
        assert!(text.starts_with("cannot reach etcd: "), "{text}");
        for part in [
            format!("{refusing}: connection refused"),
            format!("{silent}: no answer within 500ms"),
            "no-such-host.invalid:2379: ".to_owned(),
            "unix:///no/such/socket: no such file or directory".to_owned(),
        ] {
            assert!(text.contains(&part), "{text}");
        }
    }
    // All of them at once, and not each after the other; a loaded machine is late at times.
    let quickest = all.iter().min();
    assert!(quickest < Some(&Duration::from_millis(900)), "{all:?}");
    soon("a close", client.close())
        .await
        .expect("nothing to release");
}

#[tokio::test]
async fn a_frozen_endpoint_is_left_for_the_next() {
    let mut all = Vec::new();
    // A loaded machine is late at times.
    while all
        .last()
        .is_none_or(|&took| took >= Duration::from_millis(500))
    {
        assert!(all.len() < 10, "{all:?}");
        all.push(leaving_a_frozen_endpoint().await);
    }
}

async fn leaving_a_frozen_endpoint() -> Duration {
    let (server, spare) = (Server::start(), Server::start());
    // Not a cluster: which of the two answers shows in its keys.
    let client = client_of(&[&server.endpoint(), &spare.endpoint()], Options::default());
    let held = lock(&client, "/k").await;
    let (first, next) = if server.keys().is_empty() {
        (&spare, &server)
    } else {
        (&server, &spare)
    };
    client.unlock(held).await.expect("a release");
    first.freeze();
    let start = Instant::now();
    let _held = lock(&client, "/k").await;
    let took = start.elapsed();
    assert_eq!(next.keys().len(), 1);
    first.thaw();
    took
}

#[tokio::test]
async fn a_store_that_is_killed_and_soon_back_does_not_lose_the_lock() {
    let mut server = Server::start();
    let client = client(&server, ttl(5));
    let held = lock(&client, "/k").await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    server.restart();
    let lost = tokio::time::timeout(Duration::from_secs(8), held.lost()).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    client.unlock(held).await.expect("a release");
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_store_that_is_frozen_and_soon_back_does_not_lose_the_lock() {
    let server = Server::start();
    let client = client(&server, ttl(5));
    let held = lock(&client, "/k").await;
    server.freeze();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.thaw();
    let lost = tokio::time::timeout(Duration::from_secs(5), held.lost()).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    client.unlock(held).await.expect("a release");
}

#[tokio::test]
async fn a_store_that_stays_away_is_a_loss_at_the_deadline() {
    let server = Server::start();
    let client = client(&server, ttl(2));
    let held = lock(&client, "/k").await;
    let granted = held.ttl().expect("a TTL");
    let start = Instant::now();
    server.freeze();
    assert_eq!(soon("a loss", held.lost()).await, Loss::Expired);
    assert!(start.elapsed() < granted, "{:?}", start.elapsed());
    let start = Instant::now();
    let error = client.unlock(held).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost);
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    server.thaw();
}

#[tokio::test]
async fn a_close_that_etcd_does_not_answer_ends_and_says_so() {
    let server = Server::start();
    let config = EtcdConfig::new([server.endpoint()]).command_timeout(Duration::from_millis(500));
    for asked in [true, false] {
        let client = Etcd::new(config.clone(), ttl(2)).expect("a client");
        let held = client.lock("/k").await.expect("a held lock");
        server.freeze();
        let ownership = held.ownership();
        if asked {
            drop(held);
        }
        let start = Instant::now();
        let error = client.close().await.expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert!(asked || ownership.loss() == Some(Loss::Closed));
        client.close().await.expect("a second call does nothing");
        server.thaw();
        // Revoked by the request that was frozen, or at the end of its TTL.
        soon("a free lock", async {
            while !server.leases().is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_a_member_after_the_other_goes_on() {
    let mut cluster = Server::cluster();
    let endpoints: Vec<String> = cluster.iter().map(Server::endpoint).collect();
    let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
    let holder = client_of(&endpoints, ttl(5));
    let (options, mut events) = observed(ttl(5));
    let waiter = client_of(&endpoints, options);
    let held = lock(&holder, "/k").await;
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    let ownership = held.ownership();
    // Each in turn is away: killed, or frozen with its connections. One of them leads.
    for (number, member) in cluster.iter_mut().enumerate() {
        if number == 1 {
            member.freeze();
        } else {
            member.kill();
        }
        let lost = tokio::time::timeout(Duration::from_secs(3), held.lost()).await;
        assert!(lost.is_err(), "{number}: lost: {lost:?}");
        assert!(!waiting.is_finished());
        if number == 1 {
            member.thaw();
        } else {
            member.restart();
        }
        soon("the member", async {
            while !member.is_healthy() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
    assert_eq!(ownership.loss(), None);
    // Whichever member the waiter watches at: frozen, it is left.
    cluster[0].freeze();
    holder.unlock(held).await.expect("a release");
    let start = Instant::now();
    let held = turn(waiting).await;
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    waiter.unlock(held).await.expect("a release");
    cluster[0].thaw();
}

#[tokio::test]
async fn times_without_an_end_are_as_good_as_long_ones() {
    let server = Server::start();
    // The first is asked in vain, so that there is a pause between two attempts.
    let config = EtcdConfig::new([format!("127.0.0.1:{}", free_port()), server.endpoint()])
        .dial_timeout(Duration::MAX)
        .command_timeout(Duration::MAX);
    let options = ttl(5).with_retry_interval(Duration::MAX);
    let client = Etcd::new(config, options).expect("a client");
    let held = soon("a lock", client.lock("/locks/k"))
        .await
        .expect("a lock");
    client.unlock(held).await.expect("a release");
    soon("an end", client.close()).await.expect("an end");
}

/// A way to `server` for one connection only, over which its answers take this long to begin.
async fn slow_and_single(server: &Server, pause: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    let behind = server.endpoint().replace("http://", "");
    tokio::spawn(async move {
        let (outside, _) = listener.accept().await?;
        drop(listener);
        let inside = tokio::net::TcpStream::connect(behind).await?;
        let (mut asked, mut told) = outside.into_split();
        let (mut answered, mut asking) = inside.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut asked, &mut asking).await });
        tokio::time::sleep(pause).await;
        tokio::io::copy(&mut answered, &mut told).await
    });
    endpoint
}

#[tokio::test]
async fn a_connection_that_is_slow_is_not_given_up_because_no_other_comes_about() {
    let server = Server::start();
    // Longer than a quarter of the call's bound, after which another connection is dialled.
    let endpoint = slow_and_single(&server, Duration::from_millis(1600)).await;
    let client = client_of(&[&endpoint], Options::default());
    let held = soon("a lock", client.lock("/k")).await.expect("a lock");
    client.unlock(held).await.expect("a release");
}
