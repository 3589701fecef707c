//! etcd in the list of stores.

use super::dial::PROTOCOL;
use super::{CAPABILITIES, Etcd, examine, hold};
use crate::locker::Config;
use crate::locker::kind::{StoreHelp, StoreKind, behind_scheme};
use crate::locker::net::SETTINGS;

/// The scheme that only says that etcd is meant, and nothing of the protocol.
const NAMED: &str = "etcd://";

/// etcd's line in the list of stores.
pub(crate) static KIND: StoreKind = StoreKind {
    schemes: &[NAMED, "http://", "https://", "unix:"],
    path_schemes: &["unix:"],
    several: true,
    is_local: false,
    default_endpoint: PROTOCOL.default_endpoint,
    capabilities: &CAPABILITIES,
    user_of_password: None,
    settings: &SETTINGS,
    variables: &[
        (hold::LEASE, "the lease, in hexadecimal as etcdctl takes it"),
        (hold::KEY, "the owner key, as of etcdctl lock"),
        (hold::REVISION, "the create revision of the owner key"),
    ],
    help: StoreHelp {
        endpoints: "HOST:PORT, http://, https:// or unix:// for etcd, several with commas between",
        about: &[
            "the lock is etcdctl's own: genlock, etcdctl lock and Go's concurrency.Mutex exclude",
            "each other under the same name, first come first served. A renewal counts only if a",
            "majority of etcd's members stands behind the leader that answered.",
        ],
        example: (
            "https://a:2379,https://b:2379",
            "over TLS, with two members of the cluster to turn to",
        ),
        files: &[],
    },
    from_anywhere,
    open: |config, options| Ok(Box::new(Etcd::new(config, options)?)),
    examine: examine::examine,
};

fn from_anywhere(config: &Config) -> String {
    let secure = config.tls.is_wanted();
    let each = config.endpoints.iter().flatten();
    let each = each.map(|endpoint| {
        if let Some(path) = behind_scheme(endpoint, "unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let absolute = std::path::absolute(path);
            return absolute.map_or_else(
                |_| endpoint.clone(),
                |path| format!("unix://{}", path.display()),
            );
        }
        match behind_scheme(endpoint, NAMED).unwrap_or(endpoint) {
            bare if secure && !bare.contains("://") => format!("https://{bare}"),
            bare => bare.to_owned(),
        }
    });
    each.collect::<Vec<_>>().join(",")
}
