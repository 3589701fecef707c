//! One lock for genlock and etcd's own recipe.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use genlock::{EventKind, Options};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

use super::{client, turn};
use crate::support::etcd::Server;
use genlock::testing::contract::{lock, observed, soon, spawn_lock, until_empty, until_waiting};

/// `etcdctl lock KEY`: prints its key when it holds, and holds until it is interrupted.
pub(super) struct Etcdctl {
    child: Child,
    holds: JoinHandle<String>,
}

impl Etcdctl {
    pub(super) fn lock(server: &Server, key: &str) -> Self {
        let mut command = server.ctl_command(&["lock", key]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("etcdctl");
        let stdout = child.stdout.take().expect("its output");
        let holds = tokio::task::spawn_blocking(move || first_line(stdout));
        Self { child, holds }
    }

    /// Waits until it holds, and gives its key.
    pub(super) async fn holds(&mut self) -> String {
        soon("etcdctl's turn", &mut self.holds)
            .await
            .expect("a line")
    }

    /// Whether it does.
    pub(super) fn is_held(&self) -> bool {
        self.holds.is_finished()
    }

    /// Ends it as Ctrl-C would.
    pub(super) fn release(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("a signal");
        self.child.wait().expect("an end");
    }
}

impl Drop for Etcdctl {
    fn drop(&mut self) {
        // It has ended, if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(stdout: ChildStdout) -> String {
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    read.expect("a line");
    line.trim().to_owned()
}

pub(super) async fn until_keys(server: &Server, count: usize) {
    soon("a longer queue", async {
        while server.keys().len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcdctl_holds_and_genlock_waits() {
    let server = Server::start();
    let mut theirs = Etcdctl::lock(&server, "/k");
    let key = theirs.holds().await;
    let (options, mut events) = observed(Options::default());
    let ours = client(&server, options);
    assert!(ours.try_lock("/k").await.expect("an answer").is_none());
    let waiting = spawn_lock(&ours, "/k");
    // The one who does not wait is told who holds, and has no place.
    for place in [None, Some(1)] {
        let event = soon("an event", events.recv()).await.expect("an event");
        let EventKind::Waiting {
            holder,
            owner_key,
            ahead,
            ..
        } = event
        else {
            panic!("{event:?}");
        };
        assert_eq!(owner_key.as_ref(), Some(&key));
        assert!(holder.is_none(), "etcdctl writes no record");
        assert_eq!(ahead, place);
    }
    assert!(!waiting.is_finished());
    assert_eq!(server.keys()[0], key);
    theirs.release();
    let held = soon("our turn", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    let own = held.owner_key().expect("a key").to_owned();
    assert_eq!(server.keys(), [&*own]);
    assert_eq!(own, format!("/k/{}", super::lease_of(&held)));
    let read = server.ctl(&["get", &own, "--write-out=json"]);
    assert!(
        read.contains(&format!("\"create_revision\":{},", held.token())),
        "{read}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn genlock_holds_and_etcdctl_waits() {
    let server = Server::start();
    let ours = client(&server, Options::default());
    let held = lock(&ours, "/k").await;
    let mut theirs = Etcdctl::lock(&server, "/k");
    until_keys(&server, 2).await;
    assert!(!theirs.holds.is_finished());
    ours.unlock(held).await.expect("a release");
    assert!(theirs.holds().await.starts_with("/k/"));
    theirs.release();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixed_queue_is_served_in_order() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let held = lock(&holder, "/k").await;
    let mut second = Etcdctl::lock(&server, "/k");
    until_keys(&server, 2).await;
    let (options, mut events) = observed(Options::default());
    let third_client = client(&server, options);
    let third = spawn_lock(&third_client, "/k");
    until_waiting(&mut events).await;
    let mut fourth = Etcdctl::lock(&server, "/k");
    until_keys(&server, 4).await;

    holder.unlock(held).await.expect("a release");
    second.holds().await;
    assert!(!third.is_finished() && !fourth.holds.is_finished());
    second.release();
    let held = soon("our turn", third)
        .await
        .expect("no panic")
        .expect("a lock");
    assert!(!fourth.holds.is_finished());
    third_client.unlock(held).await.expect("a release");
    fourth.holds().await;
    fourth.release();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_place_in_the_queue_does_not_block() {
    let server = Server::start();
    let granted = server.ctl(&["lease", "grant", "60"]);
    let lease = granted.split(' ').nth(1).expect("a lease");
    // Without a lease; with another's; one level deeper.
    server.ctl(&["put", "/k/1", "stray"]);
    server.ctl(&["put", "/k/abc", "stray", "--lease", lease]);
    server.ctl(&["put", &format!("/k/deeper/{lease}"), "", "--lease", lease]);
    let (one, other) = (
        client(&server, Options::default()),
        client(&server, Options::default()),
    );
    let tried = one.try_lock("/k").await.expect("an answer");
    let tried = tried.expect("a free lock");
    assert!(other.try_lock("/k").await.expect("an answer").is_none());
    one.unlock(tried).await.expect("a release");

    let held = lock(&one, "/k").await;
    let (options, mut events) = observed(Options::default());
    let waiter = client(&server, options);
    let waiting = spawn_lock(&waiter, "/k");
    let event = soon("an event", events.recv()).await.expect("an event");
    assert!(
        matches!(event, EventKind::Waiting { ahead: Some(1), .. }),
        "{event:?}"
    );
    one.unlock(held).await.expect("a release");
    let held = turn(waiting).await;
    waiter.unlock(held).await.expect("a release");
    server.ctl(&["lease", "revoke", lease]);
    server.ctl(&["del", "/k/1"]);
    until_empty(&server).await;
}

#[tokio::test]
async fn a_store_is_opened_by_its_url() {
    let server = Server::start();
    let endpoint = server.endpoint();
    let bare = endpoint.strip_prefix("http://").expect("no TLS");
    for url in [
        bare.to_owned(),
        format!("etcd://{bare}"),
        format!("{endpoint},{bare}"),
    ] {
        let locks = genlock::open(&url, Options::default()).expect("a store");
        assert_eq!(locks.capabilities().store, "etcd");
        let held = soon("a lock", locks.lock("/k")).await.expect("a lock");
        assert!(held.is_held() && !server.keys().is_empty());
        held.unlock().await.expect("a release");
        locks.close().await.expect("an end");
    }
    let strange = genlock::open("ftp://h", Options::default()).err();
    assert!(strange.is_some_and(|error| error.to_string().contains("ftp://h")));
}
