//! ZooKeeper, and kazoo's lock around a subprocess.

use std::ffi::OsStr;
use std::process::Command;
use std::sync::Arc;

use super::{Remote, Secure};
use crate::family::number_after;
use crate::tool::quiet;
use crate::zookeeper::{Chroot, PYTHON, ZkServer};

const KAZOO: &str = r#"
import subprocess, sys
from kazoo.client import KazooClient
client = KazooClient(sys.argv[1])
client.start()
with client.Lock(sys.argv[2]):
    status = subprocess.call(sys.argv[3:])
client.stop()
sys.exit(status)
"#;

/// Every lock of the bench is in here.
const CHROOT: &str = "/bench";

pub(crate) struct ZooKeeper(Chroot);

impl Remote for ZooKeeper {
    const NAME: &'static str = "ZooKeeper";
    const NAIVE: &'static str = "kazoo's Lock";
    const NAIVE_QUEUES: bool = true;

    fn start() -> Self {
        let server = Arc::new(ZkServer::start());
        let path = CHROOT.to_owned();
        Self(Chroot { server, path })
    }

    fn address(&self) -> String {
        self.0.server.address()
    }

    fn endpoint(address: &str, tls: bool) -> String {
        format!("{}://{address}{CHROOT}", if tls { "zks" } else { "zk" })
    }

    fn secure() -> Secure {
        let (server, address) = ZkServer::secure();
        let files = server.file("");
        Secure::new(server, address, &files)
    }

    fn naive(address: &str, key: &str, command: &[&OsStr]) -> Command {
        let mut script = Command::new(PYTHON);
        script.args(["-c", KAZOO, address, &format!("{CHROOT}{key}")]);
        script.args(command);
        quiet(&mut script);
        script
    }

    fn places(&self, key: &str) -> usize {
        let below = format!("{key}/");
        let standing = self.0.standing();
        standing
            .iter()
            .filter(|node| node.starts_with(&below))
            .count()
    }

    /// As it counts packets, without ours.
    fn requests(&self, meanwhile: impl FnOnce()) -> u64 {
        let received = || number_after(&self.0.server.words("srvr"), "Received:");
        let (one, two) = (received(), received());
        meanwhile();
        let ours = two - one;
        received() - two - ours
    }
}
