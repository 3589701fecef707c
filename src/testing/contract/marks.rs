//! What a run leaves for those that come after. A store without marks refuses each of these.

use std::sync::Arc;
use std::time::Duration;

use crate::locker::marks::MAX_NAME;
use crate::{ErrorKind, Held, Locker, Mark, Marks, Options, Record};

use super::{Fixture, soon, until_empty};

/// Long enough for a test.
const KEEP: Duration = Duration::from_secs(60);

async fn lock(client: &Arc<dyn Marks>, key: &str) -> Held {
    soon(key, client.lock(key)).await.expect("a held lock")
}

/// What is done under this lock, in this slot.
fn mark(held: &Held, slot: &str) -> Mark {
    let by = Record::of_this_process();
    Mark::begun(slot, by, held).done(Duration::from_millis(1500))
}

/// As it was set, but for when it goes away.
fn is(read: &Mark, set: &Mark) -> bool {
    let expires_at = read.expires_at.clone();
    let set = Mark {
        expires_at,
        ..set.clone()
    };
    *read == set && !read.expires_at.is_empty()
}

/// A client of a store with marks; of another it is asked for one only.
async fn client(fixture: &impl Fixture) -> Option<Arc<dyn Marks>> {
    let client = fixture.marks(Options::default()).await;
    if client.capabilities().marks {
        return Some(client);
    }
    let held = lock(&client, "/k").await;
    for refused in [
        client.marked("/k", "n").await.err(),
        client.last_mark("/k").await.err(),
        client.set_mark(&held, &mark(&held, "n"), KEEP).await.err(),
        client.forget("/k", None).await.err(),
    ] {
        let kind = refused.expect("a store without marks refuses").kind();
        assert_eq!(kind, ErrorKind::Unsupported);
    }
    client.unlock(held).await.expect("a release");
    None
}

pub async fn a_mark_is_seen_without_a_lock_and_is_none(fixture: &impl Fixture) {
    let Some(one) = client(fixture).await else {
        return;
    };
    let other = fixture.marks(Options::default()).await;
    assert_eq!(other.marked("/k", "n").await.expect("an answer"), None);
    assert_eq!(other.last_mark("/k").await.expect("an answer"), None);
    let held = lock(&one, "/k").await;
    let set = mark(&held, "n");
    one.set_mark(&held, &set, KEEP).await.expect("a mark");
    let read = other.marked("/k", "n").await.expect("an answer");
    assert!(is(read.as_ref().expect("a mark"), &set), "{read:?}");
    assert_eq!(read.map(|read| read.token), Some(held.token()));
    for (key, name) in [("/k", "m"), ("/l", "n"), ("/k/n", "n"), ("/", "n")] {
        let none = other.marked(key, name).await.ok().flatten();
        assert_eq!(none, None, "{key} {name}");
    }
    let operator = fixture.operator().await;
    let queue = operator.queue("/k").await.expect("a queue");
    assert_eq!(queue.contenders.len(), 1, "{queue:?}");
    one.unlock(held).await.expect("a release");
    // It outlives the lock, and is in nobody's way: not even in that of a lock further up.
    let key = "/a/b";
    let held = lock(&one, key).await;
    one.set_mark(&held, &mark(&held, "n"), KEEP)
        .await
        .expect("a mark");
    one.unlock(held).await.expect("a release");
    assert_eq!(operator.list("").await.expect("a list"), []);
    for key in ["/k", "/a", key] {
        let held = other.try_lock(key).await.expect("an answer");
        let held = held.unwrap_or_else(|| panic!("{key} is held"));
        other.unlock(held).await.expect("a release");
    }
    for key in ["/k", key] {
        assert_eq!(other.forget(key, None).await.expect("an answer"), 1);
    }
    until_empty(fixture).await;
}

pub async fn the_last_mark_is_the_one_set_last(fixture: &impl Fixture) {
    let Some(client) = client(fixture).await else {
        return;
    };
    let last = async || {
        let last = client.last_mark("/k").await.expect("an answer");
        last.map(|mark| mark.slot)
    };
    let held = lock(&client, "/k").await;
    for name in ["b", "a", "c", "a"] {
        let set = mark(&held, name);
        client.set_mark(&held, &set, KEEP).await.expect("a mark");
        assert_eq!(last().await.as_deref(), Some(name));
    }
    // In place of what was there.
    let mut again = mark(&held, "b");
    again.by.command = "again".to_owned();
    client.set_mark(&held, &again, KEEP).await.expect("a mark");
    let read = client.marked("/k", "b").await.expect("an answer");
    assert!(is(&read.expect("a mark"), &again));
    client.unlock(held).await.expect("a release");
    let forget = async |name| client.forget("/k", name).await.expect("an answer");
    assert_eq!((forget(Some("b")).await, forget(Some("b")).await), (1, 0));
    assert_eq!(last().await.as_deref(), Some("a"));
    assert_eq!((forget(None).await, forget(None).await), (2, 0));
    assert_eq!(last().await, None);
    until_empty(fixture).await;
}

pub async fn who_lost_the_lock_does_not_mark(fixture: &impl Fixture) {
    let Some(client) = client(fixture).await else {
        return;
    };
    let refused = async |held: &Held| {
        let set = mark(held, "n");
        let refused = client.set_mark(held, &set, KEEP).await.expect_err("lost");
        assert_eq!(refused.kind(), ErrorKind::OwnershipLost, "{refused}");
        assert_eq!(client.marked("/k", "n").await.expect("an answer"), None);
    };
    // Whether its client knows already or not.
    let held = lock(&client, "/k").await;
    if fixture.delete(&held).await {
        refused(&held).await;
        soon("a loss", held.lost()).await;
        refused(&held).await;
    }
    drop(held);
    let held = lock(&client, "/k").await;
    if fixture.revoke(&held).await {
        refused(&held).await;
    }
    drop(held);
    // Not either while another holds it.
    let held = lock(&client, "/k").await;
    if fixture.delete(&held).await {
        let other = fixture.marks(Options::default()).await;
        let next = lock(&other, "/k").await;
        refused(&held).await;
        other.unlock(next).await.expect("a release");
    }
    drop(held);
    until_empty(fixture).await;
}

pub async fn a_mark_goes_away_by_itself(fixture: &impl Fixture) {
    let Some(client) = client(fixture).await else {
        return;
    };
    let held = lock(&client, "/k").await;
    let set = mark(&held, "n");
    let keep = Duration::from_secs(1);
    client.set_mark(&held, &set, keep).await.expect("a mark");
    client.unlock(held).await.expect("a release");
    soon("the end of a mark", async {
        while client.marked("/k", "n").await.expect("an answer").is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(client.last_mark("/k").await.expect("an answer"), None);
    // A store may keep what is over until the next one is set.
    let held = lock(&client, "/k").await;
    let next = mark(&held, "m");
    client.set_mark(&held, &next, KEEP).await.expect("a mark");
    client.unlock(held).await.expect("a release");
    assert_eq!(client.forget("/k", Some("m")).await.expect("an answer"), 1);
    until_empty(fixture).await;
}

pub async fn every_odd_name_is_a_mark_of_its_own(fixture: &impl Fixture) {
    let Some(client) = client(fixture).await else {
        return;
    };
    let long = "ü".repeat(MAX_NAME / 2);
    let names = [
        "a", "A", "a/b", "a%2Fb", ".", "..", "a b", "a\nb", "*", "[a]", "{a}", &long,
    ];
    let held = lock(&client, "/k ü").await;
    for name in names {
        let set = mark(&held, name);
        client.set_mark(&held, &set, KEEP).await.expect("a mark");
    }
    let read = async |name| client.marked("/k ü", name).await;
    for name in names {
        let mark = read(name).await.expect("an answer");
        assert_eq!(mark.expect("a mark").slot, name);
    }
    for name in ["", "a\0b", &"n".repeat(MAX_NAME + 1)] {
        let set = mark(&held, name);
        for refused in [
            read(name).await.err(),
            client.set_mark(&held, &set, KEEP).await.err(),
            client.forget("/k ü", Some(name)).await.err(),
        ] {
            let kind = refused.expect("refused").kind();
            assert_eq!(kind, ErrorKind::InvalidKey, "{name:?}");
        }
    }
    client.unlock(held).await.expect("a release");
    let forgotten = client.forget("/k ü", None).await.expect("an answer");
    assert_eq!(forgotten, names.len() as u64);
    until_empty(fixture).await;
}
