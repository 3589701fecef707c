//! The locks of several keys at once: all or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::locker::{Request, TakenAway};
use crate::{ErrorKind, Loss, Options};

use super::modes::{able, release, take, tries, turn, waits};
use super::{Fixture, soon, until_empty};

pub async fn several_keys_are_held_all_or_none(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.several_keys).await else {
        return;
    };
    let other = fixture.client(Options::default()).await;
    let both = || Request::new("/a").also("/b");
    let in_the_way = take(&other, Request::new("/b")).await;
    assert!(tries(&client, both()).await.is_none());
    let first = tries(&other, Request::new("/a")).await;
    release([first.expect("nothing is left of the try")]).await;
    let waiting = waits(fixture, both()).await;
    assert!(tries(&other, Request::new("/a")).await.is_none());
    assert!(!waiting.is_finished());
    let before = in_the_way.token();
    release([in_the_way]).await;
    let held = turn(waiting).await;
    let keys: Vec<_> = held.grants().iter().map(|grant| &*grant.key).collect();
    assert_eq!(keys, ["/a", "/b"]);
    assert!(held.grants()[1].token > before, "{held}");
    for key in keys {
        assert!(tries(&other, Request::new(key)).await.is_none(), "{key}");
    }
    release([held]).await;
    for key in ["/a", "/b"] {
        release(tries(&other, Request::new(key)).await).await;
    }
    until_empty(fixture).await;
}

pub async fn several_keys_are_lost_together(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.several_keys).await else {
        return;
    };
    let (operator, by) = (fixture.operator().await, TakenAway::by_this_process());
    let both = || Request::new("/a").also("/b");
    let held = take(&client, both()).await;
    let second = held.grants()[1].clone();
    let taken = operator.take_away("/b", second.token, &by, false).await;
    taken.expect("an answer");
    assert_eq!(soon("a loss", held.lost()).await, Loss::TakenAway);
    let lost = held.unlock().await.expect_err("a lost lock");
    assert_eq!(lost.kind(), ErrorKind::OwnershipLost);
    let held = take(&client, both()).await;
    if fixture.delete(&held).await {
        assert_eq!(soon("a loss", held.lost()).await, Loss::KeyDeleted);
        drop(held);
        release([take(&client, both()).await]).await;
    } else {
        release([held]).await;
    }
    until_empty(fixture).await;
}

pub async fn no_order_of_keys_is_a_deadlock(fixture: &impl Fixture) {
    if able(fixture, |able| able.several_keys).await.is_none() {
        return;
    }
    let holders = Arc::new(AtomicU32::new(0));
    let mut running = JoinSet::new();
    for keys in [["/a", "/b"], ["/b", "/a"], ["/c", "/b"], ["/b", "/c"]] {
        let client = fixture.client(Options::default()).await;
        let holders = holders.clone();
        running.spawn(async move {
            for _ in 0..8 {
                let held = take(&client, Request::new(keys[0]).also(keys[1])).await;
                // All of them ask for /b.
                assert_eq!(holders.fetch_add(1, Ordering::Relaxed), 0);
                tokio::time::sleep(Duration::from_millis(1)).await;
                holders.fetch_sub(1, Ordering::Relaxed);
                release([held]).await;
            }
        });
    }
    while let Some(ended) = soon("all sections", running.join_next()).await {
        ended.expect("no panic");
    }
    until_empty(fixture).await;
}
