//! What an operator sees of locks, and does to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::locker::operator::{ChangeKind, Remaining, Removal, Scope};
use crate::locker::{Record, TakenAway};
use crate::{ErrorKind, Loss, Options};

use super::{Fixture, lock, soon, spawn_lock, until_empty};

/// Longer than the pause before a holder looks at what an operator wrote.
const SEEN: Duration = Duration::from_millis(500);

pub async fn an_operator_sees_the_holder(fixture: &impl Fixture) {
    let operator = fixture.operator().await;
    let queue = operator.queue("/k").await.expect("a queue");
    assert_eq!((queue.holder(), queue.waiters()), (None, &[][..]));
    let holder = Record {
        command: "backup".to_owned(),
        ..Record::of_this_process()
    };
    let options = Options::default().with_holder(holder);
    let client = fixture.client(options).await;
    let held = lock(&client, "/k").await;
    let queue = operator.queue("/k").await.expect("a queue");
    let shown = queue.holder().expect("a holder").clone();
    assert_eq!(shown.token, Some(held.token()));
    assert_eq!(Some(&*shown.owner_key), held.owner_key());
    let own = held.variables().iter();
    let own = own.filter(|(name, _)| name == "GENLOCK_HELD_LEASE");
    assert_eq!(shown.lease.as_ref(), own.map(|(_, value)| value).next());
    assert!(!shown.is_foreign());
    assert_eq!(shown.record.expect("a record").command, "backup");
    assert_eq!(queue.ttl.is_some(), held.ttl().is_some());
    let other = lock(&client, "/l/k").await;
    let keys = async |prefix| -> Vec<String> {
        let found = operator.list(prefix).await.expect("a list");
        found.into_iter().map(|queue| queue.key).collect()
    };
    assert_eq!(keys("").await, ["/k", "/l/k"]);
    assert_eq!(keys("/l").await, ["/l/k"]);
    assert!(keys("/l/k/").await.is_empty());
    let refused = operator.queue("").await.expect_err("no key");
    assert_eq!(refused.kind(), ErrorKind::InvalidKey);
    client.unlock(held).await.expect("a release");
    client.unlock(other).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn what_is_left_is_asked_for_by_the_token(fixture: &impl Fixture) {
    let operator = fixture.operator().await;
    let client = fixture.client(Options::default()).await;
    let held = lock(&client, "/k").await;
    let (own, token) = (
        held.owner_key().expect("an owner key").to_owned(),
        held.token(),
    );
    let before = held.deadline().map(|deadline| deadline.left());
    match operator.left(&own, token).await.expect("an answer") {
        Remaining::AtLeast(left) => {
            let end = before.expect("a deadline");
            assert!(left <= end, "{left:?}, but the deadline is {end:?} away");
            assert!(left + Duration::from_secs(2) > end, "{left:?} of {end:?}");
        }
        left => assert_eq!((left, held.ttl()), (Remaining::NoEnd, None)),
    }
    let other = operator.left(&own, token + 1).await;
    assert_eq!(other.expect("an answer"), Remaining::Nothing);
    client.unlock(held).await.expect("a release");
    let over = operator.left(&own, token).await;
    assert_eq!(over.expect("an answer"), Remaining::Nothing);
}

pub async fn a_lock_that_is_taken_away_is_lost(fixture: &impl Fixture) {
    let operator = fixture.operator().await;
    let client = fixture.client(Options::default()).await;
    let held = lock(&client, "/k").await;
    let by = TakenAway::by_this_process();
    let (own, token) = (
        held.owner_key().expect("an owner key").to_owned(),
        held.token(),
    );
    let stale = operator.take_away("/k", token + 1, &by, false).await;
    assert_eq!(stale.expect_err("nobody").kind(), ErrorKind::NotHeld);
    tokio::time::sleep(SEEN).await;
    assert_eq!(held.ownership().loss(), None);
    let taken = operator.take_away("/k", token, &by, false).await;
    assert_eq!(taken.expect("an answer"), Removal::Told);
    assert_eq!(soon("a loss", held.lost()).await, Loss::TakenAway);
    let left = operator.left(&own, token).await;
    assert_eq!(left.expect("an answer"), Remaining::Nothing);
    // The holder lets go itself, when its work has been stopped.
    let queue = operator.queue("/k").await.expect("a queue");
    let record = queue.holder().expect("a holder").record.clone();
    assert_eq!(record.expect("a record").taken_away, Some(by));
    let lost = client.unlock(held).await.expect_err("a lost lock");
    assert_eq!(lost.kind(), ErrorKind::OwnershipLost);
    soon("an end", operator.until_gone("/k", token))
        .await
        .expect("an end");
    soon("a free lock", operator.until_free("/k"))
        .await
        .expect("a free lock");
    until_empty(fixture).await;
}

/// Whose turn comes at the moment when it is sent away either has been removed before, and has to come anew,
/// or is a holder, and told: nobody else may start beside it.
pub async fn who_comes_to_hold_it_is_told_and_not_removed(fixture: &impl Fixture) {
    const ROUNDS: u64 = 20;
    let operator = fixture.operator().await;
    let client = fixture.client(Options::default()).await;
    if !client.capabilities().fifo {
        // It has no queue that others see.
        return;
    }
    let other = fixture.client(Options::default()).await;
    let by = TakenAway::by_this_process();
    for round in 0..ROUNDS {
        let held = lock(&client, "/k").await;
        let waiting = spawn_lock(&other, "/k");
        let token = soon("a waiter", async {
            loop {
                let queue = operator.queue("/k").await.expect("a queue");
                if let Some(waiter) = queue.waiters().first() {
                    break waiter.token.expect("a token");
                }
            }
        });
        let token = token.await;
        let release = async {
            // Tokio's own sleeps are of whole milliseconds.
            let pause = Duration::from_micros(100 * round);
            let paused = tokio::task::spawn_blocking(move || std::thread::sleep(pause));
            paused.await.expect("no panic");
            client.unlock(held).await.expect("a release");
        };
        let (taken, ()) = tokio::join!(operator.take_away("/k", token, &by, false), release);
        let taken = taken.expect("an answer");
        let held = soon("a turn", waiting).await.expect("no panic");
        let held = held.expect("a held lock");
        let is_it = held.token() == token;
        assert_eq!(taken == Removal::Told, is_it, "{taken:?}");
        // It may be lost by now.
        let _ = other.unlock(held).await;
    }
    until_empty(fixture).await;
}

pub async fn what_happens_is_told(fixture: &impl Fixture) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = fixture.client(Options::default()).await;
    let first = lock(&client, "/k").await;
    let operator = fixture.operator().await;
    let to = told.clone();
    let following = tokio::spawn(async move {
        let mut tell = |change: crate::locker::operator::Change<'_>| {
            let event = (change.key.to_owned(), change.contender.token, change.what);
            to.lock().expect("a lock").push(event);
        };
        operator.follow(Scope::Key("/k"), &mut tell).await
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
    let tokens = [first.token(), {
        client.unlock(first).await.expect("a release");
        until(2).await;
        let second = lock(&client, "/k").await;
        let token = second.token();
        until(3).await;
        client.unlock(second).await.expect("a release");
        token
    }];
    until(4).await;
    following.abort();
    let event = |at: usize, what| ("/k".to_owned(), Some(tokens[at]), what);
    let expected = [
        event(0, ChangeKind::Holds),
        event(0, ChangeKind::Released),
        event(1, ChangeKind::Acquired),
        event(1, ChangeKind::Released),
    ];
    assert_eq!(*told.lock().expect("a lock"), expected);
}
