//! The lock and other processes: those that inherit it, and `flock(1)`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use genlock::{Held, Loss, Options};

use super::{client, client_with, directory, is_locked, until_free};
use genlock::testing::contract::{lock, observed, soon, spawn_lock, until_waiting};

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a process"))
    }

    fn end(&mut self) {
        self.0.kill().expect("a process");
        self.0.wait().expect("a process");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that inherits the lock, as its standard input.
fn heir(held: &Held) -> Running {
    let descriptor = held.descriptor().expect("a descriptor");
    let copy = descriptor.try_clone_to_owned().expect("a copy");
    Running::start(Command::new("sleep").arg("600").stdin(copy))
}

#[tokio::test]
async fn the_lock_lives_as_long_as_who_inherited_it() {
    let dir = directory();
    let first = client(dir.path());
    let held = lock(&first, "k").await;
    let mut heir = heir(&held);
    first.unlock(held).await.expect("a release");
    assert!(is_locked(&dir.path().join("k.lock")));

    // The end of a process is noticed, not found by trying once in ten minutes.
    let options = Options::default().with_retry_interval(Duration::from_secs(600));
    let (options, mut events) = observed(options);
    let second = client_with(dir.path(), options);
    let waiting = spawn_lock(&second, "k");
    until_waiting(&mut events).await;
    // Long enough for the pauses between its attempts to have grown.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    heir.end();
    let freed = Instant::now();
    let turn = soon("the lock", waiting).await.expect("no panic");
    drop(turn.expect("a lock"));
    assert!(
        freed.elapsed() < Duration::from_secs(2),
        "{:?}",
        freed.elapsed()
    );
}

#[tokio::test]
async fn neither_ttl_nor_close_take_it_from_who_inherited_it() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let options = Options::default()
        .with_ttl(Duration::from_secs(1))
        .with_auto_renew(false);
    let first = client_with(dir.path(), options);
    let held = lock(&first, "k").await;
    let mut heir_of_first = heir(&held);
    assert_eq!(soon("a loss", held.lost()).await, Loss::Expired);
    drop(held);
    assert!(is_locked(&path));
    heir_of_first.end();

    let second = client(dir.path());
    let held = lock(&second, "k").await;
    let mut heir_of_second = heir(&held);
    second.close().await.expect("a closed client");
    assert_eq!(soon("a loss", held.lost()).await, Loss::Closed);
    drop(held);
    assert!(is_locked(&path));
    heir_of_second.end();
    until_free(&path).await;
}

#[tokio::test]
async fn no_process_inherits_it_by_accident() {
    let dir = directory();
    let client = client(dir.path());
    let held = lock(&client, "k").await;
    assert!(held.descriptor().is_some());
    let _running = Running::start(Command::new("sleep").arg("600"));
    client.unlock(held).await.expect("a release");
    until_free(&dir.path().join("k.lock")).await;
}

fn flock(path: &Path) -> Command {
    let mut command = Command::new("flock");
    command
        .arg(path)
        .stdout(Stdio::piped())
        .stdin(Stdio::piped());
    command
}

#[tokio::test]
async fn flock_excludes_and_is_excluded() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let client = client(dir.path());
    let held = lock(&client, "k").await;
    let tried = Command::new("flock")
        .arg("-n")
        .arg(&path)
        .arg("true")
        .status();
    assert_eq!(tried.expect("flock(1) of util-linux").code(), Some(1));
    let token = held.token();
    client.unlock(held).await.expect("a release");

    let mut other = Running::start(flock(&path).args(["sh", "-c", "echo held; read end"]));
    let mut said = String::new();
    let output = other.0.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut said).expect("a line");
    assert_eq!(said, "held\n");
    assert!(client.try_lock("k").await.expect("an answer").is_none());
    let waiting = spawn_lock(&client, "k");
    drop(other.0.stdin.take());
    let held = soon("the lock", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    assert!(held.token() > token);
}
