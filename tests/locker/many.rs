//! Much through one client, in a process of its own that may have few descriptors.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genlock::testing::contract::{observed, soon, until_waiting};
use genlock::{Locker, Options};
use tokio::task::JoinSet;

/// Says that a test runs in a process of its own, and against what.
const STORE: &str = "GENLOCK_TEST_STORE";

/// Against what the test runs, if this is its own process.
pub(crate) fn store() -> Option<String> {
    std::env::var(STORE).ok()
}

/// Runs the test of this name in a process that may have so many descriptors.
pub(crate) fn with_descriptors(count: u32, test: &str, store: &str) {
    let limited = format!("ulimit -n {count} && exec \"$0\" --exact {test} --nocapture");
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited);
    command.arg(std::env::current_exe().expect("this program"));
    let output = command.env(STORE, store).output().expect("sh");
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    assert!(printed.contains("1 passed"), "{printed}");
}

/// So many tasks wait for one key at the same time, and each has its turn, alone.
pub(crate) async fn take_turns<C: Locker + 'static>(open: impl FnOnce(Options) -> C, tasks: usize) {
    let (options, mut events) = observed(Options::default());
    let client = Arc::new(open(options));
    let held = client.lock("/turns").await.expect("a lock");
    let inside = Arc::new(AtomicUsize::new(0));
    let mut turns = JoinSet::new();
    for _ in 0..tasks {
        let (client, inside) = (client.clone(), inside.clone());
        turns.spawn(async move {
            let held = client.lock("/turns").await.expect("a lock");
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            client.unlock(held).await.expect("a release");
        });
    }
    for _ in 0..tasks {
        until_waiting(&mut events).await;
    }
    client.unlock(held).await.expect("a release");
    let all = soon("the turns", turns.join_all()).await;
    assert_eq!(all.len(), tasks);
    client.close().await.expect("a closed client");
}
