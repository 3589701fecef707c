//! Several holders of one lock beside all others who write into the Redis: other tools, operators, genlocks
//! that know of no modes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use genlock::locker::TakenAway;
use genlock::locker::operator::{Change, ChangeKind, Remaining, Removal, Scope};
use genlock::testing::contract::{soon, until_empty};
use genlock::{Held, Loss, Mode, Operator, Options};

use super::modes::{KEY, asked, client, queued, take, try_mode, turn};
use super::redis;
use crate::support::redis::RedisServer;

fn pttl(server: &RedisServer) -> i64 {
    server.cli(&["PTTL", KEY]).parse().expect("a number")
}

/// Waits for the end of what its holder may have lost.
async fn lost(held: &Held) -> Loss {
    soon("a loss", held.lost()).await
}

/// Each keeps the other out, as long as one of several holds.
#[tokio::test(flavor = "multi_thread")]
async fn set_nx_px_and_several_holders_keep_each_other_out() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let set = ["SET", KEY, "x", "NX", "PX", "60000"];
    for mode in [Mode::Shared, Mode::OneOf(2)] {
        let long = take(&one, asked(mode).with_ttl(Duration::from_secs(60))).await;
        let short = take(&other, asked(mode)).await;
        assert!(pttl(&server) > 50_000);
        assert_eq!(server.cli(&set), "");
        long.unlock().await.expect("a release");
        // No longer than the last of them.
        assert!((1..=10_001).contains(&pttl(&server)), "{}", pttl(&server));
        assert_eq!(server.cli(&set), "");
        short.unlock().await.expect("a release");
        assert_eq!(server.cli(&set), "OK");
        assert!(try_mode(&one, mode).await.is_none());
        let first = queued(&server, &one, asked(mode), 1).await;
        let second = queued(&server, &other, asked(mode), 2).await;
        assert_eq!(server.cli(&["DEL", KEY]), "1");
        drop((turn(first).await, turn(second).await));
        until_empty(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_lose_what_somebody_deletes_or_writes_over() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    for (command, loss) in [
        (&["DEL", KEY][..], Loss::KeyDeleted),
        (&["SET", KEY, "x"], Loss::KeyOverwritten),
        (&["FLUSHALL"], Loss::KeyDeleted),
    ] {
        let first = take(&one, asked(Mode::Shared)).await;
        let second = take(&other, asked(Mode::Shared)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.cli(command);
        assert_eq!((lost(&first).await, lost(&second).await), (loss, loss));
        drop((first, second));
        server.cli(&["DEL", KEY]);
        until_empty(&server).await;
    }
}

/// It is not told of the key, and others go on.
#[tokio::test(flavor = "multi_thread")]
async fn no_renewal_revives_one_of_several() {
    let server = RedisServer::start();
    let user = ["ACL", "SETUSER", "default", "-client|tracking"];
    assert_eq!(server.cli(&user), "OK");
    let options = || Options::default().with_ttl(Duration::from_secs(3));
    let (one, other) = (redis(&server, options()), redis(&server, options()));
    let first = take(&one, asked(Mode::Shared)).await;
    let second = take(&other, asked(Mode::Shared)).await;
    let own = first.owner_key().expect("an owner key");
    let id = own.rsplit(':').next().expect("an id");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.cli(&["HDEL", "{/k}:genlock:s", id]), "1");
    lost(&first).await;
    assert!(second.is_held());
    drop((first, second));
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_asks_one_of_several_to_let_go() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let first = take(&one, asked(Mode::OneOf(2))).await;
    let second = take(&other, asked(Mode::OneOf(2))).await;
    let queue = one.glance(KEY).await.expect("a queue");
    let indices: Vec<_> = queue.holders().iter().map(|one| one.index).collect();
    assert_eq!(indices, [Some(0), Some(1)]);
    assert_eq!(queue.holders()[0].locks(), Mode::OneOf(2));
    let own = second.owner_key().expect("an owner key").to_owned();
    let left = one.left(&own, second.token()).await.expect("an answer");
    assert!(matches!(left, Remaining::AtLeast(_)), "{left:?}");
    let left = one.left(&own, first.token()).await.expect("an answer");
    assert_eq!(left, Remaining::Nothing);
    let by = TakenAway::by_this_process();
    let told = one.take_away(KEY, second.token(), &by, false).await;
    assert_eq!(told.expect("an answer"), Removal::Told);
    assert_eq!(lost(&second).await, Loss::TakenAway);
    assert!(first.is_held());
    second.unlock().await.expect_err("it was lost");
    soon(
        "an end",
        one.until_gone(KEY, queue.holders()[1].token.expect("a token")),
    )
    .await
    .expect("an answer");
    let removed = one.take_away(KEY, first.token(), &by, true).await;
    assert_eq!(removed.expect("an answer"), Removal::Removed);
    lost(&first).await;
    soon("a free lock", one.until_free(KEY))
        .await
        .expect("an answer");
    drop(first);
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_stays_held_when_its_holder_is_gone() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let first = take(&one, asked(Mode::OneOf(2))).await;
    let second = take(&other, asked(Mode::OneOf(2))).await;
    let begun = std::time::Instant::now();
    let rest = Duration::from_secs(2);
    let (first, second) = (
        first.unlock_after(rest),
        second.unlock_after(Duration::from_secs(900)),
    );
    let (first, second) = tokio::join!(first, second);
    first.and(second).expect("locks that stay held");
    let queue = one.queue(KEY).await.expect("a queue");
    assert_eq!(queue.holders().len(), 2, "{queue:?}");
    let token = queue.holders()[1].token.expect("a token");
    assert!(
        queue.holders()[1]
            .record
            .as_ref()
            .is_some_and(|record| record.min_hold_ends_at.is_some())
    );
    let third = take(&one, asked(Mode::OneOf(2))).await;
    assert!(begun.elapsed() >= rest, "{:?}", begun.elapsed());
    assert_eq!(third.grants()[0].index, Some(0));
    let by = TakenAway::by_this_process();
    let removed = one.take_away(KEY, token, &by, false).await;
    assert_eq!(removed.expect("an answer"), Removal::Removed);
    assert!(third.is_held());
    drop(third);
    until_empty(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_several_is_told() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    let first = take(&one, asked(Mode::Shared)).await;
    let dead = Options::default().with_ttl(Duration::from_secs(2));
    let dead = redis(&server, dead.with_auto_renew(false));
    let told = Arc::new(Mutex::new(Vec::new()));
    let to = told.clone();
    let following = tokio::spawn(async move {
        let mut tell = |change: Change<'_>| {
            let mut told = to.lock().expect("a lock");
            told.push((change.contender.token, change.what));
        };
        other.follow(Scope::Key(KEY), &mut tell).await
    });
    let until = async |count: usize| {
        soon("news", async {
            while told.lock().expect("a lock").len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    };
    until(1).await;
    let second = take(&dead, asked(Mode::Shared)).await;
    until(2).await;
    let (a, b) = (Some(first.token()), Some(second.token()));
    // It runs out, and the other goes on.
    until(3).await;
    assert!(first.is_held());
    first.unlock().await.expect("a release");
    until(4).await;
    following.abort();
    let expected = [
        (a, ChangeKind::Holds),
        (b, ChangeKind::Acquired),
        (b, ChangeKind::Expired),
        (a, ChangeKind::Released),
    ];
    assert_eq!(*told.lock().expect("a lock"), expected);
}

/// What a genlock does that knows of no modes when it releases: the first who waits holds the lock alone.
const RELEASED_BY_AN_OLDER_ONE: &str = r"
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
redis.call('SET', KEYS[1], 'genlock:' .. first[2] .. ':' .. first[1], 'PX', 10000)
redis.call('HSET', KEYS[3], '@', first[1])
redis.call('ZREM', KEYS[2], first[1])
return redis.call('PUBLISH', '{/k}:genlock:' .. first[1], 'held ' .. first[2])";

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_genlock_gives_away_is_shared_then() {
    let server = RedisServer::start();
    let (one, other) = (client(&server), client(&server));
    for (mode, index) in [(Mode::Shared, None), (Mode::OneOf(2), Some(1))] {
        let value = "genlock:5:0123456789abcdef0123456789abcdef";
        assert_eq!(server.cli(&["SET", KEY, value, "PX", "60000"]), "OK");
        // They ask by themselves after a third of that.
        let request = || asked(mode).with_ttl(Duration::from_secs(60));
        let first = queued(&server, &one, request(), 1).await;
        let second = queued(&server, &other, request(), 2).await;
        let told_at = std::time::Instant::now();
        let keys = [KEY, "{/k}:genlock:q", "{/k}:genlock:r"];
        let told = [&["EVAL", RELEASED_BY_AN_OLDER_ONE, "3"], &keys[..]].concat();
        assert_eq!(server.cli(&told), "1");
        let (first, second) = (turn(first).await, turn(second).await);
        assert!(told_at.elapsed() < Duration::from_secs(10));
        assert_eq!(second.grants()[0].index, index);
        assert!(first.is_held() && second.is_held());
        first.unlock().await.expect("a release");
        second.unlock().await.expect("a release");
        until_empty(&server).await;
    }
}
