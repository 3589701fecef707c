//! Locks that several hold, and locks of several keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genlock::{ErrorKind, EventKind, Held, Locker, Loss, Mode, Options, QueuePolicy, Request};
use tokio::task::{JoinHandle, JoinSet};

use super::interop::{Etcdctl, until_keys};
use super::{client, lease_of, turn};
use crate::support::etcd::Server;
use genlock::testing::contract::{Fixture, observed, soon, until_empty, until_waiting};

pub(super) fn request(mode: Mode) -> Request {
    Request::new("/k").with_mode(mode)
}

pub(super) async fn take(client: &Arc<dyn Locker>, request: Request) -> Held {
    let taken = soon("a lock", client.acquire(request)).await;
    taken.expect("an answer").expect("a lock")
}

async fn tried(client: &Arc<dyn Locker>, mode: Mode) -> Option<Held> {
    let request = request(mode).without_waiting();
    client.acquire(request).await.expect("an answer")
}

/// One who waits, once it does so.
pub(super) async fn waiting(
    server: &Server,
    request: Request,
) -> JoinHandle<genlock::Result<Held>> {
    let (options, mut events) = observed(Options::default());
    let client = client(server, options);
    let waiting = tokio::spawn(async move {
        let held = client.acquire(request).await;
        held.map(|held| held.expect("it waits"))
    });
    until_waiting(&mut events).await;
    waiting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_all_modes_and_of_etcdctl_is_served_in_order() {
    let server = Server::start();
    let clients = client(&server, Options::default());
    let readers = [
        take(&clients, request(Mode::Shared)).await,
        take(&clients, request(Mode::Shared)).await,
    ];
    let mut theirs = Etcdctl::lock(&server, "/k");
    until_keys(&server, 3).await;
    let reader = waiting(&server, request(Mode::Shared)).await;
    let mut some = Vec::new();
    for _ in 0..3 {
        some.push(waiting(&server, request(Mode::OneOf(2))).await);
    }
    let last = waiting(&server, request(Mode::Exclusive)).await;
    for mode in [Mode::Shared, Mode::OneOf(2), Mode::Exclusive] {
        assert!(tried(&clients, mode).await.is_none(), "{mode}");
    }
    let [one, other] = readers;
    other.unlock().await.expect("a release");
    assert!(!theirs.is_held());
    one.unlock().await.expect("a release");
    theirs.holds().await;
    assert!(!reader.is_finished());
    theirs.release();
    let held = turn(reader).await;
    assert!(some.iter().all(|some| !some.is_finished()));
    held.unlock().await.expect("a release");
    let (first, second) = (turn(some.remove(0)).await, turn(some.remove(0)).await);
    assert_eq!(indexes(&[&first, &second]), [0, 1]);
    assert!(!some[0].is_finished());
    let freed = first.grants()[0].index;
    first.unlock().await.expect("a release");
    let third = turn(some.remove(0)).await;
    assert_eq!(third.grants()[0].index, freed);
    assert!(!last.is_finished());
    second.unlock().await.expect("a release");
    third.unlock().await.expect("a release");
    turn(last).await.unlock().await.expect("a release");
    // etcdctl leaves its lease.
    assert_eq!(server.keys(), [""; 0]);
}

fn indexes(held: &[&Held]) -> Vec<u32> {
    let each = held.iter().filter_map(|held| held.grants()[0].index);
    let mut indexes: Vec<_> = each.collect();
    indexes.sort_unstable();
    indexes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_not_free_yet_is_waited_for() {
    let server = Server::start();
    let client = client(&server, Options::default());
    // What a holder leaves whose place was taken away, and who is still to be stopped.
    let lease = of_another(&server, &["/k.index:0"]);
    let one = take(&client, request(Mode::OneOf(2))).await;
    assert_eq!(one.grants()[0].index, Some(1));
    let other = client.clone();
    let waiting = tokio::spawn(async move { take(&other, request(Mode::OneOf(2))).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    server.ctl(&["lease", "revoke", &lease]);
    let two = soon("an index", waiting).await.expect("no panic");
    assert_eq!(two.grants()[0].index, Some(0));
    // An index that somebody takes away is a loss as well.
    server.ctl(&["del", "/k.index:0"]);
    assert_eq!(soon("a loss", two.lost()).await, Loss::KeyDeleted);
}

/// A lease of somebody who holds these indexes.
fn of_another(server: &Server, indexes: &[&str]) -> String {
    let granted = server.ctl(&["lease", "grant", "60"]);
    let lease = granted.split_whitespace().nth(1).expect("a lease");
    for index in indexes {
        server.ctl(&["put", "--lease", lease, index, ""]);
    }
    lease.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_its_place_gets_no_index() {
    let server = Server::start();
    let lease = of_another(&server, &["/k.index:0", "/k.index:1"]);
    let pause = Duration::from_secs(2);
    let client = client(&server, Options::default().with_retry_interval(pause));
    let waiting = tokio::spawn(async move { take(&client, request(Mode::OneOf(2))).await });
    let place = soon("a place", async {
        loop {
            if let Some(place) = server.keys().into_iter().find(|key| key.starts_with("/k/")) {
                break place;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let place = place.await;
    // By now it has found none, and pauses. Both are done before it asks again.
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.ctl(&["del", &place]);
    server.ctl(&["lease", "revoke", &lease]);
    let held = soon("a lock", waiting).await.expect("no panic");
    assert_ne!(held.owner_key(), Some(&*place));
    held.unlock().await.expect("a release");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_anothers_by_now_is_left() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let held = take(&client, request(Mode::OneOf(2))).await;
    let own = held.owner_key().expect("an owner key").to_owned();
    server.ctl(&["put", &own, "mine"]);
    assert_eq!(soon("a loss", held.lost()).await, Loss::KeyOverwritten);
    server.ctl(&["del", "/k.index:0"]);
    of_another(&server, &["/k.index:0"]);
    held.unlock().await.expect_err("a lost lock");
    client.close().await.expect("a closed client");
    assert_eq!(server.keys(), ["/k.index:0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_is_not_starved_by_readers() {
    let server = Server::start();
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let client = client(&server, Options::default());
        readers.spawn(async move {
            loop {
                let held = take(&client, request(Mode::Shared)).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
                held.unlock().await.expect("a release");
            }
        });
    }
    let writer = client(&server, Options::default());
    let begun = Instant::now();
    for _ in 0..3 {
        let held = take(&writer, request(Mode::Exclusive)).await;
        held.unlock().await.expect("a release");
    }
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    readers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_in_any_order_are_taken_without_a_deadlock() {
    let server = Server::start();
    let mut running = JoinSet::new();
    for keys in [["/a", "/b"], ["/b", "/a"]] {
        let client = client(&server, Options::default());
        running.spawn(async move {
            for _ in 0..100 {
                let held = take(&client, Request::new(keys[0]).also(keys[1])).await;
                let grants = held.grants();
                assert_eq!([&*grants[0].key, &grants[1].key], keys);
                assert_eq!(grants[0].token, grants[1].token);
                held.unlock().await.expect("a release");
            }
            client.close().await.expect("a closed client");
        });
    }
    while let Some(ended) = soon("every section", running.join_next()).await {
        ended.expect("no panic");
    }
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_of_several_that_is_lost_loses_all() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let held = take(&client, Request::new("/a").also("/b")).await;
    let second = held.grants()[1].owner_key.clone().expect("an owner key");
    server.ctl(&["del", &second]);
    assert_eq!(soon("a loss", held.lost()).await, Loss::KeyDeleted);
    drop(held);
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_several_that_has_another_number_of_holders_is_named() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let held = take(&client, Request::new("/b").with_mode(Mode::OneOf(3))).await;
    let both = Request::new("/a").also("/b").with_mode(Mode::OneOf(2));
    for request in [both.clone(), both.without_waiting()] {
        let refused = client.acquire(request).await.expect_err("another number");
        assert_eq!(refused.kind(), ErrorKind::OtherMaxHolders);
        let said = refused.to_string();
        assert!(said.starts_with("/b: others hold it as one of 3"), "{said}");
    }
    held.unlock().await.expect("a release");
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_keys_and_their_indexes_stay_for_a_min_hold() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let request = || Request::new("/a").also("/b").with_mode(Mode::OneOf(2));
    let held = take(&client, request()).await;
    let lease = lease_of(&held);
    let before = server.keys();
    assert_eq!(before.len(), 4, "{before:?}");
    let rest = Duration::from_secs(2);
    held.unlock_after(rest).await.expect("a release");
    assert_eq!(server.keys(), before);
    assert!(!server.leases().contains(&lease));
    let other = take(&client, request()).await;
    assert_eq!(other.grants()[1].index, Some(1));
    other.unlock().await.expect("a release");
    until_empty(&server).await;
}

/// Fifty pushes, each of which waits for the one that runs, as in a CI of which the newest counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_many_pushes_the_newest_runs_and_no_holder_is_touched() {
    let server = Server::start();
    let operator = server.operator().await;
    let (runs, mut pushes) = (Arc::new(Mutex::new(Vec::new())), Vec::new());
    let (mut newest, pushed) = (None, Arc::new(AtomicUsize::new(0)));
    for push in 0..50 {
        let client = client(&server, Options::default());
        let (runs, came) = (runs.clone(), pushed.clone());
        pushes.push(tokio::spawn(async move {
            let request = Request::new("/k").with_queue(QueuePolicy::Latest);
            let held = client.acquire(request).await?.expect("it waits");
            let begun = Instant::now();
            // It takes as long as five pushes.
            while came.load(Ordering::SeqCst) < (push + 6).min(50) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(held.is_held(), "the holder was touched");
            runs.lock()
                .expect("runs")
                .push((push, begun, Instant::now()));
            held.unlock().await
        }));
        // The next one comes when this one stands in the queue.
        while !pushes[push].is_finished() {
            let queue = operator.glance("/k").await.expect("a queue");
            let last = queue.contenders.last().and_then(|last| last.token);
            if last > newest {
                newest = last;
                break;
            }
        }
        pushed.store(push + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut superseded = 0;
    for push in pushes {
        if let Err(error) = soon("an end", push).await.expect("no panic") {
            assert_eq!(error.kind(), ErrorKind::Superseded, "{error}");
            superseded += 1;
        }
    }
    until_empty(&server).await;
    let runs = runs.lock().expect("runs");
    assert_eq!(runs.len() + superseded, 50);
    // Each begins with the newest of those that came during the one before.
    assert!((2..=11).contains(&runs.len()), "{}", runs.len());
    assert_eq!(runs.last().map(|run| run.0), Some(49));
    for pair in runs.windows(2) {
        assert!(pair[0].2 <= pair[1].1 && pair[0].0 < pair[1].0, "{pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_whose_key_goes_while_it_waits_takes_its_place_anew() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = take(&holder, request(Mode::Exclusive)).await;
    let (options, mut events) = observed(Options::default());
    let reader = client(&server, options);
    let reading = tokio::spawn(async move { take(&reader, request(Mode::Shared)).await });
    until_waiting(&mut events).await;
    let place = server.keys().pop().expect("a place");
    server.ctl(&["del", &place]);
    let lost = async { while !matches!(events.recv().await, Some(EventKind::PlaceLost(_))) {} };
    soon("a lost place", lost).await;
    held.unlock().await.expect("a release");
    let held = soon("a turn", reading).await.expect("no panic");
    assert_ne!(held.owner_key(), Some(&*place));
    held.unlock().await.expect("a release");
    until_empty(&server).await;
}
