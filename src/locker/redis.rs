//! Locks in Redis, which exclude everybody's `SET key value NX PX` with a compare and delete: the lock's
//! key is the key as it was typed, a string that expires.
//!
//! What only genlocks know of stands beside it, in keys that a Cluster keeps with it and that go by
//! themselves: who waits, in order, until when each counts as alive, and what they say of themselves.
//! Who releases gives the lock to the next waiter, in the same script.

mod cluster_map;
mod connection;
mod database;
mod diagnose;
mod dial;
mod examine;
mod fault;
mod follow;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod history;
mod hold;
mod incoming;
mod inspect;
mod kind;
mod marks;
mod masters;
mod names;
mod nodes;
mod operator;
mod place;
mod protocol;
mod pushes;
mod queue;
mod reply;
mod request_error;
mod scripts;
mod seen;
mod sentinel;
mod shared;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::keeper::{Acquisition, Keeper};
use super::limits::MAX_TTL;
use super::{BoxFuture, Capabilities, Config, Held, Locker, Options, Request};
use crate::error::Result;
use dial::{RedisDialler, Tracked};
pub(crate) use kind::KIND;
use nodes::RedisNodes;
use queue::RedisQueue;
use sentinel::RedisSite;
use shared::RedisShared;

/// What the locks of Redis can do.
pub(crate) static CAPABILITIES: Capabilities = {
    let assumption = "nobody steps the server's clock, and no failover loses the key";
    let mut able = Capabilities::new("redis", assumption);
    able.expires = true;
    able.fifo = true;
    able.time_left = true;
    able.history = true;
    able.marks = true;
    able.min_hold = true;
    able.waiters_visible = true;
    able.shared = true;
    able.several_holders = true;
    able.latest = true;
    able
};

/// Locks in Redis: one client, and a clone is the same one. It connects with the first call.
///
/// Each lock is renewed at a third of its TTL by a task on the runtime of the call that took it: that
/// runtime has to live, and run, for as long as the lock is held.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<RedisShared>,
}

impl Redis {
    /// A client of the Redis at the endpoint of `config`: `redis://HOST:PORT`, `rediss://` over TLS, with
    /// the number of a database behind a `/`; or of the master that Sentinels name,
    /// `redis+sentinel://S1,S2,S3/MASTER`. Reads the files, and sends nothing.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig), with the setting or file at fault.
    pub fn new(config: Config, mut options: Options) -> Result<Self> {
        // Times are added to clocks, which end.
        options.retry_interval = options.retry_interval.min(MAX_TTL);
        let (config, site) = RedisSite::split(config)?;
        let observer = options.observer.clone();
        let dialler = RedisDialler::new(&config, site.clone(), Tracked::Wished, observer)?;
        let store = Arc::new(RedisNodes::new(dialler, &config, &options)?);
        let within = store.command_timeout + Duration::from_secs(1);
        let keeper = Arc::new(Keeper::new(options.clone(), within));
        Ok(Self {
            shared: Arc::new(RedisShared {
                store,
                options,
                claims: Claims::default(),
                keeper,
                config,
                site,
            }),
        })
    }

    async fn take(&self, request: Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.shared.options)?;
        let claim = self.shared.claims.claim(&request).await?;
        let call = Acquisition::new(&self.shared.keeper, &CAPABILITIES, &request);
        RedisQueue::new(&self.shared, &request, claim)
            .take(call)
            .await
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Redis");
        shown
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Locker for Redis {
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
        let shared = &self.shared;
        let within = shared.store.command_timeout;
        Box::pin(shared.keeper.close(&shared.claims, &CAPABILITIES, within))
    }
}
