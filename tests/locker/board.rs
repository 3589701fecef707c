//! The store that docs/writing-a-store.md writes, outside of the library: it keeps the contract.

use std::sync::Arc;

use genlock::testing::contract::Fixture;
use genlock::{Held, Locker, Marks, Operator, Options};

#[path = "../../examples/store/board/mod.rs"]
mod example;

use example::{Board, BoardClient};

impl Fixture for Board {
    async fn start() -> Self {
        Self::default()
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        Arc::new(BoardClient::new(self, options))
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(BoardClient::new(self, options))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(BoardClient::new(self, Options::default()))
    }

    async fn leftovers(&self) -> Vec<String> {
        self.owner_keys()
    }

    async fn delete(&self, held: &Held) -> bool {
        self.wipe(held.key(), held.token())
    }
}

mod keeps_the_contract {
    genlock::contract!(super::Board);
}
