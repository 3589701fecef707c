//! What was asked for while the servers hung, and nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use genlock::locker::{QueuePolicy, Request};
use genlock::{Config, EventKind, Held, Locker, Options, ZooKeeper};
use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use super::client_of;
use crate::support::zookeeper::{Chroot, ZkServer};

/// Far less than a session lasts.
const SOON: Duration = Duration::from_secs(6);

/// One who does not wait for an answer for long.
fn impatient(chroot: &Chroot, options: Options) -> ZooKeeper {
    let config = Config::new([chroot.endpoint()]);
    let config = config.dial_timeout(Duration::from_millis(200));
    let config = config.command_timeout(Duration::from_millis(500));
    ZooKeeper::new(config, options).expect("a client")
}

async fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "not soon: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn locked_soon(client: &ZooKeeper) -> Held {
    let locked = timeout(SOON, client.lock("/k")).await;
    locked.expect("soon").expect("a lock")
}

/// The numbers of the nodes.
fn numbers(chroot: &Chroot) -> Vec<u64> {
    let number = |node: &String| node[node.len() - 10..].parse().expect("a number");
    let mut numbers: Vec<_> = chroot.standing().iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn what_was_asked_for_in_vain_ends_as_soon_as_it_is_done() {
    let chroot = Chroot::of(Arc::new(ZkServer::start()));
    let direct = client_of(chroot.endpoint());
    let held = locked_soon(&direct).await;
    let last = numbers(&chroot)[0];
    direct.unlock(held).await.expect("a release");
    chroot.server.stop();
    let client = impatient(&chroot, Options::default());
    client.lock("/k").await.expect_err("no answer");
    chroot.server.signal(Signal::CONT);
    // It was done where the numbers have gone on by more than those of these.
    for others in 1..100 {
        let held = locked_soon(&direct).await;
        let number = numbers(&chroot).into_iter().min();
        direct.unlock(held).await.expect("a release");
        if number > Some(last + others) {
            return soon("an empty queue", || chroot.standing().is_empty()).await;
        }
    }
    panic!("it was not done");
}

#[tokio::test]
async fn who_queues_anew_in_an_outage_is_there_once_after_it() {
    let chroot = Chroot::of(Arc::new(ZkServer::start()));
    let direct = client_of(chroot.endpoint());
    let held = locked_soon(&direct).await;
    let tried = Arc::new(AtomicUsize::new(0));
    let (outage, counted) = (chroot.server.clone(), tried.clone());
    let options = Options::default().with_observer(move |event| match event.what {
        EventKind::PlaceLost(_) => outage.stop(),
        EventKind::Retrying(_) => {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    });
    let client = impatient(&chroot, options);
    // One that looks at all of the queue.
    let request = Request::new("/k").with_queue(QueuePolicy::Latest);
    let waiting = tokio::spawn(async move { (client.acquire(request).await, client) });
    soon("a waiter", || numbers(&chroot).len() == 2).await;
    let own = numbers(&chroot)[1];
    let (there, nodes) = (chroot.clone(), chroot.standing());
    let node = nodes
        .into_iter()
        .find(|node| node.ends_with(&own.to_string()));
    let node = node.expect("its node");
    let deleting = tokio::task::spawn_blocking(move || there.delete(&node));
    soon("some attempts", || tried.load(Ordering::Relaxed) > 2).await;
    chroot.server.signal(Signal::CONT);
    deleting.await.expect("a deletion");
    soon("its place", || numbers(&chroot).len() > 1).await;
    direct.unlock(held).await.expect("a release");
    let (held, client) = timeout(SOON, waiting)
        .await
        .expect("soon")
        .expect("no panic");
    let held = held.expect("an answer").expect("a lock");
    soon("one node", || numbers(&chroot).len() == 1).await;
    client.unlock(held).await.expect("a release");
    assert!(chroot.standing().is_empty());
}
