//! What is refused, each with its own kind and without a wait.

use std::sync::Arc;
use std::time::Duration;

use crate::{ErrorKind, Locker, Options};

use super::{Fixture, lock, soon, until_empty};

/// The kinds with which `lock` and `try_lock` refuse this key.
async fn refused(client: &Arc<dyn Locker>, key: &str) -> [Option<ErrorKind>; 2] {
    let locked = soon("an answer", client.lock(key)).await;
    let tried = soon("an answer", client.try_lock(key)).await;
    [
        locked.err().map(|error| error.kind()),
        tried.err().map(|error| error.kind()),
    ]
}

pub async fn keys_that_no_store_takes(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let long = "k".repeat(crate::locker::MAX_KEY + 1);
    for key in ["", "/", "locks/", "a\0b", &long] {
        let kinds = refused(&client, key).await;
        assert_eq!(kinds, [Some(ErrorKind::InvalidKey); 2], "{key:?}");
    }
    until_empty(fixture).await;
}

pub async fn a_ttl_that_is_too_short_or_too_long(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let too_long = crate::locker::MAX_TTL + Duration::from_secs(1);
    for ttl in [
        Duration::ZERO,
        Duration::from_millis(999),
        too_long,
        Duration::from_secs(1 << 63),
        Duration::MAX,
    ] {
        let error = client
            .lock_with_ttl("/k", ttl)
            .await
            .expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidTtl, "{error}");
        for auto_renew in [true, false] {
            let options = Options::default().with_ttl(ttl).with_auto_renew(auto_renew);
            let client = fixture.client(options).await;
            assert_eq!(
                refused(&client, "/k").await,
                [Some(ErrorKind::InvalidTtl); 2]
            );
        }
    }
    until_empty(fixture).await;
}

pub async fn a_ttl_that_is_not_in_whole_seconds(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let answer = client
        .lock_with_ttl("/k", Duration::from_millis(1500))
        .await;
    if client.capabilities().ttl_step == Duration::from_secs(1) {
        let error = answer.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidTtl, "{error}");
    } else {
        drop(answer.expect("a held lock"));
    }
}

pub async fn a_lock_of_another_client(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let held = lock(&one, "/k").await;
    let error = other.unlock(held).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::NotHeld, "{error}");
    // By then nobody has it any more, so it is released.
    until_empty(fixture).await;
}
