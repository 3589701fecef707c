//! Runs a command while holding a distributed lock; this is the library under the `genlock` tool.
//!
//! [`Locker`] is the contract, [`Etcd`], [`Redis`], [`ZooKeeper`] and [`FileStore`] are the stores
//! behind it.
//!
//! ```
//! use genlock::{FileStore, Hold, Locker, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> genlock::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! let locks = FileStore::open(dir.path(), Options::default())?;
//! locks.hold("/locks/backup", async |held| back_up(held.token()).await).await?;
//! locks.close().await
//! # }
//! # async fn back_up(_fencing_token: u64) {}
//! ```
//!
//! [`Hold::hold`] drops the work if the lock is lost, and releases the lock in any case. Who wants to do
//! that by hand has [`Locker::lock`], [`Held::lost`] and [`Held::unlock`]; who has more to say than
//! a key begins with [`Locker::request`].
//!
//! # Features
//!
//! A service wants none of the tool: `default-features = false`, and of these what it uses.
//!
//! | feature | what it has |
//! |---|---|
//! | `etcd` | [`Etcd`] |
//! | `file` | [`FileStore`], which needs few crates |
//! | `redis` | [`Redis`] |
//! | `zookeeper` | [`ZooKeeper`] |
//! | `testing` | `genlock::testing`: a store in memory and paused time, for a service's own tests |
//! | `tracing` | `genlock::trace`, which hands events to [tracing](https://docs.rs/tracing) |
//! | `cli` | the tool, with etcd and files; the default, along with all stores |
//!
//! [`open`] goes by the stores that are built in.
//!
//! # What is promised
//!
//! A [`Held`] lock has a [deadline](Held::deadline): nobody else can hold the lock before it, while
//! clocks advance at nearly the same rate. What the lock protects has to have stopped by then, and
//! [`Held::lost`] tells. The `genlock` tool does this with a process of its own for its command; a
//! service that uses the library has to look itself. A process that is paused past the deadline
//! cannot look: for that there is the [fencing token](Held::token).

#[cfg(not(target_os = "linux"))]
compile_error!("genlock builds on Linux only: it rests on timerfd, signalfd and child subreapers");

pub mod clock;
mod error;
mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "net")]
mod input;
pub mod locker;
mod loss;
mod mode;
mod record;
mod report;
mod secrets;
mod stores;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
mod columns;
#[cfg(feature = "cli")]
mod describe;
#[cfg(feature = "cli")]
mod exit;
#[cfg(feature = "cli")]
mod local_time;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "cli")]
mod stderr;
#[cfg(feature = "cli")]
mod supervise;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub use supervise::arguments;

pub use error::{Error, ErrorKind, Result, Setting, Subject};
#[cfg(feature = "tracing")]
pub use events::trace;
pub use events::{Event, EventKind, Observer, SkipReason, StopReason};
#[cfg(feature = "etcd")]
pub use locker::Config as EtcdConfig;
#[cfg(feature = "etcd")]
pub use locker::etcd::Etcd;
#[cfg(feature = "file")]
pub use locker::file::FileStore;
pub use locker::kind::{StoreClient, StoreKind};
#[cfg(feature = "redis")]
pub use locker::redis::Redis;
#[cfg(feature = "zookeeper")]
pub use locker::zookeeper::ZooKeeper;
pub use locker::{
    Capabilities, Capability, Config, Grant, Held, History, Hold, Locker, Loss, Mark, Marks, Mode,
    Operator, Options, Ownership, QueuePolicy, Record, Request, RequestBuilder,
};
#[cfg(feature = "net")]
pub use locker::{Credentials, Tls};
pub use report::{BlockedKey, CommandEnd, RunReport, Why};
pub use stores::{STORES, open, open_with, stores_with};

/// The examples in the documentation compile.
#[cfg(all(doctest, feature = "etcd", feature = "file"))]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/recipes/rust.md")]
struct Readme;
