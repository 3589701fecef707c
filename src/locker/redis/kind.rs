//! Redis in the list of stores.

use super::protocol::PROTOCOL;
use super::{CAPABILITIES, Redis, examine};
use crate::locker::Config;
use crate::locker::kind::{StoreHelp, StoreKind};
use crate::locker::net::SETTINGS;

/// What is known of Redis. Several are Sentinels: two masters would be two locks.
pub(crate) static KIND: StoreKind = StoreKind {
    schemes: &[
        "redis://",
        "rediss://",
        "redis+sentinel://",
        "rediss+sentinel://",
    ],
    path_schemes: &[],
    several: true,
    is_local: false,
    default_endpoint: PROTOCOL.default_endpoint,
    capabilities: &CAPABILITIES,
    user_of_password: Some("default"),
    settings: &SETTINGS,
    variables: &[],
    help: StoreHelp {
        endpoints: "redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER",
        about: &[
            "the key is Redis' own, a string that expires: genlock and everybody's",
            "SET KEY VALUE NX PX exclude each other; first come first served among genlocks. Locks",
            "end by the server's clock, and a failover without min-replicas-to-write can give one",
            "twice; the token still orders the two.",
        ],
        example: ("redis://cache:6379/2", "in the second database of a Redis"),
        files: &[],
    },
    from_anywhere,
    open: |config, options| Ok(Box::new(Redis::new(config, options)?)),
    examine: examine::examine,
};

fn from_anywhere(config: &Config) -> String {
    let each = config.endpoints.iter().flatten().cloned();
    each.collect::<Vec<_>>().join(",")
}
