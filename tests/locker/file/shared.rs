//! The directory that all users of a host share.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use genlock::{ErrorKind, FileStore, Locker, Options};
use rustix::process::{Gid, Uid, geteuid};
use tempfile::TempDir;

use super::directory;

/// Two users without rights, nor a need for an account.
const ALICE: u32 = 64_001;
const BOB: u32 = 64_002;

/// A directory that all users can look into.
fn parent() -> TempDir {
    let dir = directory();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
    dir
}

fn made(parent: &TempDir, owner: u32, mode: u32) -> PathBuf {
    let dir = parent.path().join("genlock");
    std::fs::create_dir(&dir).expect("a directory");
    chown(&dir, Some(owner), Some(owner)).expect("root's right");
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(mode)).expect("a mode");
    dir
}

/// The owner and the mode.
fn rights(path: &Path) -> (u32, u32) {
    let metadata = path.symlink_metadata().expect("a file");
    (metadata.uid(), metadata.mode() & 0o7777)
}

fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can become another user");
    }
    root
}

/// Runs as another user: on Linux each thread has credentials of its own (credentials(7)).
fn run_as<T: Send + 'static>(user: u32, run: impl FnOnce() -> T + Send + 'static) -> T {
    let run = move || {
        let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
        rustix::thread::set_thread_groups(&[]).expect("no groups");
        rustix::thread::set_thread_res_gid(gid, gid, gid).expect("a group");
        rustix::thread::set_thread_res_uid(uid, uid, uid).expect("a user");
        run()
    };
    std::thread::spawn(run).join().expect("no panic")
}

fn opened_as(user: u32, dir: &Path) -> genlock::Result<()> {
    let dir = dir.to_owned();
    run_as(user, move || {
        FileStore::shared_in(dir, Options::default()).map(drop)
    })
}

/// Takes the key's lock as this user, and gives its token; `None` if it is held.
fn token_as(user: u32, dir: &Path, key: &'static str) -> Option<u64> {
    let dir = dir.to_owned();
    run_as(user, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let store = FileStore::shared_in(dir, Options::default()).expect("a store");
            let held = store.try_lock(key).await.expect("an answer")?;
            let token = held.token();
            store.unlock(held).await.expect("a release");
            Some(token)
        })
    })
}

fn refused(opened: genlock::Result<()>, kind: ErrorKind, dir: &Path) {
    let error = opened.expect_err("a refusal");
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    let way_out = format!("install -d -m 1777 -o root {}", dir.display());
    assert!(message.starts_with(&*dir.to_string_lossy()), "{message}");
    assert!(
        message.contains(&way_out) && message.contains("file:DIR"),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
}

#[tokio::test]
async fn it_is_made_for_all() {
    let parent = parent();
    let dir = parent.path().join("genlock");
    let store = FileStore::shared_in(&dir, Options::default()).expect("a store");
    assert_eq!(rights(&dir).1, 0o1777);
    drop(store.lock("k").await.expect("a lock"));
    assert_eq!(rights(&dir.join("k.lock")).1, 0o666);
}

#[test]
fn a_link_or_a_file_in_its_place_is_refused() {
    let parent = parent();
    let dir = parent.path().join("genlock");
    let elsewhere = parent.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a directory");
    symlink(&elsewhere, &dir).expect("a link");
    let before = rights(&elsewhere);
    let opened = FileStore::shared_in(&dir, Options::default()).map(drop);
    refused(opened, ErrorKind::InvalidConfig, &dir);
    assert_eq!(rights(&elsewhere), before);

    std::fs::remove_file(&dir).expect("a link");
    std::fs::write(&dir, "").expect("a file");
    let opened = FileStore::shared_in(&dir, Options::default()).map(drop);
    refused(opened, ErrorKind::InvalidConfig, &dir);
}

#[test]
fn root_takes_it_over() {
    if !is_root() {
        return;
    }
    for (owner, mode) in [(ALICE, 0o1777), (ALICE, 0o700), (0, 0o755), (0, 0o777)] {
        let parent = parent();
        let dir = made(&parent, owner, mode);
        FileStore::shared_in(&dir, Options::default()).expect("a store");
        assert_eq!(rights(&dir), (0, 0o1777));
        opened_as(BOB, &dir).expect("a store for all");
    }
}

#[test]
fn a_directory_of_a_stranger_is_refused() {
    if !is_root() {
        return;
    }
    let parent = parent();
    let dir = made(&parent, ALICE, 0o1777);
    refused(opened_as(BOB, &dir), ErrorKind::InvalidConfig, &dir);
    assert_eq!(rights(&dir), (ALICE, 0o1777));
    opened_as(ALICE, &dir).expect("her own");
}

#[test]
fn a_directory_in_which_others_replace_files_is_refused() {
    if !is_root() {
        return;
    }
    for mode in [0o777, 0o775] {
        let parent = parent();
        let dir = made(&parent, 0, mode);
        refused(opened_as(BOB, &dir), ErrorKind::InvalidConfig, &dir);
    }
    let parent = parent();
    let dir = made(&parent, 0, 0o700);
    refused(opened_as(BOB, &dir), ErrorKind::Denied, &dir);
    // Nor can he make one here.
    let absent = parent.path().join("absent");
    refused(opened_as(BOB, &absent), ErrorKind::Denied, &absent);
}

#[test]
fn ones_own_is_given_the_mode_that_it_needs() {
    if !is_root() {
        return;
    }
    let parent = parent();
    let dir = made(&parent, ALICE, 0o755);
    opened_as(ALICE, &dir).expect("her own");
    assert_eq!(rights(&dir), (ALICE, 0o1777));
}

/// Root's cron job and the shells of two users.
#[tokio::test]
async fn all_users_meet_on_the_same_lock() {
    if !is_root() {
        return;
    }
    let parent = parent();
    let dir = parent.path().join("genlock");
    let root = FileStore::shared_in(&dir, Options::default()).expect("a store");
    assert_eq!(token_as(ALICE, &dir, "alice"), Some(1));
    assert_eq!(rights(&dir.join("alice.lock")), (ALICE, 0o666));
    let held = root.lock("alice").await.expect("a lock");
    assert_eq!(held.token(), 2);
    assert_eq!(token_as(ALICE, &dir, "alice"), None);
    assert_eq!(token_as(BOB, &dir, "alice"), None);
    root.unlock(held).await.expect("a release");
    assert_eq!(token_as(BOB, &dir, "alice"), Some(3));

    let held = root.lock("root").await.expect("a lock");
    assert_eq!(token_as(BOB, &dir, "root"), None);
    root.unlock(held).await.expect("a release");
    assert_eq!(token_as(BOB, &dir, "root"), Some(2));
}

/// Whoever made a file may have been stopped before giving it its mode.
#[tokio::test]
async fn a_file_that_others_cannot_open_is_put_right() {
    if !is_root() {
        return;
    }
    let parent = parent();
    let dir = parent.path().join("genlock");
    let root = FileStore::shared_in(&dir, Options::default()).expect("a store");
    let path = dir.join("k.lock");
    std::fs::write(&path, "").expect("a file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("a mode");
    let error = run_as(BOB, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let store = FileStore::shared_in(dir, Options::default()).expect("a store");
            store.try_lock("k").await.expect_err("a refusal")
        })
    });
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
    drop(root.lock("k").await.expect("a lock"));
    assert_eq!(rights(&path).1, 0o666);
}
