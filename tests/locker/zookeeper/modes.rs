//! Who shares with whom: with readers of other tools too, and beside nobody of whom nothing is known.

use std::time::Duration;

use genlock::locker::operator::Contender;
use genlock::locker::{Mode, QueuePolicy, Request};
use genlock::testing::contract::Fixture;
use genlock::{Held, Locker, Operator, Options, ZooKeeper};

use super::client_of;
use crate::support::zookeeper::{Asked, Chroot};

/// Ephemeral, with the next number, as CreateMode.java has it.
const SEQUENTIAL: i32 = 3;

fn shared() -> Request {
    Request::new("/k").with_mode(Mode::Shared)
}

fn in_layout(chroot: &Chroot, layout: &str) -> ZooKeeper {
    client_of(format!("{}?layout={layout}", chroot.endpoint()))
}

async fn take(client: &ZooKeeper, request: Request) -> Held {
    let taken = client.acquire(request).await.expect("an answer");
    taken.expect("a lock")
}

async fn tries(client: &ZooKeeper, request: Request) -> Option<Held> {
    let tried = client.acquire(request.without_waiting()).await;
    tried.expect("an answer")
}

/// One of another tool, with a node that begins so, for as long as this lives.
fn other(chroot: &Chroot, name: &str) -> Asked {
    let mut asked = chroot.server.asked();
    let path = format!("{}/k/{name}", chroot.path);
    asked.create(&path, b"10.0.0.1", SEQUENTIAL);
    asked
}

#[tokio::test]
async fn readers_of_other_tools_share_and_nobody_else_does() {
    let chroot = Chroot::of_the_shared();
    let client = client_of(chroot.endpoint());
    take(&client, shared())
        .await
        .unlock()
        .await
        .expect("a release");
    for (name, shares) in [
        ("_c_x-__READ__", true),
        ("x__rlock__", true),
        ("_c_x-__WRIT__", false),
        ("_c_x-lock-", false),
        ("x__lock__", false),
        ("x-1-", false),
    ] {
        let other = other(&chroot, name);
        assert!(tries(&client, Request::new("/k")).await.is_none(), "{name}");
        let one_of = Request::new("/k").with_mode(Mode::OneOf(2));
        assert!(tries(&client, one_of).await.is_none(), "{name}");
        let held = tries(&client, shared()).await;
        assert_eq!(held.is_some(), shares, "{name}");
        let queue = client.queue("/k").await.expect("a queue");
        assert_eq!(queue.holders().len(), 1 + usize::from(shares), "{name}");
        drop(other);
        if let Some(held) = held {
            held.unlock().await.expect("a release");
        }
    }
}

#[tokio::test]
async fn readers_of_every_layout_share_and_keep_writers_out() {
    let chroot = Chroot::of_the_shared();
    let layouts = ["curator", "curator-rw", "kazoo"];
    let mut holds = Vec::new();
    for layout in layouts {
        holds.push(take(&in_layout(&chroot, layout), shared()).await);
    }
    let clients = layouts.map(|layout| in_layout(&chroot, layout));
    for client in &clients {
        assert!(tries(client, Request::new("/k")).await.is_none());
    }
    for held in holds {
        assert!(held.is_held());
        held.unlock().await.expect("a release");
    }
    let [one, other, _] = &clients;
    let writer = take(one, Request::new("/k")).await;
    assert!(tries(other, shared()).await.is_none());
    writer.unlock().await.expect("a release");
}

/// A place that is the first in one queue and waits in the other holds nothing yet.
#[tokio::test]
async fn a_place_among_several_that_is_taken_away_is_taken_anew() {
    let chroot = Chroot::of_the_shared();
    let operator = client_of(chroot.endpoint());
    let one = client_of(chroot.endpoint());
    let in_the_way = take(&one, Request::new("/b")).await;
    let other = client_of(chroot.endpoint());
    let waiting = tokio::spawn(async move { take(&other, Request::new("/a").also("/b")).await });
    let token = loop {
        let queue = operator.queue("/a").await.expect("a queue");
        if let Some(first) = queue.holder() {
            break first.token.expect("a token");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let by = genlock::locker::TakenAway::by_this_process();
    let told = operator.take_away("/a", token, &by, false).await;
    told.expect("an answer");
    let gone = operator.until_gone("/a", token);
    let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
    gone.expect("soon").expect("an answer");
    assert!(!waiting.is_finished());
    in_the_way.unlock().await.expect("a release");
    let held = waiting.await.expect("no panic");
    assert!(held.token() > token && held.is_held());
    held.unlock().await.expect("a release");
}

/// The one that waits, once it has another token than this.
async fn waiter(operator: &ZooKeeper, old: Option<u64>) -> Contender {
    loop {
        let queue = operator.queue("/k").await.expect("a queue");
        match queue.waiters() {
            [waiter] if waiter.token != old => return waiter.clone(),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// What it asked for in an earlier session may come to be when it has a place in another one.
#[tokio::test]
async fn the_latest_is_not_sent_away_by_a_node_of_its_own() {
    for layout in ["curator", "curator-rw", "kazoo"] {
        let chroot = Chroot::of_the_shared();
        let in_the_way = take(&in_layout(&chroot, layout), Request::new("/k")).await;
        let other = in_layout(&chroot, layout);
        let latest = Request::new("/k").with_queue(QueuePolicy::Latest);
        let waiting = tokio::spawn(async move { take(&other, latest).await });
        let operator = client_of(chroot.endpoint());
        let first = waiter(&operator, None).await;
        chroot.delete(&first.owner_key);
        waiter(&operator, first.token).await;
        let mut earlier = chroot.server.asked();
        let (name, _) = first.owner_key.split_at(first.owner_key.len() - 10);
        let data = first.record.expect("a record").to_json();
        let late = earlier.create(&format!("{}{name}", chroot.path), &data, SEQUENTIAL);
        in_the_way.unlock().await.expect("a release");
        let held = waiting.await.expect("no panic");
        assert!(!chroot.standing().iter().any(|node| late.ends_with(node)));
        held.unlock().await.expect("a release");
    }
}

/// It stands ahead of the place that was taken since, in a session that others would have to wait for.
#[tokio::test]
async fn a_node_of_an_earlier_place_is_deleted() {
    let chroot = Chroot::of_the_shared();
    let in_the_way = take(&client_of(chroot.endpoint()), Request::new("/k")).await;
    let other = client_of(chroot.endpoint());
    let waiting = tokio::spawn(async move { take(&other, Request::new("/k")).await });
    let operator = client_of(chroot.endpoint());
    let first = waiter(&operator, None).await;
    let mut earlier = chroot.server.asked();
    let (name, _) = first.owner_key.split_at(first.owner_key.len() - 10);
    earlier.create(&format!("{}{name}", chroot.path), b"", SEQUENTIAL);
    // It looks at the queue again, finds its place gone, and takes another one.
    chroot.delete(&first.owner_key);
    in_the_way.unlock().await.expect("a release");
    let held = tokio::time::timeout(Duration::from_secs(6), waiting).await;
    let held = held.expect("soon").expect("no panic");
    assert_eq!(chroot.standing().len(), 1);
    held.unlock().await.expect("a release");
    drop(earlier);
}

/// Also where it waits in another queue: somebody may come between who is ahead of it there, and waits here.
#[tokio::test]
async fn a_node_of_an_earlier_place_is_deleted_from_each_queue() {
    let chroot = Chroot::of_the_shared();
    let in_the_way = take(&client_of(chroot.endpoint()), Request::new("/a")).await;
    let other = client_of(chroot.endpoint());
    let request = Request::new("/a").also("/b");
    let waiting = tokio::spawn(async move { take(&other, request).await });
    let of_b = || {
        let standing = chroot.standing().into_iter();
        standing
            .filter(|node| node.starts_with("/b/"))
            .collect::<Vec<_>>()
    };
    while of_b().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let first = of_b().remove(0);
    let mut earlier = chroot.server.asked();
    let (name, _) = first.split_at(first.len() - 10);
    let late = earlier.create(&format!("{}{name}", chroot.path), b"", SEQUENTIAL);
    chroot.delete(&first);
    let begun = std::time::Instant::now();
    while of_b().len() != 1 || late.ends_with(&of_b()[0]) {
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", of_b());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    in_the_way.unlock().await.expect("a release");
    let held = waiting.await.expect("no panic");
    held.unlock().await.expect("a release");
    drop(earlier);
}

#[tokio::test]
async fn an_operator_sees_which_of_n_each_is() {
    let chroot = Chroot::of_the_shared();
    let client = Fixture::client(&chroot, Options::default()).await;
    let mut holds = Vec::new();
    for _ in 0..2 {
        let request = Request::new("/k").with_mode(Mode::OneOf(2));
        let held = client.acquire(request).await.expect("an answer");
        holds.push(held.expect("a lock"));
    }
    let operator = client_of(chroot.endpoint());
    let queue = operator.queue("/k").await.expect("a queue");
    let seen: Vec<_> = queue.holders().iter().map(|one| one.index).collect();
    assert_eq!(seen, [Some(0), Some(1)]);
    assert_eq!(operator.list("/").await.expect("a list").len(), 1);
    for held in holds {
        held.unlock().await.expect("a release");
    }
}

/// Each of them waits for the one ahead, which is cleared away too.
#[tokio::test]
async fn all_dead_waiters_in_a_row_are_cleared_at_once() {
    let chroot = Chroot::of_the_shared();
    let client = client_of(chroot.endpoint());
    let held = take(&client, Request::new("/k")).await;
    let mut asked = chroot.server.asked();
    for name in ["_c_x-lock-", "_c_y-lock-", "_c_z-lock-"] {
        let data = br#"{"host":"h","pid":1,"mode":"exclusive","ttl_seconds":0.01}"#;
        asked.create(&format!("{}/k/{name}", chroot.path), data, SEQUENTIAL);
    }
    // More than half of their TTL, by ZooKeeper's clock.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let waiters = client.queue("/k").await.expect("a queue");
    let cleared = client.clear_dead("/k").await.expect("an answer");
    assert_eq!(cleared, waiters.waiters());
    assert_eq!(cleared.len(), 3);
    assert!(held.is_held());
    held.unlock().await.expect("a release");
}
