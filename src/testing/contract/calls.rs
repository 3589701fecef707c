//! What one call may say, and work under a lock.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::{ErrorKind, Hold, Locker, Options};

use super::{Fixture, lock, soon, until_empty};

pub async fn a_bounded_wait_ends_in_time_and_leaves_the_queue(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let held = lock(&one, "/k").await;
    for wait in [Duration::ZERO, Duration::from_millis(300)] {
        let begun = std::time::Instant::now();
        let waiting = other.request("/k").wait(wait).lock();
        let error = soon("an end", waiting).await.expect_err("it is held");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(error.to_string().starts_with("/k: "), "{error}");
        assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
        let trying = other.request("/k").wait(wait).try_lock();
        assert!(soon("an end", trying).await.expect("an answer").is_none());
    }
    // The call waits until the store has removed what was left behind.
    soon("a close", other.close())
        .await
        .expect("a closed client");
    let operator = fixture.operator().await;
    let queue = operator.queue("/k").await.expect("a queue");
    assert_eq!(queue.contenders.len(), 1, "{queue:?}");
    let waiting = fixture.client(Options::default()).await;
    let waiting = waiting.request("/k").wait(Duration::from_secs(60));
    let (held, released) = tokio::join!(soon("a turn", waiting.lock()), one.unlock(held));
    released.expect("a release");
    drop(held.expect("a held lock"));
    until_empty(fixture).await;
}

pub async fn a_label_is_seen_by_an_operator(fixture: &impl Fixture) {
    let mut options = Options::default();
    options.holder.labels = [("team", "a"), ("job", "none")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let client = fixture.client(options).await;
    let request = client.request("/k").label("job", "17").label("step", "b");
    let held = request.lock().await.expect("a held lock");
    let operator = fixture.operator().await;
    let queue = operator.queue("/k").await.expect("a queue");
    let holder = queue.holder().expect("a holder").record.clone();
    let labels = holder.expect("a record").labels;
    let labels: Vec<_> = labels.iter().map(|(k, v)| (&k[..], &v[..])).collect();
    assert_eq!(labels, [("job", "17"), ("step", "b"), ("team", "a")]);
    // The record is the holder's own for as long as it holds.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(held.is_held(), "{held:?}");
    client.unlock(held).await.expect("a release");
}

pub async fn work_has_the_lock_until_it_ends(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let mut tokens = Vec::new();
    for number in 0..3 {
        let work = async |held: &crate::Held| {
            let second = other.try_lock("/k").await.expect("an answer");
            assert!(second.is_none());
            tokens.push(held.token());
            number
        };
        let given = soon("an end", one.hold("/k", work)).await;
        assert_eq!(given.expect("a result"), number);
        let next = other.try_lock("/k").await.expect("an answer");
        next.expect("a free lock")
            .unlock()
            .await
            .expect("a release");
    }
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
    until_empty(fixture).await;
}

pub async fn work_that_panics_or_is_given_up_has_no_lock(fixture: &impl Fixture) {
    let one = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let client = one.clone();
    let panics = tokio::spawn(async move {
        let work = async |_: &crate::Held| panic!("a panic of the work's");
        client.hold("/k", work).await
    });
    assert!(
        soon("an end", panics)
            .await
            .expect_err("a panic")
            .is_panic()
    );
    drop(lock(&other, "/k").await);

    let (begun, began) = tokio::sync::oneshot::channel();
    let given_up = tokio::spawn(async move {
        let request = one.request("/k");
        let work = async |_: &crate::Held| {
            begun.send(()).expect("a test");
            pending::<()>().await
        };
        request.hold(work).await
    });
    soon("the work", began).await.expect("a beginning");
    let held = other.try_lock("/k").await.expect("an answer");
    assert!(held.is_none());
    given_up.abort();
    drop(lock(&other, "/k").await);
    until_empty(fixture).await;
}

pub async fn work_is_dropped_when_its_lock_is_lost(fixture: &impl Fixture) {
    /// Says when it is dropped.
    struct Worker(Arc<AtomicBool>);
    impl Drop for Worker {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let client = fixture.client(Options::default()).await;
    let gone = Arc::new(AtomicBool::new(false));
    let worker = Worker(gone.clone());
    let work = async |held: &crate::Held| {
        let _worker = worker;
        if fixture.delete(held).await {
            pending::<()>().await;
        }
    };
    match soon("a loss", client.hold("/k", work)).await {
        // There is nothing to delete in this store.
        Ok(()) => {}
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
            assert!(error.to_string().starts_with("/k: "), "{error}");
        }
    }
    assert!(gone.load(Ordering::Relaxed));
    drop(lock(&client, "/k").await);
    until_empty(fixture).await;
}
