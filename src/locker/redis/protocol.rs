//! What the servers are reached by.

use crate::locker::net::protocol::Protocol;

/// Redis is spoken to by RESP3.
pub(super) static PROTOCOL: Protocol = Protocol {
    store: "redis",
    named: "redis",
    scheme: "redis",
    secure_scheme: "rediss",
    port: 6379,
    default_endpoint: "redis://127.0.0.1:6379",
    alpn: &[],
};
