//! The store in memory: the contract, and time that a test has paused.

use std::sync::Arc;
use std::time::Duration;

use genlock::clock::Instant;
use genlock::locker::margin;
use genlock::testing::MemoryStore;
use genlock::testing::contract::Fixture;
use genlock::{Held, History, Locker, Loss, Marks, Operator, Options};

struct Memory(MemoryStore);

impl Fixture for Memory {
    async fn start() -> Self {
        Self(MemoryStore::new())
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        Arc::new(self.0.client(options))
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(self.0.client(options))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(self.0.client(Options::default()))
    }

    async fn historian(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(self.0.client(Options::default())))
    }

    async fn leftovers(&self) -> Vec<String> {
        let mut left = self.0.owner_keys();
        left.extend(self.0.mark_keys());
        left
    }

    async fn delete(&self, held: &Held) -> bool {
        self.0.delete(held.owner_key().expect("an owner key"))
    }
}

mod keeps_the_contract {
    genlock::contract!(super::Memory);
}

const TTL: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_lock_whose_renewals_are_withheld_is_lost_at_its_deadline_in_no_time() {
    let real = std::time::Instant::now();
    let store = MemoryStore::new();
    let client = store.client(Options::default().with_ttl(TTL));
    let start = Instant::now();
    let held = client.lock("/k").await.expect("a lock");
    tokio::time::sleep(TTL * 10).await;
    assert!(held.is_held(), "it is renewed");
    store.withhold_renewals(true);
    let deadline = held.deadline().expect("a deadline");
    assert!(deadline > start + TTL * 10);
    let other = store.client(Options::default());
    let waiting = other.lock("/k");
    let both = async {
        tokio::join!(
            async {
                let loss = held.lost().await;
                (loss, Instant::now())
            },
            async {
                store_answers_later(&store, deadline).await;
                waiting.await.expect("a turn")
            }
        )
    };
    let both = tokio::time::timeout(TTL * 3, both).await;
    let (loss, next) = both.expect("a loss, and a turn");
    assert_eq!(loss.0, Loss::Expired);
    let late = loss.1.since(deadline);
    assert!(
        loss.1 >= deadline && late < Duration::from_millis(100),
        "{late:?}"
    );
    assert!(Instant::now() >= deadline + margin(TTL), "two at a time");
    assert!(next.is_held() && next.token() > held.token());
    assert!(
        real.elapsed() < Duration::from_secs(5),
        "{:?}",
        real.elapsed()
    );
}

/// The holder is not heard of any more; who waits is.
async fn store_answers_later(store: &MemoryStore, from: Instant) {
    genlock::clock::sleep_until(from).await;
    store.withhold_renewals(false);
}

#[tokio::test]
async fn any_pointer_to_a_client_is_one() {
    async fn tried(client: impl Locker) -> bool {
        let held = client.try_lock("/k").await.expect("an answer");
        held.is_some() && client.capabilities().fifo
    }
    let client = MemoryStore::new().client(Options::default());
    assert!(tried(&client).await);
    let held = client.lock("/k").await.expect("a lock");
    assert_eq!(held.to_string(), format!("/k (token {})", held.token()));
    drop(held);
    let shared: Arc<dyn Locker> = Arc::new(client);
    assert!(tried(&shared).await && tried(shared.clone()).await);
    let boxed: Box<dyn Locker> = Box::new(shared);
    assert!(tried(&*boxed).await && tried(boxed).await);
}
