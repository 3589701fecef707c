//! What several test programs share.

// Each of them uses its own part.
#![allow(dead_code)]
// Why something is skipped is printed.
#![allow(clippy::print_stdout)]

pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod etcd;
pub(crate) mod network;
pub(crate) mod redis;
pub(crate) mod secret;
pub(crate) mod zookeeper;
