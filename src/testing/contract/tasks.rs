//! What the tasks of one client are to each other: for the lock of a key each is like anybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{ErrorKind, Held, Locker, Loss, Options};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::{Fixture, give_up, lock, observed, soon, spawn_lock, until_empty, until_waiting};

/// Waits for the lock, says by this name that it has it, and with which token, and releases it; alone
/// all the while.
fn take_a_turn(
    client: &Arc<dyn Locker>,
    name: (char, usize),
    inside: &Arc<AtomicUsize>,
    served: &UnboundedSender<((char, usize), u64)>,
) {
    let (client, inside, served) = (client.clone(), inside.clone(), served.clone());
    tokio::spawn(async move {
        let held = client.lock("/k").await.expect("a held lock");
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
        tokio::time::sleep(Duration::from_millis(2)).await;
        served.send((name, held.token())).expect("a test");
        inside.fetch_sub(1, Ordering::SeqCst);
        client.unlock(held).await.expect("a release");
    });
}

pub async fn one_clients_tasks_have_their_turns_in_the_order_of_asking(fixture: &impl Fixture) {
    const ASKED: [char; 8] = ['a', 'a', 'b', 'a', 'b', 'a', 'b', 'a'];
    let (options, mut of_a) = observed(Options::default());
    let a = fixture.client(options).await;
    let (options, mut of_b) = observed(Options::default());
    let b = fixture.client(options).await;
    let held = lock(&a, "/k").await;
    let (served, mut order) = unbounded_channel();
    let inside = Arc::default();
    for name in ASKED.into_iter().zip(0..) {
        let (client, events) = match name.0 {
            'a' => (&a, &mut of_a),
            _ => (&b, &mut of_b),
        };
        take_a_turn(client, name, &inside, &served);
        until_waiting(events).await;
    }
    assert!(order.try_recv().is_err(), "served while another holds");
    let mut last = held.token();
    a.unlock(held).await.expect("a release");
    let mut all = Vec::new();
    for _ in ASKED {
        let (name, token) = soon("a turn", order.recv()).await.expect("a task");
        assert!(token > last, "{token} after {last}");
        last = token;
        all.push(name);
    }
    if !a.capabilities().fifo {
        // Between two clients there is no order.
        all.sort_by_key(|name| name.0);
        assert!(all.is_sorted(), "{all:?}");
        all.sort_by_key(|name| name.1);
    }
    assert_eq!(all, ASKED.into_iter().zip(0..).collect::<Vec<_>>());
    until_empty(fixture).await;
}

/// Nobody waits for it, or for anything else.
async fn is_none(client: &Arc<dyn Locker>) {
    let start = Instant::now();
    assert!(client.try_lock("/k").await.expect("an answer").is_none());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

pub async fn a_try_is_none_while_another_task_holds_or_waits(fixture: &impl Fixture) {
    let (options, mut events) = observed(Options::default());
    let client = fixture.client(options).await;
    let other = fixture.client(Options::default()).await;
    let held = client.try_lock("/k").await.expect("an answer");
    let held = held.expect("a free lock");
    is_none(&client).await;
    is_none(&client).await;
    assert_eq!(held.ownership().loss(), None);
    until_waiting(&mut events).await;
    until_waiting(&mut events).await;
    client.unlock(held).await.expect("a release");

    let held = lock(&other, "/k").await;
    let waiting = spawn_lock(&client, "/k");
    until_waiting(&mut events).await;
    is_none(&client).await;
    other.unlock(held).await.expect("a release");
    let held = soon("a turn", waiting).await.expect("no panic");
    let held = held.expect("a held lock");
    is_none(&client).await;
    client.unlock(held).await.expect("a release");
    until_empty(fixture).await;
}

pub async fn a_try_is_none_while_another_task_is_next(fixture: &impl Fixture) {
    for _ in 0..5 {
        let (options, mut events) = observed(Options::default());
        let client = fixture.client(options).await;
        let held = lock(&client, "/k").await;
        let waiting = spawn_lock(&client, "/k");
        until_waiting(&mut events).await;
        drop(held);
        is_none(&client).await;
        let held = soon("a turn", waiting).await.expect("no panic");
        client
            .unlock(held.expect("a held lock"))
            .await
            .expect("a release");
    }
    until_empty(fixture).await;
}

pub async fn one_of_several_tries_has_a_dropped_lock(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    for _ in 0..10 {
        drop(lock(&client, "/k").await);
        let mut trying = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let client = client.clone();
            trying.spawn(async move { client.try_lock("/k").await });
        }
        let tried = soon("the answers", trying.join_all()).await;
        let tried = tried.into_iter().map(|tried| tried.expect("an answer"));
        assert_eq!(tried.flatten().collect::<Vec<_>>().len(), 1);
    }
    until_empty(fixture).await;
}

/// Each is waiting before the next one asks.
async fn three_waits<F: Fixture>(
    fixture: &F,
) -> (Arc<dyn Locker>, Held, Vec<JoinHandle<crate::Result<Held>>>) {
    let (options, mut events) = observed(Options::default());
    let client = fixture.client(options).await;
    let held = lock(&client, "/k").await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        waits.push(spawn_lock(&client, "/k"));
        until_waiting(&mut events).await;
    }
    (client, held, waits)
}

pub async fn a_task_that_gives_up_its_wait_disturbs_no_other(fixture: &impl Fixture) {
    for leaves in 0..3 {
        let (client, held, mut waits) = three_waits(fixture).await;
        give_up(waits.remove(leaves)).await;
        assert_eq!(held.ownership().loss(), None);
        is_none(&client).await;
        client.unlock(held).await.expect("a release");
        for (next, behind) in [(0, Some(1)), (1, None)] {
            let held = soon("a turn", &mut waits[next]).await.expect("no panic");
            if let Some(behind) = behind {
                assert!(!waits[behind].is_finished(), "two at a time");
            }
            let held = held.expect("a held lock");
            client.unlock(held).await.expect("a release");
        }
        let held = client.try_lock("/k").await.expect("an answer");
        drop(held.expect("a free lock"));
        until_empty(fixture).await;
    }
}

pub async fn all_tasks_end_with_their_client(fixture: &impl Fixture) {
    for _ in 0..5 {
        let (client, held, waits) = three_waits(fixture).await;
        let other = fixture.client(Options::default()).await;
        soon("a close", client.close())
            .await
            .expect("a closed client");
        let next = other.try_lock("/k").await.expect("an answer");
        let next = next.expect("a lock that none of them wants any more");
        assert_eq!(soon("a loss", held.lost()).await, Loss::Closed);
        for wait in waits {
            let ended = soon("an end", wait).await.expect("no panic");
            let error = ended.expect_err("no lock");
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        }
        other.unlock(next).await.expect("a release");
        until_empty(fixture).await;
    }
}
