//! One holder a key, and only that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Options;

use super::{Fixture, lock, soon, until_empty};

/// Eight clients read a number and write the next one, which only the lock protects.
pub async fn no_update_is_lost_and_tokens_rise(fixture: &impl Fixture) {
    const CLIENTS: usize = 8;
    const SECTIONS: usize = 25;
    let counter = Arc::new(AtomicUsize::new(0));
    let tokens = Arc::new(Mutex::new(Vec::new()));

    let mut running = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let client = fixture.client(Options::default()).await;
        let (counter, tokens) = (counter.clone(), tokens.clone());
        running.spawn(async move {
            for _ in 0..SECTIONS {
                let held = client.lock("/count").await.expect("a held lock");
                let read = counter.load(Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
                counter.store(read + 1, Ordering::Relaxed);
                tokens.lock().expect("tokens").push(held.token());
                client.unlock(held).await.expect("a release");
            }
            client.close().await.expect("a closed client");
        });
    }
    tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(ended) = running.join_next().await {
            ended.expect("no panic");
        }
    })
    .await
    .expect("all sections within a minute");

    assert_eq!(counter.load(Ordering::Relaxed), CLIENTS * SECTIONS);
    let tokens = tokens.lock().expect("tokens").clone();
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
    until_empty(fixture).await;
}

pub async fn many_locks_of_one_client(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let mut taking = tokio::task::JoinSet::new();
    for number in 0..50 {
        let client = client.clone();
        taking.spawn(async move { client.lock(&format!("/many/{number}")).await });
    }
    let mut all = Vec::new();
    while let Some(held) = soon("fifty locks", taking.join_next()).await {
        all.push(held.expect("no panic").expect("a held lock"));
    }
    assert_eq!(all.len(), 50);
    let mut releasing = tokio::task::JoinSet::new();
    for held in all {
        let client = client.clone();
        releasing.spawn(async move { client.unlock(held).await });
    }
    while let Some(released) = soon("fifty releases", releasing.join_next()).await {
        released.expect("no panic").expect("a release");
    }
    until_empty(fixture).await;
}

pub async fn different_keys_do_not_block_each_other(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let _held = lock(&one, "/x").await;
    for key in ["/y", "/x/y", "x", "/x/y/z"] {
        let held = other.try_lock(key).await.expect("an answer");
        assert!(held.is_some(), "{key}");
    }
}

pub async fn every_odd_key_is_a_lock_of_its_own(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let long = "long/".repeat(819) + "k";
    assert_eq!(long.len(), crate::locker::MAX_KEY);
    let keys = [
        "a b",
        " a b",
        "a b ",
        "A B",
        ".",
        "..",
        "../a",
        "../../a",
        "/a/../b",
        "a\nb",
        "a\tb",
        "%",
        "%2F",
        "%252F",
        "~",
        "a.lock",
        "a",
        "Ärger",
        "Ä\u{308}rger",
        "\u{1f512}",
        "'",
        "\"",
        "\\",
        "$HOME",
        "*",
        "-n",
        &long,
        &long[1..],
    ];
    let mut all = Vec::new();
    for key in keys {
        let held = soon(key, one.try_lock(key)).await.expect("an answer");
        let held = held.unwrap_or_else(|| panic!("{key:?} shares the lock of another key"));
        assert_eq!(held.key(), key);
        all.push(held);
    }
    for held in &all {
        let second = soon(held.key(), other.try_lock(held.key())).await;
        assert!(second.expect("an answer").is_none(), "{:?}", held.key());
    }
}
