//! A directory that users share: its mode and group decide who locks in it.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use genlock::{ErrorKind, FileStore, Locker, Options};
use rustix::process::{Gid, Uid, geteuid};
use tempfile::TempDir;

use super::directory;

/// Two users without rights, nor a need for an account, and their group.
const ALICE: u32 = 64_001;
const BOB: u32 = 64_002;
const GROUP: u32 = 64_003;

/// A directory `locks` of root's and the group's, in one that all users can look into.
fn shared(mode: u32) -> (TempDir, PathBuf) {
    let parent = directory();
    std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
    let dir = parent.path().join("locks");
    std::fs::create_dir(&dir).expect("a directory");
    chown(&dir, Some(0), Some(GROUP)).expect("root's right");
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(mode)).expect("a mode");
    (parent, dir)
}

/// The owner, the group and the mode.
fn rights(path: &Path) -> (u32, u32, u32) {
    let metadata = path.symlink_metadata().expect("a file");
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can become another user");
    }
    root
}

/// Takes the key's lock as this user, who is in these groups too, and gives its token; `None` if it
/// is held.
fn token_as(
    user: u32,
    groups: &[u32],
    dir: &Path,
    key: &'static str,
) -> genlock::Result<Option<u64>> {
    let dir = dir.to_owned();
    let groups: Vec<_> = groups.iter().copied().map(Gid::from_raw).collect();
    // On Linux each thread has credentials of its own (credentials(7)).
    let run = move || {
        let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
        rustix::thread::set_thread_groups(&groups).expect("groups");
        rustix::thread::set_thread_res_gid(gid, gid, gid).expect("a group");
        rustix::thread::set_thread_res_uid(uid, uid, uid).expect("a user");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let store = FileStore::open(dir, Options::default())?;
            let Some(held) = store.try_lock(key).await? else {
                return Ok(None);
            };
            let token = held.token();
            store.unlock(held).await.map(|()| Some(token))
        })
    };
    std::thread::spawn(run).join().expect("no panic")
}

#[track_caller]
fn denied(taken: genlock::Result<Option<u64>>, path: &Path) {
    let error = taken.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
}

/// Each of them takes the lock of `key` once, and its tokens increase.
#[track_caller]
fn all_meet(dir: &Path, users: &[(u32, &[u32])], key: &'static str) {
    let tokens = users.iter().map(|(user, groups)| {
        let token = token_as(*user, groups, dir, key).expect("an answer");
        token.expect("a free lock")
    });
    let tokens: Vec<_> = tokens.collect();
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}

/// Root's cron job and the shells of two users.
#[tokio::test]
async fn all_users_meet_where_all_can_write() {
    if !is_root() {
        return;
    }
    let (_parent, dir) = shared(0o1777);
    all_meet(&dir, &[(ALICE, &[]), (BOB, &[]), (0, &[])], "alice");
    assert_eq!(rights(&dir.join("alice.lock")), (ALICE, ALICE, 0o666));
    let root = FileStore::open(&dir, Options::default()).expect("a store");
    let held = root.lock("root").await.expect("a lock");
    assert_eq!(token_as(BOB, &[], &dir, "root").expect("an answer"), None);
    root.unlock(held).await.expect("a release");
    all_meet(&dir, &[(BOB, &[])], "root");
}

/// With the set-group-ID bit the kernel gives the files to the group; without it we do.
#[test]
fn a_group_meets_where_it_can_write_and_nobody_else_does() {
    if !is_root() {
        return;
    }
    for mode in [0o2770, 0o770, 0o2775, 0o3770] {
        let (_parent, dir) = shared(mode);
        let group: &[u32] = &[GROUP];
        all_meet(&dir, &[(ALICE, group), (BOB, group), (0, &[])], "alice");
        assert_eq!(rights(&dir.join("alice.lock")), (ALICE, GROUP, 0o660));
        all_meet(&dir, &[(0, &[]), (BOB, group)], "root");
        denied(token_as(BOB, &[], &dir, "root"), &dir);
    }
}

/// Its files are not opened to a group of another's choice.
#[test]
fn what_cannot_be_given_to_the_group_stays_its_users_alone() {
    if !is_root() {
        return;
    }
    let (_parent, dir) = shared(0o770);
    chown(&dir, Some(ALICE), None).expect("root's right");
    all_meet(&dir, &[(ALICE, &[])], "k");
    assert_eq!(rights(&dir.join("k.lock")), (ALICE, ALICE, 0o600));
    denied(token_as(BOB, &[GROUP], &dir, "k"), &dir.join("k.lock"));
    all_meet(&dir, &[(ALICE, &[GROUP]), (BOB, &[GROUP])], "k");
}

#[test]
fn where_nobody_else_can_write_a_new_file_is_its_users_alone() {
    if !is_root() {
        return;
    }
    let (_parent, dir) = shared(0o755);
    all_meet(&dir, &[(0, &[])], "k");
    assert_eq!(rights(&dir.join("k.lock")), (0, 0, 0o600));
    denied(token_as(BOB, &[], &dir, "k"), &dir.join("k.lock"));
    // A file that its user has opened to others is so on purpose.
    std::fs::set_permissions(dir.join("k.lock"), PermissionsExt::from_mode(0o666)).expect("a mode");
    all_meet(&dir, &[(BOB, &[]), (0, &[]), (BOB, &[])], "k");
}

/// Whoever made a file may have been stopped before giving it its mode.
#[test]
fn a_file_that_others_cannot_open_is_put_right() {
    if !is_root() {
        return;
    }
    for (mode, right) in [(0o1777, 0o666), (0o2770, 0o660)] {
        let (_parent, dir) = shared(mode);
        let path = dir.join("k.lock");
        std::fs::write(&path, "").expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("a mode");
        denied(token_as(BOB, &[GROUP], &dir, "k"), &path);
        all_meet(&dir, &[(0, &[]), (BOB, &[GROUP])], "k");
        assert_eq!(rights(&path).2, right);
    }
}
