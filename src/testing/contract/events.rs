//! What is told of a lock's life.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{Event, EventKind, Held, Loss, Options};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Fixture, lock, soon, spawn_lock};

/// Options whose client says all that happens to it, with the times.
fn followed(options: Options) -> (Options, UnboundedReceiver<Event>) {
    let (events, received) = unbounded_channel();
    let options = options.with_observer(move |event| {
        let _ = events.send(event.clone());
    });
    (options, received)
}

/// What comes next.
async fn next(events: &mut UnboundedReceiver<Event>) -> Event {
    let next = soon("an event", events.recv()).await;
    next.expect("a client")
}

pub async fn a_life_is_told_in_order(fixture: &impl Fixture) {
    let holder = fixture.client(Options::default()).await;
    let held = lock(&holder, "/k").await;
    let (options, mut events) = followed(Options::default().with_ttl(Duration::from_secs(3)));
    let client = fixture.client(options).await;
    let waiting = spawn_lock(&client, "/k");
    let mut all = vec![next(&mut events).await];
    holder.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting).await.expect("no panic");
    let held = held.expect("a lock");
    all.push(next(&mut events).await);
    let EventKind::Granted {
        token, deadline, ..
    } = all[1].what
    else {
        panic!("{all:?}");
    };
    assert_eq!(token, held.token());
    if client.capabilities().expires {
        let mut before = deadline.expect("a deadline");
        for _ in 0..2 {
            all.push(next(&mut events).await);
            let Some(EventKind::Renewed(deadline)) = all.last().map(|event| &event.what) else {
                panic!("{all:?}");
            };
            assert!(*deadline > before);
            before = *deadline;
        }
    }
    client.unlock(held).await.expect("a release");
    all.push(next(&mut events).await);
    let names: Vec<_> = all.iter().map(|event| event.what.name()).collect();
    let between = names.len() - 3;
    assert_eq!(names[..2], ["waiting", "granted"]);
    assert_eq!(names[2..names.len() - 1], vec!["renewed"; between]);
    assert_eq!(names.last(), Some(&"released"));
    assert!(all.is_sorted_by_key(|event| event.boot), "{all:?}");
    assert!(all.is_sorted_by_key(|event| event.at), "{all:?}");
    assert!(all.iter().all(|event| event.key.as_deref() == Some("/k")));
    client.close().await.expect("a closed client");
    assert!(events.try_recv().is_err(), "it had ended");
}

/// A machine that is loaded is late at times, a store that tells too late always.
pub async fn a_loss_is_told_when_it_happens(fixture: &impl Fixture) {
    let mut late = Vec::new();
    // The deadline of a lock of four seconds is three tenths before its end.
    while late
        .last()
        .is_none_or(|&late| late >= Duration::from_millis(250))
    {
        assert!(late.len() < 3, "{late:?}");
        late.push(told_after_the_deadline(fixture).await);
    }
}

async fn told_after_the_deadline(fixture: &impl Fixture) -> Duration {
    let options = Options::default()
        .with_ttl(Duration::from_secs(4))
        .with_auto_renew(false);
    let (options, mut events) = followed(options);
    let client = fixture.client(options).await;
    let held = lock(&client, "/k").await;
    let granted = next(&mut events).await;
    let EventKind::Granted { deadline, .. } = granted.what else {
        panic!("{granted:?}");
    };
    let lost = next(&mut events).await;
    assert!(
        matches!(lost.what, EventKind::Lost(Loss::Expired)),
        "{lost:?}"
    );
    let late = lost.boot.since(deadline.expect("a deadline"));
    assert!(client.unlock(held).await.is_err());
    client.close().await.expect("a closed client");
    assert!(
        events.try_recv().is_err(),
        "a lock that is lost is not released"
    );
    late
}

pub async fn an_observer_may_do_with_the_lock_what_it_likes(fixture: &impl Fixture) {
    let kept: Arc<Mutex<Option<Held>>> = Arc::default();
    let to_drop = kept.clone();
    let (told, mut events) = unbounded_channel();
    let options = Options::default()
        .with_ttl(Duration::from_secs(2))
        .with_auto_renew(false)
        .with_observer(move |event| {
            if let EventKind::Lost(_) = event.what {
                let held = to_drop.lock().expect("no panic").take();
                let held = held.expect("a lock");
                assert!(!held.is_held());
                drop(held);
            }
            let _ = told.send(event.what.name());
        });
    let client = fixture.client(options).await;
    *kept.lock().expect("no panic") = Some(lock(&client, "/k").await);
    for expected in ["granted", "lost"] {
        assert_eq!(soon(expected, events.recv()).await, Some(expected));
    }
}
