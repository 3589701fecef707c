//! The last runs of a key, which a store keeps beside the lock.

use std::sync::Arc;
use std::time::SystemTime;

use crate::locker::PastRun;
use crate::{ErrorKind, History, Options, Record, RunReport};

use super::{Fixture, lock};

/// The store's history, if it says that it has one.
async fn historian(fixture: &impl Fixture) -> Option<Arc<dyn History>> {
    let client = fixture.client(Options::default()).await;
    let historian = fixture.historian().await;
    assert_eq!(historian.is_some(), client.capabilities().history);
    historian
}

/// A run of `key` with this token.
fn run(key: &str, token: u64) -> PastRun {
    let mut report = RunReport::new(key, SystemTime::now());
    report.token = Some(token);
    PastRun::new(report, Record::of_this_process())
}

/// The same run, over.
fn over(begun: &PastRun, status: u8) -> PastRun {
    let mut run = begun.clone();
    run.report.status = Some(status);
    run.report.end(SystemTime::now());
    run
}

pub async fn the_last_runs_are_kept_in_their_order(fixture: &impl Fixture) {
    let Some(history) = historian(fixture).await else {
        return;
    };
    let kept = async || history.history("/k").await.expect("a history");
    assert_eq!(kept().await, []);
    let mut all = Vec::new();
    // As many digits as tokens have in some stores, and one more in the last of them.
    for token in [
        9_998,
        9_999,
        10_000,
        1_764_000_000_000_000,
        1_764_000_000_000_001,
    ] {
        let begun = run("/k", token);
        let surplus = history.begin(&begun, 3).await.expect("a beginning");
        let read = kept().await;
        assert_eq!(read.last(), Some(&begun), "the beginning is read");
        let ended = over(&begun, (token % 7) as u8);
        history.end(&ended, &surplus).await.expect("an end");
        all.push(ended);
        let newest = all.len().saturating_sub(3);
        assert_eq!(kept().await, all[newest..]);
    }
    assert_eq!(history.history("/k/l").await.expect("a history"), []);
    // One whose beginning was not written, and who keeps fewer.
    let alone = over(&run("/k", 1_764_000_000_000_002), 1);
    history.end(&alone, &[]).await.expect("an end");
    assert_eq!(kept().await.last(), Some(&alone));
    let fewer = run("/k", 1_764_000_000_000_003);
    let surplus = history.begin(&fewer, 1).await.expect("a beginning");
    history.end(&fewer, &surplus).await.expect("an end");
    assert_eq!(kept().await, [fewer]);
    let refused = history.history("").await.expect_err("no key");
    assert_eq!(refused.kind(), ErrorKind::InvalidKey);
}

/// It may come late: it is written while the command runs already.
pub async fn a_beginning_changes_no_end(fixture: &impl Fixture) {
    let Some(history) = historian(fixture).await else {
        return;
    };
    let begun = run("/k", 7);
    let ended = over(&begun, 3);
    history.end(&ended, &[]).await.expect("an end");
    history.begin(&begun, 3).await.expect("a beginning");
    assert_eq!(history.history("/k").await.expect("a history"), [ended]);
}

pub async fn runs_are_no_locks(fixture: &impl Fixture) {
    let Some(history) = historian(fixture).await else {
        return;
    };
    let client = fixture.client(Options::default()).await;
    let operator = fixture.operator().await;
    let held = lock(&client, "/k").await;
    let begun = run("/k", held.token());
    let surplus = history.begin(&begun, 3).await.expect("a beginning");
    let listed = operator.list("").await.expect("a list");
    let keys: Vec<_> = listed.iter().map(|queue| &*queue.key).collect();
    assert_eq!((keys, listed[0].contenders.len()), (vec!["/k"], 1));
    history
        .end(&over(&begun, 0), &surplus)
        .await
        .expect("an end");
    client.unlock(held).await.expect("a release");
    assert_eq!(operator.list("").await.expect("a list"), []);
    let next = client.try_lock("/k").await.expect("an answer");
    client
        .unlock(next.expect("a free lock"))
        .await
        .expect("a release");
    assert_eq!(history.history("/k").await.expect("a history").len(), 1);
}
