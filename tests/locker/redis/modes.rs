//! Several holders of one lock, and who waits for it.

use std::sync::Arc;
use std::time::Duration;

use genlock::locker::TakenAway;
use genlock::locker::operator::Removal;
use genlock::testing::contract::{lock, soon, until_empty};
use genlock::{
    ErrorKind, Held, Locker, Mode, Operator, Options, QueuePolicy, Redis, Request, Result,
};
use tokio::task::JoinHandle;

use super::redis;
use crate::support::redis::RedisServer;

pub(super) const KEY: &str = "/k";

pub(super) fn client(server: &RedisServer) -> Redis {
    redis(server, Options::default())
}

pub(super) fn asked(mode: Mode) -> Request {
    Request::new(KEY).with_mode(mode)
}

pub(super) async fn take(client: &Redis, request: Request) -> Held {
    let held = soon(KEY, client.acquire(request)).await;
    held.expect("an answer").expect("a lock")
}

pub(super) async fn try_mode(client: &Redis, mode: Mode) -> Option<Held> {
    let request = asked(mode).without_waiting();
    client.acquire(request).await.expect("an answer")
}

/// A call that stands in the queue when this ends, as the last of so many.
pub(super) async fn queued(
    server: &RedisServer,
    client: &Redis,
    request: Request,
    count: usize,
) -> JoinHandle<Result<Option<Held>>> {
    let client = client.clone();
    let waiting = tokio::spawn(async move { client.acquire(request).await });
    until_queued(server, count).await;
    waiting
}

async fn until_queued(server: &RedisServer, count: usize) {
    soon("a place", async {
        while server.cli(&["ZCARD", "{/k}:genlock:q"]) != count.to_string() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub(super) async fn turn(waiting: JoinHandle<Result<Option<Held>>>) -> Held {
    let held = soon("a turn", waiting).await.expect("no panic");
    held.expect("an answer").expect("a lock")
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_share_and_none_passes_a_writer() {
    let server = RedisServer::start();
    let (one, other, writer) = (client(&server), client(&server), client(&server));
    let first = take(&one, asked(Mode::Shared)).await;
    let second = take(&other, asked(Mode::Shared)).await;
    assert!(second.token() > first.token());
    assert_eq!(
        (first.grants()[0].index, server.cli(&["GET", KEY])),
        (None, "genlock:set".into())
    );
    let writing = queued(&server, &writer, asked(Mode::Exclusive), 1).await;
    // Who comes now is behind the writer, whether it waits or not.
    assert!(try_mode(&one, Mode::Shared).await.is_none());
    let third = queued(&server, &one, asked(Mode::Shared), 2).await;
    let fourth = queued(&server, &other, asked(Mode::Shared), 3).await;
    let queue = writer.queue(KEY).await.expect("a queue");
    assert_eq!((queue.holders().len(), queue.waiters().len()), (2, 3));
    assert_eq!(queue.holders()[1].token, Some(second.token()));
    first.unlock().await.expect("a release");
    assert!(!writing.is_finished());
    second.unlock().await.expect("a release");
    let held = turn(writing).await;
    assert!(
        server
            .cli(&["GET", KEY])
            .starts_with(&format!("genlock:{}:", held.token()))
    );
    assert!(!third.is_finished() && !fourth.is_finished());
    held.unlock().await.expect("a release");
    // Both at once.
    let (third, fourth) = (turn(third).await, turn(fourth).await);
    assert!(third.is_held() && fourth.is_held() && fourth.token() > third.token());
    drop((third, fourth));
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_who_gives_up_lets_the_readers_pass() {
    let server = RedisServer::start();
    let (one, writer) = (client(&server), client(&server));
    let first = take(&one, asked(Mode::Shared)).await;
    for by_operator in [false, true] {
        let writing = queued(&server, &writer, asked(Mode::Exclusive), 1).await;
        let reading = queued(&server, &one, asked(Mode::Shared), 2).await;
        if by_operator {
            let queue = one.queue(KEY).await.expect("a queue");
            let token = queue.waiters()[0].token.expect("a token");
            let by = TakenAway::by_this_process();
            let removed = one.take_away(KEY, token, &by, false).await;
            assert_eq!(removed.expect("an answer"), Removal::Removed);
        } else {
            writing.abort();
        }
        drop(turn(reading).await);
        writing.abort();
        let _ = writing.await;
        soon("an empty queue", async {
            while one.queue(KEY).await.expect("a queue").contenders.len() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    drop(first);
    until_empty(&server).await;
}

/// Ten at once, of whom three may hold: never more, and never two with one index.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn n_hold_at_a_time_with_different_indices() {
    let server = RedisServer::start();
    let taken = Arc::new(std::sync::Mutex::new([false; 3]));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (client, taken) = (client(&server), taken.clone());
        running.spawn(async move {
            for _ in 0..5 {
                let held = take(&client, asked(Mode::OneOf(3))).await;
                let index = held.grants()[0].index.expect("an index") as usize;
                let before = std::mem::replace(&mut taken.lock().expect("taken")[index], true);
                assert!(!before, "two have {index}");
                tokio::time::sleep(Duration::from_millis(3)).await;
                taken.lock().expect("taken")[index] = false;
                held.unlock().await.expect("a release");
            }
        });
    }
    while let Some(ended) = soon("all sections", running.join_next()).await {
        ended.expect("no panic");
    }
    until_empty(&server).await;
}

/// Who is not heard of any more: its index is free then, and no sooner.
#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_a_dead_holder_is_free_when_its_time_is_over() {
    let server = RedisServer::start();
    let dead = Options::default().with_ttl(Duration::from_secs(2));
    let dead = redis(&server, dead.with_auto_renew(false));
    let (one, other) = (client(&server), client(&server));
    let first = take(&dead, asked(Mode::OneOf(2))).await;
    let begun = std::time::Instant::now();
    let second = take(&one, asked(Mode::OneOf(2))).await;
    assert_eq!(second.grants()[0].index, Some(1));
    assert!(try_mode(&other, Mode::OneOf(2)).await.is_none());
    // The second one goes on.
    let third = take(&other, asked(Mode::OneOf(2))).await;
    let took = begun.elapsed();
    assert!((1900..4000).contains(&took.as_millis()), "{took:?}");
    assert_eq!(third.grants()[0].index, Some(0));
    assert!(!first.is_held() && second.is_held());
    drop((first, second, third));
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_holders_is_refused() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let held = take(&one, asked(Mode::OneOf(3))).await;
    let refused = other.acquire(asked(Mode::OneOf(2))).await;
    let refused = refused.expect_err("another number");
    assert_eq!(refused.kind(), ErrorKind::OtherMaxHolders);
    let said = refused.to_string();
    assert!(
        said.contains("one of 3") && said.contains("one of 2"),
        "{said}"
    );
    // It is so behind others, too, and without waiting.
    let writing = queued(&server, &other, asked(Mode::Exclusive), 1).await;
    let third = queued(&server, &one, asked(Mode::OneOf(3)), 2).await;
    held.unlock().await.expect("a release");
    let held = turn(writing).await;
    let request = asked(Mode::OneOf(4)).without_waiting();
    let refused = other.acquire(request).await.expect_err("another number");
    assert_eq!(refused.kind(), ErrorKind::OtherMaxHolders);
    held.unlock().await.expect("a release");
    drop(turn(third).await);
    until_empty(&server).await;
    // Nobody is there any more.
    drop(take(&other, asked(Mode::OneOf(2))).await);
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_sends_those_away_who_wait_as_it_does() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let latest = |mode| asked(mode).with_queue(QueuePolicy::Latest);
    let held = take(&one, latest(Mode::Exclusive)).await;
    let patient = queued(&server, &one, asked(Mode::Exclusive), 1).await;
    let mut before = queued(&server, &one, latest(Mode::Exclusive), 2).await;
    for _ in 0..20 {
        let next = tokio::spawn({
            let (client, request) = (other.clone(), latest(Mode::Exclusive));
            async move { client.acquire(request).await }
        });
        let begun = std::time::Instant::now();
        let gone = soon("an end", before).await.expect("no panic");
        let gone = gone.expect_err("a newer one");
        assert_eq!(gone.kind(), ErrorKind::Superseded, "{gone}");
        // It is told.
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        before = next;
    }
    until_queued(&server, 2).await;
    assert!(held.is_held());
    held.unlock().await.expect("a release");
    drop(turn(patient).await);
    drop(turn(before).await);
    until_empty(&server).await;
}

/// Each reads for a moment, again and again, and there is always one; the writer has its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_without_end_starve_no_writer() {
    let server = RedisServer::start();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = client(&server);
        readers.spawn(async move {
            loop {
                let held = take(&client, asked(Mode::Shared)).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                held.unlock().await.expect("a release");
            }
        });
    }
    let writer = client(&server);
    for _ in 0..5 {
        let held = take(&writer, asked(Mode::Exclusive)).await;
        let queue = writer.glance(KEY).await.expect("a queue");
        assert_eq!(queue.holders().len(), 1, "{queue:?}");
        held.unlock().await.expect("a release");
    }
    readers.shutdown().await;
}

/// Ordinary and not, in one queue with another tool: each in its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_mixed_queue_is_served_in_order() {
    let server = RedisServer::start();
    let one = client(&server);
    assert_eq!(server.cli(&["SET", KEY, "x", "NX", "PX", "60000"]), "OK");
    let modes = [
        Mode::Shared,
        Mode::Shared,
        Mode::Exclusive,
        Mode::OneOf(2),
        Mode::OneOf(2),
        Mode::OneOf(2),
        Mode::Shared,
    ];
    let mut waiting = Vec::new();
    for (number, mode) in modes.into_iter().enumerate() {
        waiting.push(queued(&server, &one, asked(mode), number + 1).await);
    }
    assert_eq!(server.cli(&["DEL", KEY]), "1");
    let mut waiting = waiting.into_iter();
    // Those who hold together, one group after the other.
    for group in [2, 1, 2, 1, 1] {
        let mut held = Vec::new();
        for waiter in waiting.by_ref().take(group) {
            held.push(turn(waiter).await);
        }
        let queue = one.queue(KEY).await.expect("a queue");
        assert_eq!(queue.holders().len(), group, "{queue:?}");
        for held in held {
            held.unlock().await.expect("a release");
        }
    }
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_those_whose_key_is_gone_is_of_no_account() {
    let server = RedisServer::start();
    let client = client(&server);
    let held = take(&client, asked(Mode::OneOf(2))).await;
    let set = server.cli(&["KEYS", "*:genlock:s"]);
    held.unlock().await.expect("a release");
    let dead = "7:99999999999999:0:2";
    server.cli(&["HSET", &set, "00000000000000000000000000000007", dead]);
    let all = [
        take(&client, asked(Mode::OneOf(2))).await,
        try_mode(&redis(&server, Options::default()), Mode::OneOf(2))
            .await
            .expect("two may hold"),
    ];
    assert_eq!(all.map(|held| held.grants()[0].index), [Some(0), Some(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_holders_outlive_their_ttl() {
    let server = RedisServer::start();
    // On a loaded machine no renewal may be answered for a second.
    let options = || Options::default().with_ttl(Duration::from_secs(3));
    let (one, other) = (redis(&server, options()), redis(&server, options()));
    let first = take(&one, asked(Mode::Shared)).await;
    let second = take(&other, asked(Mode::Shared)).await;
    let both = async { (first.lost().await, second.lost().await) };
    let lost = tokio::time::timeout(Duration::from_secs(7), both).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    assert!(first.is_held() && second.is_held());
    let alone: Arc<dyn Locker> = Arc::new(client(&server));
    drop((first, second));
    drop(lock(&alone, KEY).await);
    until_empty(&server).await;
}
