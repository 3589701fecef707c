//! A clone of a client is the same client.

use genlock::testing::MemoryStore;
use genlock::{Config, ErrorKind, Etcd, FileStore, Locker, Options, Redis, ZooKeeper};

use crate::support::etcd::Server;
use crate::support::redis::RedisServer;
use crate::support::zookeeper::Chroot;

async fn is_the_same(client: impl Locker + Clone) {
    let clone = client.clone();
    let held = client.lock("/k").await.expect("a lock");
    assert!(clone.try_lock("/k").await.expect("an answer").is_none());
    clone.unlock(held).await.expect("its own lock");
    let held = client.lock("/k").await.expect("a lock");
    clone.close().await.expect("a closed client");
    assert_eq!(held.ownership().loss(), Some(genlock::Loss::Closed));
    let error = client.lock("/l").await.expect_err("a closed client");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn of_every_store() {
    let server = Server::start();
    let config = Config::new([server.endpoint()]);
    is_the_same(Etcd::new(config, Options::default()).expect("a client")).await;
    let server = RedisServer::start();
    let config = Config::new([server.endpoint()]);
    is_the_same(Redis::new(config, Options::default()).expect("a client")).await;
    let chroot = Chroot::of_the_shared();
    let config = Config::new([chroot.endpoint()]);
    is_the_same(ZooKeeper::new(config, Options::default()).expect("a client")).await;
    let directory = tempfile::tempdir().expect("a directory");
    let store = FileStore::open(directory.path(), Options::default());
    is_the_same(store.expect("a store")).await;
    is_the_same(MemoryStore::new().client(Options::default())).await;
}
