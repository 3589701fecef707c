//! The file store: the contract, and what is true of files alone.

mod content;
mod inherited;
mod many;
mod marks;
mod planted;
mod shared;
mod sharers;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use genlock::{FileStore, Held, History, Locker, Marks, Operator, Options};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tempfile::TempDir;

use genlock::testing::contract::{Fixture, soon};

struct Files(TempDir);

impl Fixture for Files {
    async fn start() -> Self {
        Self(directory())
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        client_with(self.0.path(), options)
    }

    async fn marks(&self, options: Options) -> Arc<dyn Marks> {
        Arc::new(FileStore::open(self.0.path(), options).expect("a store"))
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(FileStore::open(self.0.path(), Options::default()).expect("a store"))
    }

    async fn historian(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(
            FileStore::open(self.0.path(), Options::default()).expect("a store"),
        ))
    }

    async fn leftovers(&self) -> Vec<String> {
        files(self.0.path())
            .into_iter()
            .filter(|path| {
                is_mark(path)
                    || is_locked(path)
                    || path.metadata().is_ok_and(|file| file.size() > 21)
            })
            .map(|path| path.display().to_string())
            .collect()
    }

    async fn delete(&self, held: &Held) -> bool {
        let name = held.key().replace('/', "%2F") + ".lock";
        std::fs::remove_file(self.0.path().join(name)).expect("a lock file");
        true
    }
}

mod keeps_the_contract {
    genlock::contract!(super::Files);
}

/// An empty directory.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A client that keeps its locks there.
fn client(directory: &Path) -> Arc<dyn Locker> {
    client_with(directory, Options::default())
}

fn client_with(directory: &Path, options: Options) -> Arc<dyn Locker> {
    Arc::new(FileStore::open(directory, options).expect("a store"))
}

/// The lock files of a directory, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut all: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    all.sort();
    all
}

/// Whether anybody has the file locked.
fn is_locked(path: &Path) -> bool {
    let file = std::fs::File::open(path).expect("a lock file");
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // Another test may be about to start a process, which has a copy until it is started.
            flock(&file, FlockOperation::Unlock).expect("a lock to let go of");
            false
        }
        Err(Errno::WOULDBLOCK) => true,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

fn is_mark(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "once" || end == "new")
}

/// Waits until nobody has the file locked.
async fn until_free(path: &Path) {
    soon("a free lock", async {
        while is_locked(path) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
