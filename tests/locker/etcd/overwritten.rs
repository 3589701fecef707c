//! Somebody writes over the key of a holder, or of a waiter: its owner is told, and nobody else has
//! the lock before the owner has let go.

use std::sync::Arc;
use std::time::Duration;

use genlock::{ErrorKind, EventKind, Held, Locker, Loss, Options};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::interop::Etcdctl;
use super::{client, turn};
use crate::support::etcd::Server;
use genlock::testing::contract::{
    give_up, lock, observed, soon, spawn_lock, until_empty, until_waiting,
};

/// Longer than it takes a waiter to look after a key that was written over.
const LOOKED: Duration = Duration::from_millis(1500);

/// What anybody can do to a key, as etcdctl's options for it.
const WRITES: [fn(&Server) -> String; 3] = [
    |_| "--lease=0".to_owned(),
    |server| {
        let granted = server.ctl(&["lease", "grant", "60"]);
        let lease = granted.split(' ').nth(1).expect("a lease");
        format!("--lease={lease}")
    },
    |_| "--ignore-lease".to_owned(),
];

/// A client that waits already for what another holds.
async fn waiter(server: &Server) -> (Arc<dyn Locker>, JoinHandle<genlock::Result<Held>>) {
    let (options, mut events) = observed(Options::default());
    let waiter = client(server, options);
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    (waiter, waiting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holder_is_told_and_the_next_one_waits_until_it_lets_go() {
    for write in WRITES {
        let server = Server::start();
        let one = client(&server, Options::default());
        let held = lock(&one, "/k").await;
        let own = held.owner_key().expect("a key").to_owned();
        let (other, waiting) = waiter(&server).await;
        let how = write(&server);
        // Not within the time in which nothing is watched yet.
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.ctl(&["put", &how, "--", &own, "x"]);
        let loss = timeout(Duration::from_millis(300), held.lost()).await;
        assert_eq!(loss.expect("a loss within 0.3 s"), Loss::KeyOverwritten);
        let third = client(&server, Options::default());
        assert!(third.try_lock("/k").await.expect("an answer").is_none());
        tokio::time::sleep(LOOKED).await;
        assert!(!waiting.is_finished(), "two at a time after {how}");
        let error = one.unlock(held).await.expect_err("a loss");
        assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
        let held = turn(waiting).await;
        // Nor is it left in the way of others.
        assert_eq!(server.keys(), [held.owner_key().expect("a key")]);
        other.unlock(held).await.expect("a release");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_is_gone_leaves_a_key_that_blocks_nobody() {
    let server = Server::start();
    let one = client(&server, Options::default());
    let held = lock(&one, "/k").await;
    let own = held.owner_key().expect("a key").to_owned();
    let (other, waiting) = waiter(&server).await;
    server.ctl(&["put", &own, "x"]);
    // As if it had died: its lease ends, and the key stays.
    let lease = super::lease_of(&held);
    server.ctl(&["lease", "revoke", &lease]);
    let next = turn(waiting).await;
    other.unlock(next).await.expect("a release");
    drop(held);
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_holder_writes_itself_is_no_loss() {
    let server = Server::start();
    let one = client(&server, Options::default());
    let first = lock(&one, "/k").await;
    let (other, waiting) = waiter(&server).await;
    let (third, last) = waiter(&server).await;
    let placed = server.ctl(&["get", "/k/", "--prefix", "--write-out=json"]);
    one.unlock(first).await.expect("a release");
    let held = turn(waiting).await;
    let own = held.owner_key().expect("a key").to_owned();
    soon("the stamp", async {
        while !is_rewritten(&server.ctl(&["get", &own, "--write-out=fields"])) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(placed.contains("\"version\":1"), "{placed}");
    assert!(timeout(LOOKED, held.lost()).await.is_err());
    assert!(!last.is_finished());
    other.unlock(held).await.expect("a release");
    third.unlock(turn(last).await).await.expect("a release");
    until_empty(&server).await;
}

fn is_rewritten(fields: &str) -> bool {
    fields.contains("\"Version\" : 2")
}

/// The watch is broken when it happens, and the revision forgotten when the holder is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_was_away_finds_it_out() {
    for write in WRITES {
        let mut server = Server::start();
        let client = client(&server, Options::default());
        let held = lock(&client, "/k").await;
        let own = held.owner_key().expect("a key").to_owned();
        let how = write(&server);
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        server.restart();
        soon("etcd", async { while !server.is_healthy() {} }).await;
        server.ctl(&["put", &how, "--", &own, "x"]);
        let printed = server.ctl(&["put", "/other", "x", "--write-out=json"]);
        let revision = printed.split("\"revision\":").nth(1).expect("a revision");
        let revision: String = revision.chars().take_while(char::is_ascii_digit).collect();
        server.ctl(&["compact", &revision]);
        assert_eq!(soon("a loss", held.lost()).await, Loss::KeyOverwritten);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_taken_anew() {
    for write in WRITES {
        let server = Server::start();
        let holder = client(&server, Options::default());
        let held = lock(&holder, "/k").await;
        let (options, mut events) = observed(Options::default());
        let waiter = client(&server, options);
        let waiting = spawn_lock(&waiter, "/k");
        until_waiting(&mut events).await;
        let place = server.keys().pop().expect("a place");
        let how = write(&server);
        server.ctl(&["put", &how, "--", &place, "x"]);
        holder.unlock(held).await.expect("a release");
        let held = turn(waiting).await;
        assert_eq!(server.keys(), [held.owner_key().expect("a key")]);
        assert_ne!(held.owner_key(), Some(&*place));
        let event = events.recv().await;
        assert!(
            matches!(event, Some(EventKind::PlaceLost(Loss::KeyOverwritten))),
            "{event:?}"
        );
        assert!(timeout(LOOKED, held.lost()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_given_up_does_not_stay() {
    for write in WRITES {
        let server = Server::start();
        let holder = client(&server, Options::default());
        let held = lock(&holder, "/k").await;
        let own = held.owner_key().expect("a key").to_owned();
        let (waiter, waiting) = waiter(&server).await;
        let place = server.keys().into_iter().find(|key| *key != own);
        let how = write(&server);
        server.ctl(&["put", &how, "--", &place.expect("a place"), "x"]);
        give_up(waiting).await;
        waiter.close().await.expect("a closed client");
        assert_eq!(server.keys(), [own], "after {how}");
        holder.unlock(held).await.expect("a release");
    }
}

/// etcdctl does not look at its key, and goes on: it is waited for all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcdctl_is_waited_for_whatever_is_in_its_key() {
    let server = Server::start();
    let mut theirs = Etcdctl::lock(&server, "/k");
    let key = theirs.holds().await;
    let (ours, waiting) = waiter(&server).await;
    server.ctl(&["put", &key, "x"]);
    tokio::time::sleep(LOOKED).await;
    assert!(!waiting.is_finished(), "two at a time");
    // It revokes its lease, to which the key is attached no more, and may leave that behind.
    theirs.release();
    ours.unlock(turn(waiting).await).await.expect("a release");
}
