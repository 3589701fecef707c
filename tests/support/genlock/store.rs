//! Locks of one test's own, in files or in an etcd.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use super::{Run, genlock, output};
use crate::process::with_argument;
use crate::support::etcd::Server;
use crate::support::redis::RedisServer;

/// Locks of one test's own.
pub(crate) struct Store {
    pub(crate) endpoints: String,
    /// A name that no other test uses.
    pub(crate) key: String,
    /// Room for the test's files; the file store has its locks in `locks`.
    directory: TempDir,
    /// The etcd, where it is one.
    server: Option<Arc<Server>>,
    /// The Redis, where it is one.
    redis: Option<Arc<RedisServer>>,
}

/// The etcd that the tests which run now share: the last of them ends it.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The same of a Redis.
static REDIS: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());

/// Each test has its keys to itself.
static KEYS: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// The file store.
    pub(crate) fn files() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            endpoints: format!("file:{}", directory.path().join("locks").display()),
            key: "k".to_owned(),
            directory,
            server: None,
            redis: None,
        }
    }

    /// An etcd.
    pub(crate) fn etcd() -> Self {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared
            .upgrade()
            .unwrap_or_else(|| Arc::new(Server::start()));
        *shared = Arc::downgrade(&server);
        Self {
            endpoints: server.endpoint(),
            key: format!("/locks/{}", KEYS.fetch_add(1, Ordering::Relaxed)),
            directory: tempfile::tempdir().expect("a directory"),
            server: Some(server),
            redis: None,
        }
    }

    /// A Redis.
    pub(crate) fn redis() -> Self {
        let mut shared = REDIS.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared
            .upgrade()
            .unwrap_or_else(|| Arc::new(RedisServer::start()));
        *shared = Arc::downgrade(&server);
        Self {
            endpoints: server.endpoint(),
            key: format!("/locks/{}", KEYS.fetch_add(1, Ordering::Relaxed)),
            directory: tempfile::tempdir().expect("a directory"),
            server: None,
            redis: Some(server),
        }
    }

    /// Whether its locks run out where nobody renews them.
    pub(crate) fn expires(&self) -> bool {
        self.server.is_some() || self.redis.is_some()
    }

    /// One more of the same kind.
    pub(crate) fn another(&self) -> Self {
        match (&self.server, &self.redis) {
            (Some(_), _) => Self::etcd(),
            (_, Some(_)) => Self::redis(),
            (None, None) => Self::files(),
        }
    }

    /// The etcd, where it is one.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_deref()
    }

    /// Every living process of a genlock that this store's key was given to.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut found = with_argument(&self.endpoints);
        let of_key = with_argument(&self.key);
        found.retain(|pid| of_key.contains(pid));
        found
    }

    /// What holders and waiters of this key have in the store.
    pub(crate) fn entries(&self) -> Vec<String> {
        if let Some(redis) = &self.redis {
            return redis.contenders(&self.key);
        }
        let all = self.server.iter().flat_map(|server| server.keys());
        let prefix = format!("{}/", self.key);
        all.filter(|key| key.starts_with(&prefix)).collect()
    }

    /// A store that is there already; the key is below `/locks/`.
    pub(crate) fn at(endpoints: impl Into<String>) -> Self {
        Self {
            endpoints: endpoints.into(),
            key: "/locks/k".to_owned(),
            directory: tempfile::tempdir().expect("a directory"),
            server: None,
            redis: None,
        }
    }

    /// `genlock run` with these options and this command, on this store's key.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> Command {
        let mut genlock = genlock();
        genlock.args(["run", "--endpoints", &self.endpoints]);
        if self.expires() {
            // A killed genlock's lock is free after that, and somebody waits for it.
            genlock.env("GENLOCK_TTL", "5");
        }
        genlock.args(options).arg(&self.key).args(command);
        genlock.current_dir(self.directory());
        genlock
    }

    /// [`Store::run`] for a shell script, whose `$0` is `sh`.
    pub(crate) fn sh(&self, options: &[&str], script: &str) -> Command {
        self.run(options, &["sh", "-c", script])
    }

    /// A file of this test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The test's own directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Holds the lock until the run is ended.
    pub(crate) fn hold(&self) -> Run {
        let run = Run::start(self.sh(&[], "echo ready $$; exec sleep 600"));
        run.ready();
        run
    }

    /// Whether the lock can be taken now.
    pub(crate) fn is_free(&self) -> bool {
        match output(self.run(&["-n", "-q"], &["true"])).status.code() {
            Some(0) => true,
            Some(75) => false,
            other => panic!("asking for the lock ended with {other:?}"),
        }
    }
}
