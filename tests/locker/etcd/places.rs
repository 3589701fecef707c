//! A place in the queue: what it costs, how it is lost, that it is left.

use std::collections::BTreeMap;
use std::time::Duration;

use genlock::{EventKind, Loss, Options};

use super::{client, turn};
use crate::support::etcd::Server;
use genlock::testing::contract::{
    Fixture, lock, observed, soon, spawn_lock, until_empty, until_waiting,
};

fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts
        .map(|(method, count)| (method.to_owned(), count))
        .into()
}

#[tokio::test]
async fn an_uncontended_lock_costs_three_requests() {
    let server = Server::start();
    let expected = counts([("LeaseGrant", 1), ("LeaseRevoke", 1), ("Txn", 1)]);
    for tried in [false, true] {
        // A place that is asked for before its lease is there is refused, and asked for again. A member of etcd 3.4
        // that is killed then may take it when it starts again, as the only one.
        for _ in 0..10 {
            let client = client(&server, Options::default());
            let before = server.requests();
            let held = if tried {
                client
                    .try_lock("/k")
                    .await
                    .expect("an answer")
                    .expect("a free lock")
            } else {
                lock(&client, "/k").await
            };
            client.unlock(held).await.expect("a release");
            client.close().await.expect("a closed client");
            let mut cost = server.requests_since(&before);
            // What takes long, as on a loaded machine, is watched.
            cost.remove("Watch");
            assert_eq!(cost, expected);
        }
    }
}

#[tokio::test]
async fn a_waiter_costs_six_requests_and_a_watch() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    // The holder's own watch belongs to what was before.
    soon("the holder's watch", async {
        while !server
            .requests()
            .iter()
            .any(|(method, _)| method == "Watch")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let before = server.requests();
    let (options, mut events) = observed(Options::default());
    let waiter = client(&server, options);
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    holder.unlock(held).await.expect("a release");
    let held = turn(waiting).await;
    waiter.unlock(held).await.expect("a release");
    let mut cost = server.requests_since(&before);
    let txns = cost.remove("Txn").expect("transactions");
    // One more if it is held for longer than 0.1 s. What only reads is no transaction: some etcds panic when
    // whoever asked for one goes away.
    assert!((1..=2).contains(&txns), "{txns}");
    let ranges = ("Range", 3);
    // One of the revokes is the holder's.
    assert_eq!(
        cost,
        counts([("LeaseGrant", 1), ("LeaseRevoke", 2), ("Watch", 1), ranges])
    );
}

#[tokio::test]
async fn a_release_wakes_one() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let (options, mut events) = observed(Options::default());
        let waiter = client(&server, options);
        waiting.push(spawn_lock(&waiter, "/k"));
        until_waiting(&mut events).await;
    }
    let watches = |server: &Server| {
        let mut requests = server.requests().into_iter();
        requests
            .find(|(method, _)| method == "Watch")
            .map_or(0, |(_, count)| count)
    };
    soon("every watch", async {
        while watches(&server) < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let before = server.requests();
    holder.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting.remove(0))
        .await
        .expect("no panic")
        .expect("a lock");
    // Its own watch is opened later than this.
    assert_eq!(
        server.requests_since(&before),
        counts([("LeaseRevoke", 1), ("Range", 1)])
    );
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    drop(held);
}

#[tokio::test]
async fn a_renewal_costs_a_ping_and_a_read() {
    let server = Server::start();
    let options = Options::default().with_ttl(Duration::from_secs(9));
    let client = client(&server, options);
    let held = lock(&client, "/k").await;
    let mut ownership = held.ownership();
    soon("the lock's watch", async {
        let watches = |(method, _): &(String, u64)| method == "Watch";
        while !server.requests().iter().any(watches) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // The first opens the stream.
    for _ in 0..2 {
        let before = server.requests();
        soon("a renewal", ownership.changed()).await;
        assert_eq!(
            server.requests_since(&before),
            counts([("LeaseKeepAlive", 1), ("Range", 1)])
        );
    }
    client.unlock(held).await.expect("a release");
}

/// What stands in the queue behind a held lock is taken away; it is back, and gets its turn.
async fn the_place_is_taken_anew(take_away: fn(&Server, &str), expected: Loss) {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    let (options, mut events) = observed(Options::default().with_ttl(Duration::from_secs(3)));
    let waiter = client(&server, options);
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    let place = server.keys().pop().expect("a place");
    take_away(&server, &place);
    let holding = if expected == Loss::KeyDeleted {
        // A waiter watches the one ahead, not itself.
        holder.unlock(held).await.expect("a release");
        None
    } else {
        Some(held)
    };
    let loss = soon("a lost place", async {
        loop {
            if let Some(EventKind::PlaceLost(loss)) = events.recv().await {
                return loss;
            }
        }
    });
    assert_eq!(loss.await, expected);
    if let Some(held) = holding {
        until_waiting(&mut events).await;
        assert_ne!(server.keys().pop().expect("a place"), place);
        holder.unlock(held).await.expect("a release");
    }
    let held = turn(waiting).await;
    assert_ne!(held.owner_key(), Some(&*place));
    assert_eq!(server.keys(), [held.owner_key().expect("a key")]);
    waiter.unlock(held).await.expect("a release");
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ends_in_the_queue_is_replaced() {
    let revoke = |server: &Server, place: &str| {
        let lease = place.rsplit('/').next().expect("a lease");
        server.ctl(&["lease", "revoke", lease]);
    };
    the_place_is_taken_anew(revoke, Loss::LeaseGone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_goes_in_the_queue_is_no_lock() {
    let delete = |server: &Server, place: &str| {
        server.ctl(&["del", place]);
    };
    the_place_is_taken_anew(delete, Loss::KeyDeleted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_longer_than_the_ttl_keeps_its_place_and_gives_the_full_ttl() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    let (options, mut events) = observed(
        Options::default()
            .with_ttl(Duration::from_secs(2))
            .with_auto_renew(false),
    );
    let waiter = client(&server, options);
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    let place = server.keys().pop().expect("a place");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(server.keys().pop().expect("a place"), place);
    holder.unlock(held).await.expect("a release");
    let held = turn(waiting).await;
    assert_eq!(held.owner_key(), Some(&*place));
    // The last renewal is on its way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let left = held.deadline().expect("a deadline").left();
    assert!(left > Duration::from_millis(1200), "{left:?}");
    assert_eq!(soon("a loss", held.lost()).await, Loss::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_dropped_before_any_answer_leaves_nothing() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let held = lock(&client, "/warm").await;
    client.unlock(held).await.expect("a release");
    server.freeze();
    let asking = tokio::time::timeout(Duration::from_millis(300), client.lock("/k")).await;
    assert!(asking.is_err(), "a frozen etcd answered");
    server.thaw();
    client.close().await.expect("a closed client");
    assert_eq!(server.leftovers().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_outlives_a_restart_of_etcd() {
    let mut server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    let (options, mut events) = observed(Options::default());
    let waiter = client(&server, options);
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    server.kill();
    server.restart();
    holder.unlock(held).await.expect("a release");
    let held = turn(waiting).await;
    waiter.unlock(held).await.expect("a release");
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, EventKind::PlaceLost(_)), "{event:?}");
    }
    until_empty(&server).await;
}
