//! The stores beside etcd, each with the naive way of running a command under a lock in it.

mod redis;
mod zookeeper;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

pub(crate) use self::redis::Redis;
pub(crate) use self::zookeeper::ZooKeeper;
use crate::tool::{Tool, over_tls};

pub(crate) trait Remote: Sized {
    const NAME: &'static str;
    /// The naive way.
    const NAIVE: &'static str;
    /// Whether that waits in a queue; a script asks again and again.
    const NAIVE_QUEUES: bool;

    fn start() -> Self;

    /// Where it listens, as HOST:PORT.
    fn address(&self) -> String;

    /// What is at this HOST:PORT, or before it, as `--endpoints` takes it.
    fn endpoint(address: &str, tls: bool) -> String;

    /// One that wants TLS: what is to be kept, where it listens, and where the certificates are.
    fn secure() -> Secure;

    /// The naive way; it waits for its turn.
    fn naive(address: &str, key: &str, command: &[&OsStr]) -> Command;

    /// How many hold this key's lock or wait for it in a queue.
    fn places(&self, key: &str) -> usize;

    /// How many requests the server gets meanwhile.
    fn requests(&self, meanwhile: impl FnOnce()) -> u64;
}

/// A server that is reached with a client certificate.
pub(crate) struct Secure {
    _server: Box<dyn std::any::Any>,
    pub(crate) address: String,
    files: std::path::PathBuf,
}

impl Secure {
    fn new(server: impl std::any::Any, address: String, files: &Path) -> Self {
        Self {
            _server: Box::new(server),
            address,
            files: files.to_owned(),
        }
    }

    /// genlock, with what TLS takes.
    pub(crate) fn genlock(&self, endpoint: &str, key: &str, command: &[&OsStr]) -> Command {
        let genlock = Tool::Genlock.lock(endpoint, key, command);
        over_tls(Tool::Genlock, &self.files, genlock)
    }
}
