//! Many wait for one lock.

use std::time::Duration;

use genlock::testing::contract::{Fixture, soon, until_empty};
use genlock::{Config, Locker, Options, ZooKeeper};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::zookeeper::Chroot;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_have_their_turn_in_the_order_of_the_queue() {
    const WAITERS: usize = 1000;
    let chroot = Chroot::of_the_shared();
    let first = Fixture::client(&chroot, Options::default()).await;
    let held = first.lock("/k").await.expect("a lock");
    let (served, mut order) = unbounded_channel();
    for _ in 0..WAITERS {
        // All come at once, to a server that has one processor or two.
        let patient = Duration::from_secs(60);
        let config = Config::new([chroot.endpoint()]);
        let config = config.command_timeout(patient).dial_timeout(patient);
        let options = Options::default().with_ttl(Duration::from_secs(60));
        let client = ZooKeeper::new(config, options).expect("a client");
        let served = served.clone();
        tokio::spawn(async move {
            let held = client.lock("/k").await.expect("a lock");
            served.send(held.token()).expect("the test");
            client.unlock(held).await.expect("a release");
        });
    }
    tokio::time::timeout(Duration::from_secs(60), async {
        while chroot.leftovers().await.len() <= WAITERS {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("all of them in the queue within a minute");
    first.unlock(held).await.expect("a release");
    let mut tokens = Vec::new();
    for _ in 0..WAITERS {
        tokens.push(soon("a turn", order.recv()).await.expect("a token"));
    }
    assert!(tokens.is_sorted(), "{tokens:?}");
    until_empty(&chroot).await;
}
