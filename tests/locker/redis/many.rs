//! Many who wait for one lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use genlock::testing::contract::{observed, soon, until_waiting};
use genlock::{Locker, Options};
use tokio::task::JoinSet;

use super::redis;
use crate::support::redis::RedisServer;

const WAITERS: usize = 1000;

/// Each with a client of its own: a connection, and a place in the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_waiters_have_their_turns_in_order() {
    let server = RedisServer::start();
    let options = || Options::default().with_ttl(Duration::from_secs(60));
    let holder = redis(&server, options());
    let held = holder.lock("/k").await.expect("a lock");
    let served = Arc::new(AtomicUsize::new(0));
    let mut waiting = JoinSet::new();
    for place in 0..WAITERS {
        let (options, mut events) = observed(options());
        let client = redis(&server, options);
        let served = served.clone();
        waiting.spawn(async move {
            let held = client.lock("/k").await.expect("a lock");
            let turn = served.fetch_add(1, Ordering::Relaxed);
            client.unlock(held).await.expect("a release");
            (place, turn)
        });
        // In the queue before the next comes.
        if place % 100 == 99 {
            until_waiting(&mut events).await;
        }
        while queued(&server) <= place {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let start = Instant::now();
    holder.unlock(held).await.expect("a release");
    let turns = soon("the turns", waiting.join_all()).await;
    let took = start.elapsed();
    eprintln!("{WAITERS} hand-overs in {took:?}");
    assert!(turns.iter().all(|(place, turn)| place == turn), "{turns:?}");
    assert!(server.left().is_empty(), "{:?}", server.left());
}

fn queued(server: &RedisServer) -> usize {
    let count = server.cli(&["ZCARD", "{/k}:genlock:q"]);
    count.parse().expect("a number")
}
