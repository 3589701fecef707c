//! Locks in ZooKeeper, by the recipe of its own documentation, which Curator and kazoo follow as well:
//! they and this exclude each other, under the names that the layout says.
//!
//! A lock is a node, and who holds it or waits for it has a child of that: one that ends with its session,
//! and has the next number in its name. The lowest number holds; a waiter watches the one just ahead.

mod calls;
mod ensemble;
mod enter;
mod examine;
mod follow;
mod found;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod history;
mod hold;
mod index;
mod inspect;
mod jute;
mod kind;
mod lease;
mod marks;
mod names;
mod node;
mod operator;
mod path;
mod queue;
mod queueless;
mod session;
mod takeover;
mod turn;
mod value;
mod wait;
mod written;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::keeper::{Acquisition, Keeper};
use super::limits::MAX_TTL;
use super::{BoxFuture, Capabilities, Config, Held, Locker, Options, Request};
use crate::error::Result;
use ensemble::Ensemble;
pub(crate) use kind::KIND;
use queue::ZkAcquisition;

/// What ZooKeeper's locks can do.
pub(crate) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new(
        "zookeeper",
        "ZooKeeper keeps what a majority has acknowledged",
    );
    able.expires = true;
    able.fifo = true;
    able.shared = true;
    able.several_holders = true;
    able.several_keys = true;
    able.latest = true;
    able.time_left = true;
    able.history = true;
    able.marks = true;
    able.waiters_visible = true;
    able
};

/// Locks in ZooKeeper: one client, and a clone is the same one. It connects with the first call.
///
/// Each lock has a session of its own, half as long again as its TTL: what the servers' own bookkeeping
/// may take of it comes off first. It is renewed, by a write, at a third of the TTL by a task on the
/// runtime of the call that took it: that runtime has to live, and run, for as long as the lock is held.
#[derive(Clone)]
pub struct ZooKeeper {
    shared: Arc<ZkShared>,
}

/// What the client and the tasks of its sessions have in common.
struct ZkShared {
    ensemble: Arc<Ensemble>,
    options: Options,
    claims: Claims,
    keeper: Arc<Keeper>,
    /// For what takes no lock.
    looking: inspect::Looking,
}

impl ZooKeeper {
    /// A client of the ZooKeeper at the endpoints of `config`: the servers, the first behind `zk://` or
    /// `zks://` (TLS), and behind the last what it is all below, `/chroot`, and how our nodes are called,
    /// `?layout=curator`, `curator-rw` or `kazoo`. Reads the files, and sends nothing.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig), with the setting or file at fault.
    pub fn new(config: Config, mut options: Options) -> Result<Self> {
        // Times are added to clocks, which end.
        options.retry_interval = options.retry_interval.min(MAX_TTL);
        let ensemble = Arc::new(Ensemble::new(&config, &options)?);
        let within = ensemble.command_timeout + Duration::from_secs(1);
        let keeper = Arc::new(Keeper::new(options.clone(), within));
        Ok(Self {
            shared: Arc::new(ZkShared {
                looking: inspect::Looking::new(&ensemble, None),
                ensemble,
                options,
                claims: Claims::default(),
                keeper,
            }),
        })
    }

    async fn take(&self, request: Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.shared.options)?;
        let claim = self.shared.claims.claim(&request).await?;
        let call = Acquisition::new(&self.shared.keeper, &CAPABILITIES, &request);
        let queue = ZkAcquisition::new(&self.shared, &request, claim)?;
        queue.take(call).await
    }
}

impl fmt::Debug for ZooKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ZooKeeper");
        shown
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Locker for ZooKeeper {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
        Box::pin(self.take(request))
    }

    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
        Box::pin(held.release(&self.shared.claims))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let shared = &self.shared;
            let within = shared.ensemble.command_timeout;
            let closing = shared.keeper.close(&shared.claims, &CAPABILITIES, within);
            let closed = closing.await;
            shared.looking.close().await;
            closed
        })
    }
}
