//! What the task of a lease leaves behind when it ends before its lock: with its runtime, or by
//! somebody else's panic.

use std::sync::Arc;
use std::time::Duration;

use genlock::{ErrorKind, Etcd, EtcdConfig, Held, Locker, Loss, Options};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::client_of;
use crate::support::etcd::Server;
use genlock::testing::contract::{Fixture, lock, soon, spawn_lock, until_empty};

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(1).enable_all();
    builder.build().expect("a runtime")
}

fn client(server: &Server) -> Arc<dyn Locker> {
    let config = EtcdConfig::new([server.endpoint()]).command_timeout(Duration::from_secs(2));
    Arc::new(Etcd::new(config, Options::default()).expect("a client"))
}

/// A lock whose runtime is gone.
fn orphaned(client: &Arc<dyn Locker>) -> Held {
    let runtime = runtime();
    let held = runtime.block_on(lock(client, "/k"));
    drop(runtime);
    held
}

#[test]
fn a_lock_whose_runtime_is_gone_is_released_by_who_unlocks() {
    let server = Server::start();
    let client = client(&server);
    let held = orphaned(&client);
    runtime().block_on(async {
        client.unlock(held).await.expect("a release");
        assert_eq!(server.leftovers().await, [""; 0]);
        // And can be had again.
        let held = client.try_lock("/k").await.expect("an answer");
        client
            .unlock(held.expect("a free lock"))
            .await
            .expect("a release");
    });
}

#[test]
fn a_lock_whose_runtime_is_gone_is_released_by_who_closes() {
    for kept in [true, false] {
        let server = Server::start();
        let client = client(&server);
        let held = orphaned(&client);
        let ownership = held.ownership();
        let held = kept.then_some(held);
        runtime().block_on(async {
            client.close().await.expect("a closed client");
            assert_eq!(server.leftovers().await, [""; 0]);
        });
        let loss = if kept { Loss::Closed } else { Loss::Released };
        assert_eq!(ownership.loss(), Some(loss));
        drop(held);
    }
}

#[test]
fn what_cannot_be_released_any_more_is_said() {
    let server = Server::start();
    let client = client(&server);
    let held = orphaned(&client);
    server.freeze();
    runtime().block_on(async {
        let error = client.unlock(held).await.expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.to_string().contains("at the end of its TTL"),
            "{error}"
        );
        let error = client.close().await.expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
    server.thaw();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_that_panics_harms_no_lock() {
    let mut server = Server::start();
    let options = || {
        Options::default()
            .with_ttl(Duration::from_secs(12))
            .with_observer(|event| panic!("{event:?}"))
    };
    let holder = client_of(&[&server.endpoint()], options());
    let waiter = client_of(&[&server.endpoint()], options());
    let held = lock(&holder, "/k").await;
    let waiting = spawn_lock(&waiter, "/k");
    soon("a place", async { while server.keys().len() < 2 {} }).await;
    // A renewal falls into it and fails, which is told; the next one has some seconds left.
    server.kill();
    tokio::time::sleep(Duration::from_millis(4200)).await;
    server.restart();
    soon("etcd", async { while !server.is_healthy() {} }).await;
    let lost = tokio::time::timeout(Duration::from_secs(3), held.lost()).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    holder.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting).await.expect("no panic");
    waiter
        .unlock(held.expect("a lock"))
        .await
        .expect("a release");
    until_empty(&server).await;
}

async fn until_watched(server: &Server, watches: u64) {
    soon("so many watches", async {
        while server.watches() != watches {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_that_are_dropped_at_any_moment_leave_no_watch() {
    const KEYS: usize = 50;
    let server = Server::start();
    let (holder, waiter) = (client(&server), client(&server));
    let mut held = vec![lock(&holder, "/kept").await];
    for number in 0..KEYS {
        held.push(lock(&holder, &format!("/k{number}")).await);
    }
    // The stream of the waiter's watches lives on.
    let kept = spawn_lock(&waiter, "/kept");
    let watches = held.len() as u64 + 1;
    until_watched(&server, watches).await;
    for round in 0..20 {
        let mut waits = JoinSet::new();
        for number in 0..KEYS {
            let waiter = waiter.clone();
            waits.spawn(async move { waiter.lock(&format!("/k{number}")).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_millis(5 + 2 * round)).await;
        waits.shutdown().await;
    }
    until_watched(&server, watches).await;
    drop(held);
    drop(kept.await);
}
