//! Locks in etcd, wire-compatible with etcd's own recipe (`etcdctl lock`, the v3lock service, Go's
//! `concurrency.Mutex`): they and this exclude each other under the same name.
//!
//! A lock's place in the queue is the key `<name>/<lease id in hex>`, attached to the lease; the
//! oldest create revision owns. Unlike etcd's own recipe only direct contenders count, so that `x`
//! and `x/y` are two locks, and a waiter looks at its own key again before it believes that it
//! owns: its lease may have died in the queue.

mod broken;
mod coalesce;
mod diagnose;
mod diagnosis;
mod dial;
mod examine;
mod expiry;
mod fault;
mod follow;
mod greeting;
mod hold;
mod inspect;
mod kind;
mod lease;
mod operator;
mod ping;
mod proof;
mod queue;
mod recipe;
mod renewal;
mod standing;
mod takeover;
mod wait;
mod watch;
mod watches;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::keeper::Keeper;
use super::limits::MAX_TTL;
use super::{BoxFuture, Capabilities, Config, Held, Locker, Options, Request};
use crate::error::{Error, ErrorKind, Result};
use dial::{EtcdDialler, EtcdMembers};
pub(crate) use kind::KIND;
use queue::Acquisition;

/// What etcd's locks can do.
pub(crate) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("etcd", "etcd keeps what a majority has acknowledged");
    able.expires = true;
    // etcd counts TTLs in whole seconds.
    able.ttl_step = Duration::from_secs(1);
    able.fifo = true;
    able.time_left = true;
    able.waiters_visible = true;
    able
};

/// Locks in etcd: one client, and a clone is the same one. It connects with the first call.
///
/// Each lock has a lease of its own, renewed at a third of its TTL by a task on the runtime of the
/// call that took it: that runtime has to live, and run, for as long as the lock is held. What one
/// that has ended leaves behind is released by [`Locker::unlock`] and [`Locker::close`].
#[derive(Clone)]
pub struct Etcd {
    shared: Arc<Shared>,
}

/// What the client and the tasks of its leases have in common.
struct Shared {
    store: Arc<EtcdMembers>,
    options: Options,
    claims: Claims,
    keeper: Arc<Keeper>,
}

impl Etcd {
    /// A client of the etcd at the endpoints of `config`. Reads the files, and sends nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the option or file at fault.
    pub fn new(config: Config, mut options: Options) -> Result<Self> {
        // Times are added to clocks, which end.
        options.retry_interval = options.retry_interval.min(MAX_TTL);
        let dialler = EtcdDialler::new(&config, options.observer.clone())?;
        let store = Arc::new(EtcdMembers::new(dialler, &config, &options)?);
        // A lease is revoked, and its key may have to be deleted: each call is bounded by itself.
        let within = store.command_timeout * 2 + Duration::from_secs(1);
        let keeper = Arc::new(Keeper::new(options.clone(), within));
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                options,
                claims: Claims::default(),
                keeper,
            }),
        })
    }

    async fn take(&self, request: Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.shared.options)?;
        let claim = self.shared.claims.claim(&request).await?;
        let queue = Acquisition::new(&self.shared, &request, claim);
        if request.waits() {
            queue.lock().await.map(Some)
        } else {
            queue.try_lock().await
        }
    }
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Etcd");
        shown
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Locker for Etcd {
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
            shared.claims.close();
            if !shared.keeper.close(shared.store.command_timeout).await {
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    "close: etcd did not answer in time; what is left is free at its TTL's end",
                ));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::net::{Credentials, Tls};

    #[test]
    fn a_bad_configuration_is_refused_without_a_runtime() {
        let bad = |config: Config, named: &str| {
            let error = Etcd::new(config, Options::default()).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(named), "{error}");
        };
        let tls = |tls| Config::default().tls(tls);
        bad(Config::new([""; 0]), "endpoints");
        bad(Config::new(["127.0.0.1:2379", "ftp://x"]), "ftp://x");
        let missing = "/no/such.pem: no such file";
        bad(tls(Tls::new().cacert("/no/such.pem")), missing);
        bad(tls(Tls::new().cert("/no/such.pem")), "(cert, key)");
        let none = "what was given as PEM: no certificate in PEM (cacert)";
        bad(tls(Tls::new().cacert_pem("none")), none);
        let missing = Credentials::password_file("backup", "/no/such");
        bad(Config::default().credentials(missing), "(password)");
        assert!(Etcd::new(Config::default(), Options::default()).is_ok());
    }
}
