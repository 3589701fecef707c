//! ZooKeeper in the list of stores.

use super::ensemble::PROTOCOL;
use super::{CAPABILITIES, ZooKeeper, examine, hold};
use crate::locker::Config;
use crate::locker::kind::{StoreHelp, StoreKind, behind_scheme};
use crate::locker::net::SETTINGS;

/// What is known of ZooKeeper.
pub(crate) static KIND: StoreKind = StoreKind {
    schemes: &["zk://", "zks://"],
    path_schemes: &[],
    several: true,
    is_local: false,
    default_endpoint: PROTOCOL.default_endpoint,
    capabilities: &CAPABILITIES,
    user_of_password: None,
    settings: &SETTINGS,
    variables: &[(hold::LEASE, "the session, as ZooKeeper writes it")],
    help: StoreHelp {
        endpoints: "zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper",
        about: &[
            "the lock is Curator's InterProcessMutex (layout=curator, as if it is not said), its",
            "read/write lock (curator-rw), or kazoo's Lock (kazoo): they and genlock exclude each",
            "other under the same path, first come first served. A renewal is a write that a",
            "majority acknowledged.",
        ],
        example: (
            "zk://a,b,c/apps?layout=kazoo",
            "below /apps in a ZooKeeper of three, beside kazoo",
        ),
        files: &[],
    },
    from_anywhere,
    examine: examine::examine,
    open: |config, options| Ok(Box::new(ZooKeeper::new(config, options)?)),
};

fn from_anywhere(config: &Config) -> String {
    let all = config.endpoints.iter().flatten();
    let all = all.cloned().collect::<Vec<_>>().join(",");
    match behind_scheme(&all, "zk://") {
        Some(rest) if config.tls.is_wanted() => format!("zks://{rest}"),
        _ => all,
    }
}
