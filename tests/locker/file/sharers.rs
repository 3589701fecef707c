//! Shared locks in files: beside each other, beside other tools' flock(2), and each with a token of its own.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use genlock::locker::operator::Removal;
use genlock::locker::{Mode, TakenAway};
use genlock::testing::contract::soon;
use genlock::{FileStore, Held, Locker, Loss, Operator, Options};
use rustix::fs::{FlockOperation, flock};
use tokio::task::JoinSet;

use super::{client, directory, files};

/// The lock of `k`, shared.
async fn share(client: &Arc<dyn Locker>) -> Option<Held> {
    let taken = client.request("k").shared().try_lock().await;
    taken.expect("an answer")
}

/// Another tool's hold on the lock file, until it is dropped; `None` if it has to wait.
fn flocked(directory: &Path, operation: FlockOperation) -> Option<File> {
    let file = File::open(directory.join("k.lock")).expect("a lock file");
    flock(&file, operation).is_ok().then_some(file)
}

#[tokio::test]
async fn flocks_own_shared_lock_is_the_same_lock() {
    let [shared, alone] = [
        FlockOperation::NonBlockingLockShared,
        FlockOperation::NonBlockingLockExclusive,
    ];
    let dir = directory();
    let client = client(dir.path());
    let held = share(&client).await.expect("a held lock");
    assert!(flocked(dir.path(), alone).is_none());
    let theirs = flocked(dir.path(), shared).expect("a shared lock");
    held.unlock().await.expect("a release");
    assert!(client.try_lock("k").await.expect("an answer").is_none());
    let held = share(&client).await.expect("a held lock");
    drop(theirs);
    held.unlock().await.expect("a release");
    let theirs = flocked(dir.path(), alone).expect("a lock");
    assert!(share(&client).await.is_none());
    drop(theirs);
    let writer = client.lock("k").await.expect("a lock");
    assert!(flocked(dir.path(), shared).is_none());
    writer.unlock().await.expect("a release");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_have_one_token_and_a_writer_has_a_larger_one() {
    let dir = directory();
    let mut running = JoinSet::new();
    for _ in 0..4 {
        let client = client(dir.path());
        running.spawn(async move {
            let mut tokens = Vec::new();
            for _ in 0..5 {
                let held = client.request("k").shared().lock().await.expect("a lock");
                tokens.push(held.token());
                held.unlock().await.expect("a release");
            }
            assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
            tokens
        });
    }
    let mut all = BTreeSet::new();
    while let Some(tokens) = soon("all tokens", running.join_next()).await {
        all.extend(tokens.expect("no panic"));
    }
    assert_eq!(all.len(), 20, "{all:?}");
    let writer = client(dir.path()).lock("k").await.expect("a lock");
    assert!(Some(&writer.token()) > all.last());
    let counter = std::fs::read_to_string(&files(dir.path())[1]).expect("a lock file");
    assert!(
        counter.starts_with(&format!("{:020}\n", writer.token())),
        "{counter}"
    );
}

#[tokio::test]
async fn each_of_them_is_seen_and_can_be_hit() {
    let dir = directory();
    let client = client(dir.path());
    let operator = FileStore::open(dir.path(), Options::default()).expect("a store");
    let [one, other] = [share(&client).await, share(&client).await];
    let [one, other] = [one.expect("a held lock"), other.expect("a held lock")];
    let seen = async || {
        let queue = operator.queue("k").await.expect("a queue");
        let holders = queue.holders().iter();
        assert!(holders.clone().all(|one| one.locks() == Mode::Shared));
        holders.filter_map(|one| one.token).collect::<Vec<_>>()
    };
    assert_eq!(seen().await, [one.token(), other.token()]);
    // What somebody has removed comes back.
    std::fs::write(dir.path().join("k.held"), "").expect("a file");
    soon("both again", async {
        while operator.queue("k").await.expect("a queue").holders().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(seen().await, [one.token(), other.token()]);
    let by = TakenAway::by_this_process();
    let taken = operator.take_away("k", other.token(), &by, false).await;
    assert_eq!(taken.expect("an answer"), Removal::Told);
    assert_eq!(soon("a loss", other.lost()).await, Loss::TakenAway);
    assert!(one.is_held());
    drop(other);
    assert_eq!(seen().await, [one.token()]);
    one.unlock().await.expect("a release");
    assert!(seen().await.is_empty());
}
