//! The etcd store: the contract, and what is its own.

mod certificates;
mod given;
mod interop;
mod left;
mod many;
mod modes;
mod outage;
mod overwritten;
mod places;
mod renewed;
mod secure;
mod seen;
mod strangers;

use std::sync::Arc;

use genlock::{Etcd, EtcdConfig, Held, History, Locker, Marks, Operator, Options};
use tokio::task::JoinHandle;

use crate::support::etcd::Server;
use genlock::testing::contract::{Fixture, soon};

genlock::contract!(Server);

/// The client of an etcd, with options of the test's own.
fn client(server: &Server, options: Options) -> Arc<dyn Locker> {
    client_of(&[&server.endpoint()], options)
}

/// The client of what is at these endpoints.
fn client_of(endpoints: &[&str], options: Options) -> Arc<dyn Locker> {
    Arc::new(etcd(endpoints, options))
}

fn etcd(endpoints: &[&str], options: Options) -> Etcd {
    let config = EtcdConfig::new(endpoints.iter().copied());
    Etcd::new(config, options).expect("a client")
}

/// The lock of who waits, once it has its turn.
async fn turn(waiting: JoinHandle<genlock::Result<Held>>) -> Held {
    let turn = soon("a turn", waiting).await.expect("no panic");
    turn.expect("a lock")
}

impl Fixture for Server {
    async fn start() -> Self {
        Server::start()
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        client(self, options)
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(etcd(&[&self.endpoint()], options))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(etcd(&[&self.endpoint()], Options::default()))
    }

    async fn historian(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(etcd(&[&self.endpoint()], Options::default())))
    }

    async fn leftovers(&self) -> Vec<String> {
        let mut left = self.keys();
        left.extend(self.leases());
        left
    }

    async fn revoke(&self, held: &Held) -> bool {
        let lease = lease_of(held);
        self.ctl(&["lease", "revoke", &lease]);
        true
    }

    async fn delete(&self, held: &Held) -> bool {
        let deleted = self.ctl(&["del", held.owner_key().expect("an owner key")]);
        assert_eq!(deleted.trim(), "1");
        true
    }
}

/// The lease of a held lock, in hexadecimal as etcdctl takes it.
pub(crate) fn lease_of(held: &Held) -> String {
    let mut found = held.variables().iter();
    let lease = found.find(|(name, _)| name == "GENLOCK_HELD_LEASE");
    lease.expect("a lease").1.clone()
}
