//! The store over Redis: the contract, and what is its own.

mod cluster;
mod commands;
mod interop;
mod late;
mod many;
mod secure;
mod sentinel;

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
        assert_eq!(self.cli(&["DEL", held.key()]), "1");
        true
    }
}
