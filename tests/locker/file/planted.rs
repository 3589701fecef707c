//! What another user may have put in the place of a lock file, and directories that are not fit.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use genlock::{ErrorKind, FileStore, Options};
use rustix::fs::{CWD, FileType, Mode};

use super::{client, directory};
use genlock::testing::contract::{lock, soon};

/// Fails unless the key `k` is refused there, with a message that says where and why.
async fn refused(directory: &Path, why: &str) {
    let client = client(directory);
    let path = directory.join("k.lock");
    for _ in 0..2 {
        let locked = soon("a refusal", client.lock("k")).await;
        let error = locked.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        let message = error.to_string();
        assert!(message.contains(&*path.to_string_lossy()), "{message}");
        assert!(message.contains(why), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let dir = directory();
    let target = dir.path().join("target");
    symlink(&target, dir.path().join("k.lock")).expect("a link");
    refused(dir.path(), "symbolic link").await;
    assert!(!target.exists(), "made what a link pointed to");
    std::fs::write(&target, "").expect("a file");
    refused(dir.path(), "symbolic link").await;
    assert_eq!(std::fs::read(&target).expect("a file"), b"");
}

#[tokio::test]
async fn a_hard_link_is_refused() {
    let dir = directory();
    let target = dir.path().join("target");
    std::fs::write(&target, "").expect("a file");
    std::fs::hard_link(&target, dir.path().join("k.lock")).expect("a link");
    refused(dir.path(), "hard link").await;
    assert_eq!(std::fs::read(&target).expect("a file"), b"");
}

#[tokio::test]
async fn a_fifo_is_refused_and_does_not_block() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    refused(dir.path(), "regular file").await;
}

#[tokio::test]
async fn a_socket_and_a_directory_are_refused() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    std::fs::create_dir(&path).expect("a directory");
    refused(dir.path(), "irectory").await;
    std::fs::remove_dir(&path).expect("a directory");
    let _socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    refused(dir.path(), "cannot open").await;
}

#[test]
fn ones_own_directory_is_made_for_oneself() {
    let parent = directory();
    let dir = parent.path().join("locks");
    FileStore::open(&dir, Options::default()).expect("a store");
    let mode = dir.metadata().expect("a directory").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);

    let link = parent.path().join("link");
    symlink(&dir, &link).expect("a link");
    FileStore::open(&link, Options::default()).expect("one's own link is one's own choice");
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let parent = directory();
    let file = parent.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let open = parent.path().join("open");
    std::fs::create_dir(&open).expect("a directory");
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).expect("a mode");
    for (path, why) in [
        (parent.path().join("no/parent"), "no such file"),
        (file, "not a directory"),
        (open, "sticky"),
    ] {
        let error = FileStore::open(&path, Options::default()).expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        let message = error.to_string();
        assert!(message.contains(&*path.to_string_lossy()), "{message}");
        assert!(message.contains(why), "{message}");
    }
}

#[tokio::test]
async fn a_directory_that_is_removed_is_named() {
    let parent = directory();
    let dir = parent.path().join("locks");
    let client = client(&dir);
    let held = lock(&client, "k").await;
    std::fs::remove_dir_all(&dir).expect("a directory");
    soon("a loss", held.lost()).await;
    let error = client.try_lock("other").await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    assert!(
        error.to_string().contains(&*dir.to_string_lossy()),
        "{error}"
    );
}
