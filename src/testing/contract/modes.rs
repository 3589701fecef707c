//! Who holds a lock beside whom: shared, or up to so many; and who waits by which policy.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use crate::locker::{Mode, QueuePolicy, Request, TakenAway};
use crate::{Capabilities, ErrorKind, Held, Locker, Loss, Options, Result};

use super::{Fixture, give_up, observed, soon, until_empty, until_waiting};

/// Long enough to see that somebody goes on waiting.
const WAITS: Duration = Duration::from_millis(200);

fn exclusive() -> Request {
    Request::new("/k")
}

fn shared() -> Request {
    Request::new("/k").with_mode(Mode::Shared)
}

fn one_of(holders: u32) -> Request {
    Request::new("/k").with_mode(Mode::OneOf(holders))
}

fn latest() -> Request {
    Request::new("/k").with_queue(QueuePolicy::Latest)
}

/// A new client, if the store can do that.
pub(super) async fn able(
    fixture: &impl Fixture,
    needed: fn(&Capabilities) -> bool,
) -> Option<Arc<dyn Locker>> {
    let client = fixture.client(Options::default()).await;
    needed(client.capabilities()).then_some(client)
}

pub(super) async fn take(client: &Arc<dyn Locker>, request: Request) -> Held {
    let taken = soon("a lock", client.acquire(request)).await;
    taken.expect("an answer").expect("a held lock")
}

pub(super) async fn tries(client: &Arc<dyn Locker>, request: Request) -> Option<Held> {
    let taken = soon("an answer", client.acquire(request.without_waiting())).await;
    taken.expect("an answer")
}

/// Another client that waits for the lock, which it is seen to do.
pub(super) async fn waits(fixture: &impl Fixture, request: Request) -> JoinHandle<Result<Held>> {
    let (options, mut events) = observed(Options::default());
    let client = fixture.client(options).await;
    let waiting = tokio::spawn(async move {
        let held = client.acquire(request).await?;
        Ok(held.expect("it waits"))
    });
    until_waiting(&mut events).await;
    waiting
}

pub(super) async fn turn(waiting: JoinHandle<Result<Held>>) -> Held {
    let held = soon("a turn", waiting).await.expect("no panic");
    held.expect("a held lock")
}

pub(super) async fn release(all: impl IntoIterator<Item = Held>) {
    for held in all {
        held.unlock().await.expect("a release");
    }
}

pub async fn what_a_store_cannot_do_is_refused(fixture: &impl Fixture) {
    let client = fixture.client(Options::default()).await;
    let able = client.capabilities();
    for (can, request) in [
        (able.shared, shared()),
        (able.several_holders, one_of(2)),
        (able.several_keys, exclusive().also("/l")),
        (able.latest, latest()),
    ] {
        let said = request.to_string();
        let taken = soon("an answer", client.acquire(request)).await;
        match taken {
            Ok(held) => assert!(can && held.is_some(), "{said}"),
            Err(error) => {
                assert!(!can, "{said}: {error}");
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            }
        }
    }
    client.close().await.expect("a closed client");
    until_empty(fixture).await;
}

pub async fn who_shares_holds_together_and_keeps_a_writer_out(fixture: &impl Fixture) {
    let Some(one) = able(fixture, |able| able.shared).await else {
        return;
    };
    let other = fixture.client(Options::default()).await;
    let first = take(&one, shared()).await;
    let second = take(&other, shared()).await;
    let third = tries(&one, shared()).await.expect("a held lock");
    assert!(first.token() < second.token() && second.token() < third.token());
    assert!(tries(&other, exclusive()).await.is_none());
    release([first, third]).await;
    assert!(tries(&one, exclusive()).await.is_none());
    assert!(second.is_held());
    release([second]).await;
    let writer = take(&one, exclusive()).await;
    assert!(tries(&other, shared()).await.is_none());
    let waiting = waits(fixture, shared()).await;
    release([writer]).await;
    release([turn(waiting).await]).await;
    until_empty(fixture).await;
}

pub async fn a_waiting_writer_is_not_starved(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.shared && able.fifo).await else {
        return;
    };
    let reader = take(&client, shared()).await;
    let writing = waits(fixture, exclusive()).await;
    assert!(tries(&client, shared()).await.is_none());
    let reading = waits(fixture, shared()).await;
    tokio::time::sleep(WAITS).await;
    assert!(!writing.is_finished() && !reading.is_finished());
    release([reader]).await;
    let writer = turn(writing).await;
    tokio::time::sleep(WAITS).await;
    assert!(!reading.is_finished());
    release([writer]).await;
    release([turn(reading).await]).await;
    until_empty(fixture).await;
}

/// More clients than may hold, each of them again and again.
pub async fn no_more_hold_than_may_and_each_has_its_index(fixture: &impl Fixture) {
    const HOLDERS: u32 = 3;
    if able(fixture, |able| able.several_holders).await.is_none() {
        return;
    }
    let most = Arc::new(AtomicU32::new(0));
    let taken = Arc::new(Mutex::new(BTreeSet::new()));
    let mut running = JoinSet::new();
    for _ in 0..6 {
        let client = fixture.client(Options::default()).await;
        let (most, taken) = (most.clone(), taken.clone());
        running.spawn(async move {
            for _ in 0..6 {
                let held = take(&client, one_of(HOLDERS)).await;
                let index = held.grants()[0].index.expect("an index");
                let holders = {
                    let mut taken = taken.lock().expect("no panic");
                    assert!(taken.insert(index), "{index} twice");
                    taken.len() as u32
                };
                assert!(index < HOLDERS && holders <= HOLDERS, "{holders}");
                most.fetch_max(holders, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
                assert!(taken.lock().expect("no panic").remove(&index));
                release([held]).await;
            }
            client.close().await.expect("a closed client");
        });
    }
    while let Some(ended) = soon("all sections", running.join_next()).await {
        ended.expect("no panic");
    }
    assert!(most.load(Ordering::Relaxed) > 1, "never two at a time");
    until_empty(fixture).await;
}

/// Also when holders die, and two come to hold at once.
pub async fn all_who_hold_have_different_indexes(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.several_holders).await else {
        return;
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(take(&client, one_of(3)).await);
    }
    assert_eq!(indexes(&held), BTreeSet::from([0, 1, 2]));
    assert!(tries(&client, one_of(3)).await.is_none());
    assert!(tries(&client, exclusive()).await.is_none());
    let waiting = [
        waits(fixture, one_of(3)).await,
        waits(fixture, one_of(3)).await,
    ];
    let dies = held.remove(1);
    if fixture.delete(&dies).await {
        soon("a loss", dies.lost()).await;
    }
    let ends = held.remove(0);
    tokio::join!(async { drop(dies) }, release([ends]));
    for one in waiting {
        held.push(turn(one).await);
    }
    assert_eq!(indexes(&held), BTreeSet::from([0, 1, 2]));
    release(held).await;
    until_empty(fixture).await;
}

fn indexes(all: &[Held]) -> BTreeSet<u32> {
    let each = all.iter().map(|held| held.grants()[0].index);
    each.map(|index| index.expect("an index")).collect()
}

pub async fn another_number_of_holders_is_refused(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.several_holders).await else {
        return;
    };
    let other = fixture.client(Options::default()).await;
    let held = take(&client, one_of(2)).await;
    for request in [one_of(3), one_of(3).without_waiting()] {
        let refused = soon("an answer", other.acquire(request)).await;
        let refused = refused.expect_err("a refusal");
        assert_eq!(refused.kind(), ErrorKind::OtherMaxHolders, "{refused}");
        let line = refused.to_string();
        assert!(line.contains('2') && line.contains('3'), "{line}");
    }
    assert!(held.is_held());
    release([held]).await;
    release([take(&other, one_of(3)).await]).await;
    until_empty(fixture).await;
}

pub async fn the_latest_sends_older_ones_away_and_no_holder(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.latest).await else {
        return;
    };
    let holder = take(&client, latest()).await;
    let older = waits(fixture, latest()).await;
    let between = waits(fixture, exclusive()).await;
    let newer = waits(fixture, latest()).await;
    let superseded = soon("an end", older).await.expect("no panic");
    let superseded = superseded.expect_err("a newer one came");
    assert_eq!(superseded.kind(), ErrorKind::Superseded, "{superseded}");
    tokio::time::sleep(WAITS).await;
    assert!(holder.is_held() && !between.is_finished() && !newer.is_finished());
    release([holder]).await;
    release([turn(between).await]).await;
    release([turn(newer).await]).await;
    until_empty(fixture).await;
}

pub async fn a_queue_of_all_modes_is_served_in_its_order(fixture: &impl Fixture) {
    let needed = |able: &Capabilities| able.shared && able.several_holders && able.fifo;
    let Some(client) = able(fixture, needed).await else {
        return;
    };
    let mut holds = vec![take(&client, exclusive()).await];
    let mut queue = Vec::new();
    let waves: [Vec<Request>; 5] = [
        vec![shared(), shared()],
        vec![one_of(2), one_of(2)],
        vec![exclusive()],
        vec![shared()],
        vec![one_of(2)],
    ];
    for wave in waves {
        let mut waiting = Vec::new();
        for request in wave {
            waiting.push(waits(fixture, request).await);
        }
        queue.push(waiting);
    }
    let mut queue = queue.into_iter();
    while let Some(wave) = queue.next() {
        release(holds.drain(..)).await;
        for one in wave {
            holds.push(turn(one).await);
        }
        let mut behind = queue.as_slice().iter().flatten();
        assert!(behind.all(|one| !one.is_finished()));
        let tokens: Vec<_> = holds.iter().map(Held::token).collect();
        assert!(tokens.is_sorted(), "{tokens:?}");
    }
    release(holds).await;
    until_empty(fixture).await;
}

pub async fn an_operator_sees_all_holders_and_hits_one(fixture: &impl Fixture) {
    let Some(client) = able(fixture, |able| able.shared && able.waiters_visible).await else {
        return;
    };
    let operator = fixture.operator().await;
    let [one, other] = [take(&client, shared()).await, take(&client, shared()).await];
    let writing = waits(fixture, exclusive()).await;
    let queue = operator.queue("/k").await.expect("a queue");
    let tokens: Vec<_> = queue.holders().iter().map(|one| one.token).collect();
    assert_eq!(tokens, [Some(one.token()), Some(other.token())]);
    assert_eq!(queue.waiters().len(), 1);
    let glance = operator.glance("/k").await.expect("a queue");
    assert_eq!(glance.holders().len(), 2);
    let found = operator.list("/k").await.expect("a list");
    assert_eq!(found[0].holders().len(), 2);
    for token in [one.token(), other.token()] {
        let holder = if token == one.token() { &one } else { &other };
        let own = holder.owner_key().expect("an owner key");
        let left = operator.left(own, token).await.expect("an answer");
        assert_ne!(left, crate::locker::operator::Remaining::Nothing);
    }
    let by = TakenAway::by_this_process();
    let taken = operator.take_away("/k", other.token(), &by, false).await;
    taken.expect("an answer");
    assert_eq!(soon("a loss", other.lost()).await, Loss::TakenAway);
    tokio::time::sleep(WAITS).await;
    assert!(one.is_held() && !writing.is_finished());
    drop(other);
    give_up(writing).await;
    release([one]).await;
    until_empty(fixture).await;
}
