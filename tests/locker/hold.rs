//! Work under a lock: when it is lost, when its release fails, and from where it can be called.

use std::cell::Cell;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use genlock::clock::Instant;
use genlock::locker::{BoxFuture, Claim, Claims, Grant, Owner, Possession};
use genlock::testing::MemoryStore;
use genlock::{
    Capabilities, Error, ErrorKind, Held, Hold, Locker, Options, Request, RequestBuilder, Result,
};

const TTL: Duration = Duration::from_secs(10);

fn client() -> Arc<dyn Locker> {
    Arc::new(MemoryStore::new().client(Options::default()))
}

/// Says when it is dropped.
struct Worker<'a>(&'a Cell<Option<Instant>>);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.0.set(Some(Instant::now()));
    }
}

#[tokio::test(start_paused = true)]
async fn work_is_dropped_at_the_deadline_and_before_another_holds() {
    let store = MemoryStore::new();
    let one = store.client(Options::default().with_ttl(TTL));
    let dropped = Cell::new(None);
    let (told, deadline) = tokio::sync::oneshot::channel();
    let working = one.hold("/k", async |held| {
        let _worker = Worker(&dropped);
        store.withhold_renewals(true);
        told.send(held.deadline()).expect("a test");
        pending::<()>().await
    });
    let other = store.client(Options::default());
    let next = async {
        let deadline = deadline.await.expect("work").expect("a deadline");
        // Who waits is heard of again only when the holder has been lost.
        genlock::clock::sleep_until(deadline).await;
        store.withhold_renewals(false);
        let held = other.lock("/k").await.expect("a turn");
        let dropped = dropped.get().expect("two at a time");
        (deadline, dropped, held)
    };
    let (worked, (deadline, dropped, held)) = tokio::join!(working, next);
    let error = worked.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost);
    let why = "/k: the lock was lost: its deadline passed without a renewal";
    assert_eq!(error.to_string(), why);
    let late = dropped.since(deadline);
    assert!(
        dropped >= deadline && late < Duration::from_millis(50),
        "{late:?}"
    );
    assert!(held.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_by_the_clock_of_deadlines() {
    let store = MemoryStore::new();
    let _held = store.client(Options::default()).lock("/k").await;
    let (other, start) = (store.client(Options::default()), Instant::now());
    let wait = other.request("/k").wait(TTL * 360).lock();
    let error = wait.await.expect_err("an end");
    assert_eq!(error.to_string(), "/k: not held within 1h");
    let waited = Instant::now().since(start);
    assert!(waited >= TTL * 360 && waited < TTL * 361, "{waited:?}");
}

/// A store whose releases fail, and whose locks may be lost when they do.
struct NoRelease {
    able: Capabilities,
    owner: Owner,
}

struct NeverReleased(Claim);

impl Locker for NoRelease {
    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
        Box::pin(async move {
            let claim = Claims::default().claim(&request).await?;
            let (grant, owner) = (Grant::new(request.key(), 1), self.owner.clone());
            let kept = Box::new(NeverReleased(claim));
            Ok(Some(Held::new(grant, [], owner, kept)))
        })
    }

    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
        Box::pin(held.unlock())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Possession for NeverReleased {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(async { Err(Error::new(ErrorKind::Unavailable, "it is away")) })
    }

    fn claim(&self) -> &Claim {
        &self.0
    }
}

#[tokio::test]
async fn work_that_ended_under_the_lock_counts_although_its_release_fails() {
    let store = || NoRelease {
        able: Capabilities::new("x", "nothing"),
        owner: Owner::new(None),
    };
    let locks = store();
    let given = locks.hold("/k", async |held| held.token()).await;
    assert_eq!(given.expect("a result"), 1);
    // It is lost while the work ends, which does not await any more.
    let locks = store();
    let work = async |_: &Held| locks.owner.lose(genlock::Loss::LeaseGone);
    let error = locks.hold("/k", work).await.expect_err("a loss");
    assert_eq!(error.kind(), ErrorKind::OwnershipLost, "{error}");
}

/// Work that borrows, awaits, and changes what it borrows.
async fn work(held: &Held, tokens: &mut Vec<u64>) {
    tokio::task::yield_now().await;
    tokens.push(held.token());
}

async fn by_reference(locks: &dyn Locker, tokens: &mut Vec<u64>) -> Result<usize> {
    let work = async |held: &Held| {
        work(held, tokens).await;
        tokens.len()
    };
    locks.hold("/k", work).await
}

async fn by_type(locks: &(impl Locker + ?Sized), tokens: &mut Vec<u64>) -> Result<usize> {
    let request = locks.request("/k").wait(TTL).label("by", "type");
    let work = async |held: &Held| {
        work(held, tokens).await;
        tokens.len()
    };
    request.hold(work).await
}

#[tokio::test]
async fn work_under_a_lock_can_be_spawned_whatever_points_to_the_client() {
    let shared = client();
    let locks = shared.clone();
    let by_arc = tokio::spawn(async move {
        let mut tokens = Vec::new();
        let given = locks.hold("/k", async |held| work(held, &mut tokens).await);
        given.await.map(|()| tokens.len())
    });
    assert_eq!(by_arc.await.expect("no panic").expect("a result"), 1);
    let boxed: Box<dyn Locker> = Box::new(shared.clone());
    let by_box = tokio::spawn(async move { boxed.hold("/k", async move |_| 1).await });
    assert_eq!(by_box.await.expect("no panic").expect("a result"), 1);
    let locks = shared.clone();
    let both = tokio::spawn(async move {
        let mut tokens = Vec::new();
        by_reference(&*locks, &mut tokens).await?;
        by_type(&locks, &mut tokens).await?;
        by_type(&*locks, &mut tokens).await
    });
    assert_eq!(both.await.expect("no panic").expect("a result"), 3);
    let plain = tokio::spawn(async move { shared.hold("/k", |_: &Held| async { 1 }).await });
    assert_eq!(plain.await.expect("no panic").expect("a result"), 1);
}

#[tokio::test]
async fn a_builder_that_is_dropped_does_nothing() {
    let store = MemoryStore::new();
    let locks = store.client(Options::default());
    let request: RequestBuilder<'_> = locks.request("/k").wait(TTL);
    assert!(format!("{request:?}").contains("/k"));
    drop(request.hold(async |_| ()));
    assert!(store.owner_keys().is_empty());
}
