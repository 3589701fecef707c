//! Users, layouts, and others' nodes.

use genlock::testing::contract::Fixture;
use genlock::{Config, Credentials, ErrorKind, Locker, Operator, Options, ZooKeeper};

use crate::support::zookeeper::Chroot;

/// Ephemeral, as CreateMode.java has it.
const EPHEMERAL: i32 = 1;

fn client_of(endpoint: String, user: Option<(&str, &str)>) -> ZooKeeper {
    let mut config = Config::new([endpoint]);
    if let Some((name, password)) = user {
        config = config.credentials(Credentials::password(name, password));
    }
    ZooKeeper::new(config, Options::default()).expect("a client")
}

#[tokio::test]
async fn what_a_user_locks_is_denied_to_others() {
    let chroot = Chroot::of_the_shared();
    let user = || client_of(chroot.endpoint(), Some(("backup", "secret")));
    let one = user();
    let held = one.lock("/k").await.expect("a lock");
    let other = user();
    assert!(other.try_lock("/k").await.expect("an answer").is_none());
    for stranger in [None, Some(("backup", "guessed"))] {
        let stranger = client_of(chroot.endpoint(), stranger);
        for denied in [
            stranger.lock("/k").await.expect_err("denied"),
            stranger.queue("/k").await.expect_err("denied"),
        ] {
            assert_eq!(denied.kind(), ErrorKind::Denied, "{denied}");
            assert!(!denied.to_string().contains("guessed"), "{denied}");
        }
    }
    assert_eq!(held.ownership().loss(), None);
    one.unlock(held).await.expect("a release");
    let held = other.try_lock("/k").await.expect("an answer");
    drop(held.expect("a free lock"));
}

#[tokio::test]
async fn genlocks_of_every_layout_are_of_one_queue() {
    let chroot = Chroot::of_the_shared();
    let layouts = ["curator", "curator-rw", "kazoo"];
    let client = |layout| client_of(format!("{}?layout={layout}", chroot.endpoint()), None);
    for holding in layouts {
        let holder = client(holding);
        let held = holder.lock("/k").await.expect("a lock");
        for other in layouts {
            let tried = client(other).try_lock("/k").await.expect("an answer");
            assert!(tried.is_none(), "{other} beside {holding}");
        }
        holder.unlock(held).await.expect("a release");
    }
}

#[tokio::test]
async fn what_others_keep_below_a_lock_is_no_contender() {
    let chroot = Chroot::of_the_shared();
    let client = Fixture::client(&chroot, Options::default()).await;
    drop(client.lock("/k").await.expect("a lock"));
    let mut asked = chroot.server.asked();
    for name in ["leases", "0000000001", "backup-0000000001", "lock-1"] {
        asked.create(&format!("{}/k/{name}", chroot.path), b"", 0);
    }
    let held = client.lock("/k").await.expect("a lock");
    let queue = client_of(chroot.endpoint(), None).queue("/k").await;
    assert_eq!(queue.expect("a queue").contenders.len(), 1);
    client.unlock(held).await.expect("a release");
}

#[tokio::test]
async fn a_tool_without_a_queue_holds_the_lock() {
    let chroot = Chroot::of_the_shared();
    let client = Fixture::client(&chroot, Options::default()).await;
    drop(client.lock("/above").await.expect("a lock"));
    let mut asked = chroot.server.asked();
    asked.create(&format!("{}/k", chroot.path), b"host", EPHEMERAL);
    let tried = client.try_lock("/k").await.expect("an answer");
    assert!(tried.is_none());
    let operator = client_of(chroot.endpoint(), None);
    let queue = operator.queue("/k").await.expect("a queue");
    assert!(matches!(&queue.contenders[..], [only] if only.record.is_none()));
    let mut waiter = std::pin::pin!(client.lock("/k"));
    let limit = std::time::Duration::from_millis(200);
    let waited = tokio::time::timeout(limit, &mut waiter).await;
    assert!(waited.is_err(), "beside the other");
    drop(asked);
    let held = waiter.await.expect("a lock");
    client.unlock(held).await.expect("a release");
    // Nothing can be below another's node.
    let mut asked = chroot.server.asked();
    asked.create(&format!("{}/x", chroot.path), b"host", EPHEMERAL);
    let error = client.lock("/x/y").await.expect_err("no place");
    assert!(
        error.to_string().contains("another tool's session"),
        "{error}"
    );
}
