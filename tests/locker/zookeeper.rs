//! The ZooKeeper store: the contract, and what is its own.

mod many;
mod modes;
mod outage;
mod secure;
mod strangers;

use std::sync::Arc;

use genlock::testing::contract::Fixture;
use genlock::{Config, Held, History, Locker, Marks, Operator, Options, ZooKeeper};

use crate::support::zookeeper::{Asked, Chroot};

genlock::contract!(Chroot);

fn client(chroot: &Chroot, options: Options) -> ZooKeeper {
    let config = Config::new([chroot.endpoint()]);
    ZooKeeper::new(config, options).expect("a client")
}

fn client_of(endpoint: String) -> ZooKeeper {
    ZooKeeper::new(Config::new([endpoint]), Options::default()).expect("a client")
}

impl Fixture for Chroot {
    async fn start() -> Self {
        Self::of_the_shared()
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        Arc::new(client(self, options))
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(client(self, options))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(client(self, Options::default()))
    }

    async fn historian(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(client(self, Options::default())))
    }

    async fn leftovers(&self) -> Vec<String> {
        self.standing()
    }

    async fn revoke(&self, held: &Held) -> bool {
        let mut found = held.variables().iter();
        let session = found.find(|(name, _)| name == "GENLOCK_HELD_LEASE");
        let session = session.expect("a session").1.strip_prefix("0x");
        let session = i64::from_str_radix(session.expect("hexadecimal"), 16);
        Asked::end_session(self.server.port(), session.expect("a number"));
        true
    }

    async fn delete(&self, held: &Held) -> bool {
        Self::delete(self, held.owner_key().expect("an owner key"));
        true
    }
}
