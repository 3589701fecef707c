//! For tests: a store of locks in memory for one's own, and the suite that every store has to pass.
//! Behind the feature `testing`.

pub mod contract;
mod memory;

pub use memory::{MemoryClient, MemoryStore};
