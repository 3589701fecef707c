//! Locks in etcd, wire-compatible with etcd's own recipe (`etcdctl lock`, the v3lock service, Go's
//! `concurrency.Mutex`): they and this exclude each other under the same name.
//!
//! A contender stands in the queue by the key `<name>/<lease id in hex>`, which is attached to its lease;
//! the one with the oldest create revision holds the lock. Two things differ from etcd's own recipe. Only
//! keys of this form count, so that `x` and `x/y` are two locks. And a waiter reads its own key again
//! before it takes the lock for its own: its lease may have ended while it waited.

mod ahead;
mod answer;
mod broken;
mod coalesce;
mod contenders;
mod diagnose;
mod diagnosis;
mod dial;
mod enter;
mod examine;
mod expiry;
mod extend;
mod fault;
mod follow;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod greeting;
mod history;
mod hold;
mod index;
mod inspect;
mod kind;
mod lease;
mod marks;
mod operator;
mod outlive;
mod ping;
mod proof;
mod queue;
mod read;
mod recipe;
mod renewal;
mod standing;
mod takeover;
mod turns;
mod wait;
mod watch;
mod watches;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::keeper::{Acquisition, Keeper};
use super::limits::MAX_TTL;
use super::{BoxFuture, Capabilities, Config, Held, Locker, Options, Request};
use crate::error::Result;
use dial::{EtcdDialler, EtcdMembers};
pub(crate) use kind::KIND;
use queue::EtcdQueue;

/// What etcd's locks can do.
pub(crate) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("etcd", "etcd keeps what a majority has acknowledged");
    able.expires = true;
    // etcd counts TTLs in whole seconds.
    able.ttl_step = Duration::from_secs(1);
    able.fifo = true;
    able.shared = true;
    able.several_holders = true;
    able.several_keys = true;
    able.latest = true;
    able.time_left = true;
    able.min_hold = true;
    able.history = true;
    able.marks = true;
    able.waiters_visible = true;
    able
};

/// A client for locks in etcd. A clone is the same client. It connects with the first call.
///
/// Each lock has a lease of its own, which is renewed after every third of its TTL by a task on the
/// runtime of the call that took it: that runtime has to run for as long as the lock is held. If it
/// ends before, [`Locker::unlock`] and [`Locker::close`] still release the lock.
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
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig), with the setting or file at fault.
    pub fn new(config: Config, mut options: Options) -> Result<Self> {
        // It is added to instants, which have a greatest value.
        options.retry_interval = options.retry_interval.min(MAX_TTL);
        let dialler = EtcdDialler::new(&config, options.observer.clone())?;
        let store = Arc::new(EtcdMembers::new(dialler, &config, &options)?);
        // A revocation is up to two calls (the lease, and its key), each bounded by the command
        // timeout; and a second more, so that this bound never comes first.
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
        let call = Acquisition::new(&self.shared.keeper, &CAPABILITIES, &request);
        let queue = EtcdQueue::new(&self.shared, &request, claim);
        queue.take(call).await
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
        let shared = &self.shared;
        let within = shared.store.command_timeout;
        Box::pin(shared.keeper.close(&shared.claims, &CAPABILITIES, within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
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
