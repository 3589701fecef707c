//! The library against real stores.

#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod contract;

mod etcd;
mod file;
