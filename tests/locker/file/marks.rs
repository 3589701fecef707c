//! Marks in files: what is left of one that was not finished, what others may put there, and who may
//! write them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use genlock::{FileStore, Held, Locker, Mark, Marks, Options, Record};

use super::{directory, files};

const KEEP: Duration = Duration::from_secs(60);

async fn held(store: &FileStore) -> (Held, Mark) {
    let held = store.lock("/k").await.expect("a lock");
    let mark = Mark::begun("n", Record::of_this_process(), &held);
    (held, mark)
}

#[tokio::test]
async fn what_was_not_finished_is_no_mark_and_goes_with_the_next() {
    let directory = directory();
    let store = FileStore::open(directory.path(), Options::default()).expect("a store");
    let (held, mark) = held(&store).await;
    let fresh = directory.path().join("%2Fk:17.new");
    std::fs::write(&fresh, mark.to_json(KEEP)).expect("a file");
    assert_eq!(store.last_mark("/k").await.expect("an answer"), None);
    let strange = directory.path().join("%2Fk:x.once");
    symlink("/etc/passwd", &strange).expect("a link");
    assert_eq!(store.last_mark("/k").await.expect("an answer"), None);
    assert!(store.marked("/k", "x").await.is_err());
    store.set_mark(&held, &mark, KEEP).await.expect("a mark");
    let names = files(directory.path());
    let names = names.iter().filter_map(|path| path.file_name()?.to_str());
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["%2Fk.lock", "%2Fk:n.once", "%2Fk:x.once"]);
}

#[tokio::test]
async fn a_mark_is_written_by_whom_the_lock_file_is() {
    for (directory_mode, file_mode) in [
        (0o700, 0o600),
        (0o755, 0o600),
        (0o770, 0o660),
        (0o1777, 0o666),
    ] {
        let directory = directory();
        let mode = PermissionsExt::from_mode(directory_mode);
        std::fs::set_permissions(directory.path(), mode).expect("a mode");
        let store = FileStore::open(directory.path(), Options::default()).expect("a store");
        let (held, mark) = held(&store).await;
        store.set_mark(&held, &mark, KEEP).await.expect("a mark");
        for path in files(directory.path()) {
            let mode = path.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o7777, file_mode, "{}", path.display());
        }
    }
}
