//! The library against real stores.

#[path = "../support/mod.rs"]
mod support;

mod board;
mod clones;
mod etcd;
mod file;
mod hold;
mod many;
mod memory;
mod polled;
mod redis;
mod zookeeper;
