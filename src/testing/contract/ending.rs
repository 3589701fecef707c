//! How holding ends: by release, by loss, at the TTL, or with the client.

use std::time::Duration;

use crate::clock::Instant;
use crate::locker::margin;
use crate::{ErrorKind, EventKind, Held, Loss, Options};

use super::{Fixture, give_up, lock, observed, soon, spawn_lock, until_empty, until_waiting};

/// Options whose locks end at their TTL.
fn not_renewed(ttl: u64) -> Options {
    Options::default()
        .with_ttl(Duration::from_secs(ttl))
        .with_auto_renew(false)
}

pub async fn an_unlocked_lock_is_free(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let mut token = 0;
    for client in [&one, &other, &one, &one] {
        let held = client.try_lock("/k").await.expect("an answer");
        let held = held.expect("a free lock");
        assert!(held.token() > token);
        token = held.token();
        client.unlock(held).await.expect("a release");
    }
    until_empty(fixture).await;
}

pub async fn a_dropped_lock_is_free(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    drop(lock(&one, "/k").await);
    let held = lock(&other, "/k").await;
    other.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn a_dropped_lock_is_free_for_its_own_client(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    for _ in 0..30 {
        drop(lock(&client, "/k").await);
        let held = client.try_lock("/k").await.expect("an answer");
        // While it is held it cannot be had twice.
        let twice = client.try_lock("/k").await.expect("an answer");
        assert!(twice.is_none());
        drop(held.expect("a lock that its own client has let go of"));
        // The same for a wait that is given up.
        let holding = lock(&other, "/k").await;
        let wait = tokio::time::timeout(Duration::from_millis(5), client.lock("/k"));
        assert!(wait.await.is_err());
        let held = client.try_lock("/k").await.expect("an answer");
        assert!(held.is_none());
        other.unlock(holding).await.expect("a release");
        let held = client.try_lock("/k").await.expect("an answer");
        let held = held.expect("a lock that its own client has let go of");
        client.unlock(held).await.expect("a release");
    }
    until_empty(fixture).await;
}

pub async fn an_unlock_that_is_given_up_goes_on(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    for round in 0..20 {
        let unlocking = client.unlock(lock(&client, "/k").await);
        // Before it has begun, and in its middle, if it has one.
        if round % 2 == 1 {
            tokio::select! {
                biased;
                released = unlocking => released.expect("a release"),
                () = tokio::task::yield_now() => {}
            }
        } else {
            drop(unlocking);
        }
        let held = client.try_lock("/k").await.expect("an answer");
        let held = held.expect("a lock that its own client has let go of");
        client.unlock(held).await.expect("a release");
    }
    until_empty(fixture).await;
}

/// What follows after a lock was taken away.
async fn is_lost(fixture: &impl Fixture, expected: Loss, options: Options, how: How) {
    let client = fixture.client(options).await;
    let held = lock(&client, "/k").await;
    assert_eq!(held.ownership().loss(), None);
    let taken_away = match how {
        How::Revoked => fixture.revoke(&held).await,
        How::Deleted => fixture.delete(&held).await,
    };
    if !taken_away {
        return;
    }
    let loss = tokio::time::timeout(Duration::from_millis(500), held.lost()).await;
    assert_eq!(loss.expect("a loss within 0.5 s"), expected);
    assert_eq!(held.deadline(), None);
    let error = client.unlock(held).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
    let held = lock(&client, "/k").await;
    client.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn a_released_lock_is_lost_at_once(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    for dropped in [false, true] {
        let held = lock(&client, "/k").await;
        let mut ownership = held.ownership();
        let (follower, waiting) = (ownership.clone(), spawn_lock(&other, "/k"));
        if dropped {
            drop(held);
        } else {
            client.unlock(held).await.expect("a release");
        }
        assert_eq!(ownership.loss(), Some(Loss::Released));
        assert_eq!(ownership.deadline(), None);
        assert_eq!(soon("an end", ownership.lost()).await, Loss::Released);
        let next = soon("a turn", waiting).await.expect("no panic");
        assert_eq!(follower.loss(), Some(Loss::Released), "two owners");
        other
            .unlock(next.expect("a lock"))
            .await
            .expect("a release");
    }
    // Refused, it is released all the same.
    let held = lock(&client, "/k").await;
    let ownership = held.ownership();
    let error = other.unlock(held).await.expect_err("another's");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    assert_eq!(ownership.loss(), Some(Loss::Released));
    until_empty(fixture).await;
}

pub async fn no_deadline_is_in_the_past(fixture: &impl Fixture) {
    let client = fixture.client(not_renewed(1)).await;
    let held = lock(&client, "/k").await;
    let deadline = held.deadline().expect("a deadline");
    // Without a task that could say so: the runtime's threads stand still.
    while Instant::now() <= deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(held.deadline(), None);
    assert_eq!(held.ownership().loss(), Some(Loss::Expired));
    let error = client.unlock(held).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
}

enum How {
    Revoked,
    Deleted,
}

pub async fn a_revoked_lease_is_a_loss(fixture: &impl Fixture) {
    is_lost(fixture, Loss::LeaseGone, Options::default(), How::Revoked).await;
}

pub async fn a_deleted_key_is_a_loss(fixture: &impl Fixture) {
    is_lost(fixture, Loss::KeyDeleted, Options::default(), How::Deleted).await;
    is_lost(fixture, Loss::KeyDeleted, not_renewed(10), How::Deleted).await;
}

/// Waits for the loss at the deadline, and gives the lock back, lost.
async fn expires(held: Held) -> Held {
    let ttl = held.ttl().expect("a TTL");
    let deadline = held.deadline().expect("a deadline");
    assert!(deadline.left() <= ttl.saturating_sub(margin(ttl)));
    assert!(deadline.left() + Duration::from_secs(1) > ttl.saturating_sub(margin(ttl)));
    assert_eq!(soon("a loss", held.lost()).await, Loss::Expired);
    let now = Instant::now();
    assert!(now >= deadline, "lost before its deadline");
    // On a loaded machine the news can come later than the margin.
    assert!(now < deadline + Duration::from_secs(1), "lost late");
    held
}

pub async fn without_renewal_it_is_lost_at_its_deadline(fixture: &impl Fixture) {
    let client = fixture.client(not_renewed(2)).await;
    let held = expires(lock(&client, "/k").await).await;
    let error = client.unlock(held).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
    let held = client.try_lock("/tried").await.expect("an answer");
    drop(expires(held.expect("a free lock")).await);
    until_empty(fixture).await;
}

pub async fn a_ttl_of_its_own_ends_it_too(fixture: &impl Fixture) {
    let client = fixture.client(not_renewed(60)).await;
    let held = client.lock_with_ttl("/k", Duration::from_secs(2)).await;
    drop(expires(held.expect("a held lock")).await);
}

pub async fn without_renewal_it_is_free_after_its_ttl(fixture: &impl Fixture) {
    let one = fixture.client(not_renewed(1)).await;
    let other = fixture.client(Options::default()).await;
    let lost = lock(&one, "/k").await;
    let end = lost.deadline().expect("a deadline") + margin(lost.ttl().expect("a TTL"));
    let held = lock(&other, "/k").await;
    assert!(Instant::now() >= end, "two at a time");
    assert!(
        Instant::now() < end + Duration::from_secs(5),
        "not free at its TTL's end"
    );
    assert!(held.token() > lost.token());
    // The first one's end must not touch the second one's lock, nor what it says of its holder.
    drop(lost);
    let (options, mut events) = observed(Options::default());
    let third = fixture.client(options).await;
    let waiting = spawn_lock(&third, "/k");
    let event = soon("an event", events.recv()).await;
    let holder = match event {
        Some(EventKind::Waiting { holder, .. }) => holder,
        event => panic!("{event:?}"),
    };
    assert_eq!(holder.map(|holder| holder.pid), Some(std::process::id()));
    give_up(waiting).await;
    other.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn it_outlives_its_ttl_many_times(fixture: &impl Fixture) {
    // A server that is starting on a loaded machine may not answer for a second.
    let ttl = Duration::from_secs(2);
    let options = Options::default().with_ttl(ttl);
    let client = fixture.client(options).await;
    let other = fixture.client(Options::default()).await;
    let held = lock(&client, "/k").await;
    let life = held.ttl().unwrap_or(ttl) * 4;
    let lost = tokio::time::timeout(life, held.lost()).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    assert!(other.try_lock("/k").await.expect("an answer").is_none());
    client.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn close_releases_and_refuses_further_calls(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let held = lock(&client, "/k").await;
    let ownership = held.ownership();
    soon("a close", client.close())
        .await
        .expect("a closed client");
    assert_eq!(soon("a loss", held.lost()).await, Loss::Closed);
    assert_eq!(ownership.loss(), Some(Loss::Closed));
    let next = other.try_lock("/k").await.expect("an answer");
    let next = next.expect("a free lock although the first is not dropped");

    for key in ["/k", "/other"] {
        let error = client.lock(key).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        let error = client.try_lock(key).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    let error = client.unlock(held).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
    soon("a close", client.close())
        .await
        .expect("nothing to do");

    let third = fixture.client(Options::default()).await;
    assert!(third.try_lock("/k").await.expect("an answer").is_none());
    other.unlock(next).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn close_ends_the_waiting(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let (options, mut events) = observed(Options::default());
    let client = fixture.client(options).await;
    let waiting = spawn_lock(&client, "/k");
    until_waiting(&mut events).await;
    soon("a close", client.close())
        .await
        .expect("a closed client");
    let error = soon("an end", waiting).await.expect("no panic");
    let error = error.expect_err("no lock");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    holder.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}
