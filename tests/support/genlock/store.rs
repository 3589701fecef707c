//! Locks of one test's own, in files or in a server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tempfile::TempDir;

use super::{Run, bare, genlock, output};
use crate::process::with_argument;
use crate::support::etcd::Server;
use crate::support::redis::RedisServer;
use crate::support::shared;
use crate::support::zookeeper::Chroot;

/// Locks of one test's own.
pub(crate) struct Store {
    pub(crate) endpoints: String,
    /// A name that no other test uses.
    pub(crate) key: String,
    /// Room for the test's files; the file store has its locks in `locks`.
    directory: TempDir,
    server: StoreServer,
}

/// The server that a store is in.
enum StoreServer {
    Etcd(Arc<Server>),
    Redis(Arc<RedisServer>),
    ZooKeeper(Chroot),
    /// None, or one that is not ours to know.
    Other,
}

/// The etcd that the tests which run now share: the last of them ends it.
static ETCD: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The same of a Redis.
static REDIS: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());

/// Each test has its keys to itself.
static KEYS: AtomicU32 = AtomicU32::new(0);

impl Store {
    fn new(endpoints: String, key: String, server: StoreServer) -> Self {
        Self {
            endpoints,
            key,
            directory: tempfile::tempdir().expect("a directory"),
            server,
        }
    }

    /// In a server that other tests use too.
    fn in_shared(endpoints: String, server: StoreServer) -> Self {
        let key = format!("/locks/{}", KEYS.fetch_add(1, Ordering::Relaxed));
        Self::new(endpoints, key, server)
    }

    /// The file store.
    pub(crate) fn files() -> Self {
        let mut store = Self::new(String::new(), "k".to_owned(), StoreServer::Other);
        store.endpoints = format!("file:{}", store.path("locks").display());
        store
    }

    /// An etcd.
    pub(crate) fn etcd() -> Self {
        let server = shared(&ETCD, Server::start);
        Self::in_shared(server.endpoint(), StoreServer::Etcd(server))
    }

    /// A Redis.
    pub(crate) fn redis() -> Self {
        let server = shared(&REDIS, RedisServer::start);
        Self::in_shared(server.endpoint(), StoreServer::Redis(server))
    }

    /// A chroot in a ZooKeeper.
    pub(crate) fn zookeeper() -> Self {
        let chroot = Chroot::of_the_shared();
        Self::in_shared(chroot.endpoint(), StoreServer::ZooKeeper(chroot))
    }

    /// A store that is there already; the key is below `/locks/`.
    pub(crate) fn at(endpoints: impl Into<String>) -> Self {
        Self::new(endpoints.into(), "/locks/k".to_owned(), StoreServer::Other)
    }

    /// Whether its locks run out where nobody renews them, as far as is known.
    pub(crate) fn expires(&self) -> bool {
        !matches!(self.server, StoreServer::Other)
    }

    /// One more of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self.server {
            StoreServer::Etcd(_) => Self::etcd(),
            StoreServer::Redis(_) => Self::redis(),
            StoreServer::ZooKeeper(_) => Self::zookeeper(),
            StoreServer::Other => Self::files(),
        }
    }

    /// The etcd, where it is one.
    pub(crate) fn server(&self) -> Option<&Server> {
        match &self.server {
            StoreServer::Etcd(server) => Some(server),
            StoreServer::Redis(_) | StoreServer::ZooKeeper(_) | StoreServer::Other => None,
        }
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
        match &self.server {
            StoreServer::Redis(server) => server.contenders(&self.key),
            StoreServer::Etcd(server) => {
                let prefix = format!("{}/", self.key);
                let mut keys = server.keys();
                keys.retain(|key| key.starts_with(&prefix));
                keys
            }
            StoreServer::ZooKeeper(chroot) => {
                let lock = format!("{}/", self.key);
                let mut nodes = chroot.standing();
                nodes.retain(|node| node.starts_with(&lock));
                nodes
            }
            StoreServer::Other => Vec::new(),
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

    /// Holds the lock of a file by flock(1), which leaves no record, until the run is dropped.
    pub(crate) fn hold_by_flock(&self) -> Run {
        let mut flock = bare("flock");
        // In one process, which is killed then.
        flock.arg("--no-fork");
        flock.arg(self.path("locks").join(format!("{}.lock", self.key)));
        flock.args(["sh", "-c", "echo ready $$; exec sleep 600"]);
        let run = Run::start(flock);
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
