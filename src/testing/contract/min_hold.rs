//! A lock that stays held for a time when its holder is gone. A store without that releases it at once.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;
use crate::locker::operator::{Remaining, Removal};
use crate::locker::{Held, TakenAway};
use crate::{ErrorKind, Locker, Options};

use super::{Fixture, lock, soon, spawn_lock, until_empty};

/// Longer than the TTL.
const REST: Duration = Duration::from_secs(3);

/// A client whose TTL is short, and a lock of it.
async fn holder(fixture: &impl Fixture) -> (Arc<dyn Locker>, Held) {
    let options = Options::default().with_ttl(Duration::from_secs(2));
    let client = fixture.client(options).await;
    let held = lock(&client, "/k").await;
    (client, held)
}

pub async fn it_stays_held_when_its_holder_is_gone(fixture: &impl Fixture) {
    let (client, held) = holder(fixture).await;
    let token = held.token();
    let other = fixture.client(Options::default()).await;
    let before = spawn_lock(&other, "/k");
    let begun = Instant::now();
    let left = held.unlock_after(REST).await;
    let took = Instant::now().since(begun);
    if !client.capabilities().min_hold {
        let kind = left.expect_err("a store that cannot refuses").kind();
        assert_eq!(kind, ErrorKind::Unsupported);
        let held = soon("a lock", before).await.expect("no panic");
        other
            .unlock(held.expect("a lock"))
            .await
            .expect("a release");
        return until_empty(fixture).await;
    }
    left.expect("a lock that stays held");
    assert!(took < REST, "{took:?}");
    client.close().await.expect("a closed client");
    let third = fixture.client(Options::default()).await;
    let tried = third.try_lock("/k").await.expect("an answer");
    assert!(tried.is_none());
    let queue = fixture.operator().await.queue("/k").await.expect("a queue");
    let seen = queue.holder().expect("a holder");
    assert_eq!(seen.token, Some(token));
    let record = seen.record.as_ref().expect("a record");
    assert!(record.min_hold_ends_at.is_some(), "{record:?}");
    assert!(
        queue
            .ttl
            .is_some_and(|ttl| ttl.left <= REST + Duration::from_secs(2))
    );
    // Who came before and who comes now, in their order.
    let after = spawn_lock(&third, "/k");
    let held = soon("a lock", before).await.expect("no panic");
    let held = held.expect("a lock");
    assert!(Instant::now().since(begun) >= REST);
    assert!(held.token() > token);
    other.unlock(held).await.expect("a release");
    let held = soon("a lock", after).await.expect("no panic");
    third
        .unlock(held.expect("a lock"))
        .await
        .expect("a release");
    until_empty(fixture).await;
}

pub async fn an_operator_ends_it(fixture: &impl Fixture) {
    let (client, held) = holder(fixture).await;
    if !client.capabilities().min_hold {
        return;
    }
    let token = held.token();
    // The longest that there is takes its place.
    let left = held.unlock_after(Duration::MAX).await;
    left.expect("a lock that stays held");
    let other = fixture.client(Options::default()).await;
    let waiting = spawn_lock(&other, "/k");
    let operator = fixture.operator().await;
    let by = TakenAway::by_this_process();
    let taken = operator.take_away("/k", token, &by, false).await;
    assert_eq!(taken.expect("an answer"), Removal::Removed);
    let held = soon("a lock", waiting).await.expect("no panic");
    other
        .unlock(held.expect("a lock"))
        .await
        .expect("a release");
    until_empty(fixture).await;
}

pub async fn a_lost_lock_does_not_stay_held(fixture: &impl Fixture) {
    let (client, held) = holder(fixture).await;
    if !client.capabilities().min_hold || !fixture.delete(&held).await {
        return;
    }
    let left = held.unlock_after(Duration::from_secs(600)).await;
    left.expect_err("a lost lock");
    let held = lock(&client, "/k").await;
    client.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn its_time_can_be_changed(fixture: &impl Fixture) {
    let (client, held) = holder(fixture).await;
    let (token, owner_key) = (
        held.token(),
        held.owner_key().unwrap_or_default().to_owned(),
    );
    let operator = fixture.operator().await;
    if !client.capabilities().min_hold {
        let refused = operator.extend("/k", &owner_key, token, REST).await;
        let kind = refused.expect_err("a store that cannot refuses").kind();
        assert_eq!(kind, ErrorKind::Unsupported);
        client.unlock(held).await.expect("a release");
        return until_empty(fixture).await;
    }
    // As long as its holder is there it is no business of others.
    let refused = operator.extend("/k", &owner_key, token, REST).await;
    assert_eq!(
        refused.expect_err("it is not left").kind(),
        ErrorKind::NotHeld
    );
    let left = held.unlock_after(Duration::from_secs(600)).await;
    left.expect("a lock that stays held");
    let found = operator.left(&owner_key, token).await.expect("an answer");
    let within = Duration::from_secs(500)..Duration::from_secs(601);
    assert!(
        matches!(found, Remaining::AtLeast(left) if within.contains(&left)),
        "{found:?}"
    );
    let other = operator.extend("/k", &owner_key, token + 1, REST).await;
    assert_eq!(other.expect_err("another token").kind(), ErrorKind::NotHeld);
    let extended = operator.extend("/k", &owner_key, token, Duration::from_secs(1200));
    extended.await.expect("a longer time");
    let found = operator.left(&owner_key, token).await.expect("an answer");
    assert!(
        matches!(found, Remaining::AtLeast(left) if left > Duration::from_secs(900)),
        "{found:?}"
    );
    let begun = Instant::now();
    let time = Duration::from_secs(1);
    let shorter = operator.extend("/k", &owner_key, token, time).await;
    shorter.expect("a shorter time");
    let held = lock(&client, "/k").await;
    assert!(Instant::now().since(begun) >= time);
    client.unlock(held).await.expect("a release");
    let found = operator.left(&owner_key, token).await.expect("an answer");
    assert_eq!(found, Remaining::Nothing);
    let gone = operator.extend("/k", &owner_key, token, REST).await;
    assert_eq!(gone.expect_err("it has ended").kind(), ErrorKind::NotHeld);
    until_empty(fixture).await;
}
