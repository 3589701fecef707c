//! How a lock is waited for, and how waiting ends.

use std::time::{Duration, Instant};

use crate::{EventKind, Options, Record};
use tokio::sync::mpsc::unbounded_channel;

use super::{Fixture, give_up, lock, observed, soon, spawn_lock, until_empty, until_waiting};

pub async fn first_come_first_served(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let (served, mut order) = unbounded_channel();
    for place in 0..5 {
        let (options, mut events) = observed(Options::default());
        let (client, served) = (fixture.client(options).await, served.clone());
        tokio::spawn(async move {
            let held = client.lock("/k").await.expect("a held lock");
            served.send(place).expect("the test to listen");
            client.unlock(held).await.expect("a release");
        });
        until_waiting(&mut events).await;
    }
    assert!(order.try_recv().is_err(), "served while another holds");
    holder.unlock(held).await.expect("a release");
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(soon("a turn", order.recv()).await.expect("a place"));
    }
    if !holder.capabilities().fifo {
        all.sort_unstable();
    }
    assert_eq!(all, [0, 1, 2, 3, 4]);
    until_empty(fixture).await;
}

pub async fn try_lock_does_not_wait(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let other = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let before = fixture.leftovers().await;
    assert!(!before.is_empty(), "the fixture sees no holder");
    let start = Instant::now();
    assert!(other.try_lock("/k").await.expect("an answer").is_none());
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    soon("the try to leave", async {
        while fixture.leftovers().await != before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    holder.unlock(held).await.expect("a release");
    until_empty(fixture).await;
    let held = other.try_lock("/k").await.expect("an answer");
    assert!(held.is_some(), "a try leaves no claim behind");
}

pub async fn a_dropped_wait_leaves_the_queue(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let before = fixture.leftovers().await;

    let (options, mut events) = observed(Options::default());
    let leaver = fixture.client(options).await;
    let leaving = spawn_lock(&leaver, "/k");
    until_waiting(&mut events).await;
    let (options, mut events) = observed(Options::default());
    let next = fixture.client(options).await;
    let waiting = spawn_lock(&next, "/k");
    until_waiting(&mut events).await;

    leaving.abort();
    assert!(leaving.await.expect_err("no lock").is_cancelled());
    leaver.close().await.expect("a closed client");
    holder.unlock(held).await.expect("a release");
    let held = soon("the next one's turn", waiting)
        .await
        .expect("no panic");
    assert_eq!(fixture.leftovers().await.len(), before.len());
    next.unlock(held.expect("a held lock"))
        .await
        .expect("a release");
    until_empty(fixture).await;
}

pub async fn a_waiter_learns_who_holds(fixture: &impl Fixture) {
    let mut options = Options::default();
    options.holder.command = "./backup.sh \u{1f512}".to_owned();
    options
        .holder
        .labels
        .insert("job".to_owned(), "17".to_owned());
    options.holder.reason = "\u{1f6e0}\n\"a freeze\"".to_owned();
    let expected = options.holder.clone();
    let holder = fixture.client(options).await;
    let held = lock(&holder, "/k").await;

    let (options, mut events) = observed(Options::default());
    let waiter = fixture.client(options).await;
    let waiting = spawn_lock(&waiter, "/k");
    let Some(EventKind::Waiting {
        holder: Some(record),
        ..
    }) = soon("an event", events.recv()).await
    else {
        panic!("no holder");
    };
    assert!(record.since.ends_with('Z'), "{}", record.since);
    assert_eq!(
        (record.pid, &record.command),
        (expected.pid, &expected.command)
    );
    assert_eq!(
        (&record.labels, &record.reason),
        (&expected.labels, &expected.reason)
    );
    give_up(waiting).await;
    drop(held);
}

pub async fn a_record_without_a_mode_is_the_holders_own(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let (options, mut events) = observed(Options::default().with_holder(Record {
        command: "./backup.sh".to_owned(),
        ..Record::default()
    }));
    let waiter = fixture.client(options).await;
    let waiting = spawn_lock(&waiter, "/k");
    until_waiting(&mut events).await;
    holder.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting).await.expect("no panic");
    let held = held.expect("a held lock");
    // It writes its record anew meanwhile.
    let lost = tokio::time::timeout(Duration::from_secs(1), held.lost()).await;
    assert!(lost.is_err(), "lost: {lost:?}");
    let queue = fixture.operator().await.queue("/k").await.expect("a queue");
    let record = queue.contenders[0].record.as_ref().expect("a record");
    assert_eq!(record.command, "./backup.sh");
    waiter.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}
