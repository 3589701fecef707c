//! The store over Redis: the contract, and what is its own.

mod cluster;
mod commands;
mod interop;
mod late;
mod many;
mod modes;
mod secure;
mod sentinel;
mod several;
mod turn;

use std::sync::Arc;

use genlock::{Config, Held, History, Locker, Marks, Operator, Options, Redis};

use crate::support::redis::RedisServer;
use genlock::testing::contract::Fixture;

genlock::contract!(RedisServer);

/// A client of a Redis, with options of the test's own.
fn redis(server: &RedisServer, options: Options) -> Redis {
    Redis::new(Config::new([server.endpoint()]), options).expect("a client")
}

impl Fixture for RedisServer {
    async fn start() -> Self {
        RedisServer::start()
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        Arc::new(redis(self, options))
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(redis(self, options))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(redis(self, Options::default()))
    }

    async fn historian(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(redis(self, Options::default())))
    }

    async fn leftovers(&self) -> Vec<String> {
        self.left()
    }

    async fn delete(&self, held: &Held) -> bool {
        let key = held.key();
        if self.cli(&["GET", key]) != "genlock:set" {
            assert_eq!(self.cli(&["DEL", key]), "1");
            return true;
        }
        // One of several; with the key all would go.
        let own = held.owner_key().expect("an owner key");
        let (base, id) = own.rsplit_once(':').expect("an id");
        assert_eq!(self.cli(&["HDEL", &format!("{base}:s"), id]), "1");
        assert_eq!(self.cli(&["PEXPIRE", key, "10000"]), "1");
        true
    }
}
