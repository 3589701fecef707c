//! Many locks through one client.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Txn, TxnOp};
use genlock::{Etcd, EtcdConfig, Held, Locker, Loss, Operator, Options};
use tokio::task::JoinSet;

use super::{client_of, etcd};
use crate::many::{store, take_turns, with_descriptors};
use crate::support::etcd::{Server, Setup, has_flag};
use genlock::testing::contract::{Fixture, observed, soon, until_waiting};

/// Asks for that many locks, which are another's or free.
fn ask(client: &Arc<dyn Locker>, count: usize) -> JoinSet<Held> {
    let mut asked = JoinSet::new();
    for number in 0..count {
        let client = client.clone();
        asked.spawn(async move {
            let held = client.lock(&format!("/many/{number}")).await;
            held.expect("a lock")
        });
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_hundred_locks_and_waiters_have_a_thousand_descriptors() {
    const LOCKS: usize = 600;
    let Some(endpoint) = store() else {
        let server = Server::start();
        let test = "etcd::many::six_hundred_locks_and_waiters_have_a_thousand_descriptors";
        with_descriptors(1024, test, &server.endpoint());
        assert_eq!(server.leftovers().await, [""; 0]);
        return;
    };
    // So much at once takes a while on a loaded machine.
    let patience = Duration::from_secs(20);
    let config = || EtcdConfig::new([&endpoint]).command_timeout(patience);
    let options = Options::default().with_ttl(patience);
    let client =
        || -> Arc<dyn Locker> { Arc::new(Etcd::new(config(), options.clone()).expect("a client")) };
    let (one, other) = (client(), client());
    let held = soon("the locks", ask(&one, LOCKS).join_all()).await;
    let waiting = ask(&other, LOCKS);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("descriptors");
    let descriptors = descriptors.count();
    assert!(descriptors < 100, "{descriptors} descriptors");
    for held in held {
        assert_eq!(held.ownership().loss(), None);
        one.unlock(held).await.expect("a release");
    }
    let held = soon("the turns", waiting.join_all()).await;
    assert_eq!(held.len(), LOCKS);
    drop(held);
    other.close().await.expect("a closed client");
    one.close().await.expect("a closed client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_tasks_have_their_turns_with_fifty_descriptors() {
    let Some(endpoint) = store() else {
        let server = Server::start();
        let test = "etcd::many::a_hundred_tasks_have_their_turns_with_fifty_descriptors";
        with_descriptors(50, test, &server.endpoint());
        assert_eq!(server.leftovers().await, [""; 0]);
        return;
    };
    take_turns(|options| client_of(&[&endpoint], options), 100).await;
}

/// Holds and waits for more locks than the server lets a connection have streams.
async fn more_locks_than_streams(streams: u32, locks: usize) {
    if !has_flag("--max-concurrent-streams") {
        return;
    }
    let server = Server::with(Setup {
        streams,
        ..Setup::default()
    });
    let options = Options::default().with_ttl(Duration::from_secs(5));
    let client = || client_of(&[&server.endpoint()], options.clone());
    let (one, other) = (client(), client());
    let held = soon("the locks", ask(&one, locks).join_all()).await;
    let waiting = ask(&other, locks);
    let places = async {
        while server.keys().len() < 2 * locks {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon("the places", places).await;
    tokio::time::sleep(options.ttl * 2).await;
    // Each is watched all the same.
    assert_eq!(server.keys().len(), 2 * locks);
    for held in held {
        assert_eq!(held.ownership().loss(), None, "of {streams} streams");
        if held.key().ends_with("/0") {
            server.ctl(&["del", held.owner_key().expect("a key")]);
            let loss = tokio::time::timeout(Duration::from_millis(500), held.lost()).await;
            assert_eq!(loss.expect("a loss within 0.5 s"), Loss::KeyDeleted);
            continue;
        }
        one.unlock(held).await.expect("a release");
    }
    let held = soon("the turns", waiting.join_all()).await;
    assert_eq!(held.len(), locks);
    drop(held);
    other.close().await.expect("a closed client");
    one.close().await.expect("a closed client");
    assert_eq!(server.leftovers().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_are_enough_for_more_locks() {
    more_locks_than_streams(100, 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_streams_are_enough() {
    more_locks_than_streams(4, 20).await;
}

/// What stands below a lock's name, and is read by who waits, is longer than the 4 MiB that a client of gRPC
/// reads by default.
#[tokio::test]
async fn who_waits_reads_a_list_that_is_long() {
    const KEYS: usize = 1_200;
    let server = Server::start();
    let name = format!("/{}", "k".repeat(4_000));
    let mut client = etcd_client::Client::connect([server.endpoint()], None)
        .await
        .expect("a client");
    let numbers: Vec<_> = (0..KEYS).collect();
    for part in numbers.chunks(128) {
        let puts = part.iter();
        let puts = puts.map(|number| TxnOp::put(format!("{name}/none-{number}"), "", None));
        let txn = Txn::new().and_then(puts.collect::<Vec<_>>());
        client.txn(txn).await.expect("a transaction");
    }
    let one = client_of(&[&server.endpoint()], Options::default());
    let held = soon("the lock", one.lock(&name)).await.expect("a lock");
    let (options, mut events) = observed(Options::default());
    let other = etcd(&[&server.endpoint()], options);
    let list = soon("the queue", other.queue(&name)).await;
    assert_eq!(list.expect("a queue").contenders.len(), 1);
    let (waited, released) = tokio::join!(soon("the turn", other.lock(&name)), async {
        until_waiting(&mut events).await;
        one.unlock(held).await
    });
    released.expect("a release");
    let held = waited.expect("the lock");
    other.unlock(held).await.expect("a release");
}
