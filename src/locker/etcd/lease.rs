//! One lease, driven by one task: granted, renewed for as long as it is wanted, revoked.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::LeaseTimeToLiveResponse;
use tokio::sync::{oneshot, watch};

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use super::grant::{self, Requests};
use super::renewal::Renewals;
use super::revoke::{behind, closed};
use super::{Shared, leases};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::locker::claims::Trace;
use crate::locker::deadline::Deadline;
use crate::locker::net::random;
use crate::locker::operator::Ttl;
use crate::locker::ownership::{Loss, Owner};

/// How long etcd may take to say that it does not know a lease, before it is asked no more: a loss
/// waits to be told for it, and the next holder does not.
const SOON: Duration = Duration::from_millis(50);

/// A lease that is being granted, or lives. Dropping it revokes it in the background.
pub(super) struct Lease {
    shared: Arc<Shared>,
    trace: Trace,
    id: i64,
    granted: oneshot::Receiver<Result<Granted>>,
    renewal: watch::Sender<Renewal>,
    end: oneshot::Sender<Revoked>,
}

/// The lease is revoked by who released it.
struct Revoked;

/// What the grant of a lease gave.
pub(super) struct Granted {
    pub(super) ttl: Duration,
    pub(super) owner: Owner,
}

/// Whether the lease is renewed from now on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    Always,
    /// Once more, now.
    Once,
    Never,
}

/// A lease id of our own choice, so that what goes with the lease can be sent along with the
/// request for it.
pub(super) fn fresh_id() -> Result<i64> {
    loop {
        // Positive: etcd writes the id in hex without a sign. 0 asks etcd to choose.
        let id = (random::random()? >> 1) as i64;
        if id != 0 {
            return Ok(id);
        }
    }
}

impl Lease {
    /// Has the lease of the key `own` granted, and renewed, by a task of its own.
    pub(super) fn start(
        shared: &Arc<Shared>,
        id: i64,
        own: String,
        ttl: Duration,
        trace: Trace,
    ) -> Self {
        let (grant, granted) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let renewal = watch::Sender::new(Renewal::Always);
        let keeper = Keeper {
            shared: shared.clone(),
            id,
            ttl,
            renewals: Renewals::new(&shared.store, id, own.clone()),
            renewal: renewal.subscribe(),
            trace: Some(trace.clone()),
        };
        shared.leases.begin(id, own, ttl);
        tokio::spawn(keeper.run(grant, ended, shared.closing.subscribe()));
        Self {
            shared: shared.clone(),
            trace,
            id,
            granted,
            renewal,
            end,
        }
    }

    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Waits until it is granted; to be asked once. Bounded by the call that asks for it.
    pub(super) async fn granted(&mut self) -> Result<Granted> {
        let gone = |_| Error::new(ErrorKind::Closed, "the lease's task has ended");
        (&mut self.granted).await.map_err(gone)?
    }

    /// Whether it is renewed from now on.
    pub(super) fn set_renewal(&self, renewal: Renewal) {
        self.renewal.send_replace(renewal);
    }

    /// Revokes it, and with it every key that is attached. Bounded; if the future is dropped the
    /// release goes on in the background. The lease's own task may be gone, with its runtime.
    pub(super) async fn release(self) -> Result<()> {
        let Self {
            shared,
            trace,
            id,
            end,
            ..
        } = self;
        let closing = shared.closing.subscribe();
        let _ = end.send(Revoked);
        let revoking = tokio::spawn(async move {
            let revoked = leases::revoke(&shared, id).await;
            drop((closing, trace));
            revoked
        });
        revoking.await.unwrap_or_else(|_| {
            let message = "the runtime ended before the release: it comes at the end of its TTL";
            Err(Error::new(ErrorKind::Unavailable, message))
        })
    }
}

/// Whether etcd knows the lease no more, as far as it says so at once.
pub(super) async fn is_gone(store: &Arc<Store>, id: i64) -> bool {
    matches!(time_to_live(store, id, SOON).await, Ok(None))
}

/// How long a lease lives if it is not renewed; `None` if etcd does not know it.
pub(super) async fn ttl(store: &Arc<Store>, id: i64) -> Result<Option<Ttl>, Fault> {
    time_to_live(store, id, store.command_timeout).await
}

async fn time_to_live(store: &Arc<Store>, id: i64, within: Duration) -> Result<Option<Ttl>, Fault> {
    let op =
        move |client: Client| async move { client.lease_client().time_to_live(id, None).await };
    Ok(ttl_in(&store.call(within, op).await?))
}

/// What such an answer says.
pub(super) fn ttl_in(answer: &LeaseTimeToLiveResponse) -> Option<Ttl> {
    let seconds = |seconds: i64| Duration::from_secs(seconds.max(0) as u64);
    // One that has just run out has -1, and is not revoked yet or never was there.
    (answer.ttl() > 0).then(|| Ttl {
        granted: seconds(answer.granted_ttl()),
        left: seconds(answer.ttl()),
    })
}

/// The task's own.
struct Keeper {
    shared: Arc<Shared>,
    id: i64,
    ttl: Duration,
    renewals: Renewals,
    renewal: watch::Receiver<Renewal>,
    /// Until the lease is revoked the key is taken.
    trace: Option<Trace>,
}

impl Keeper {
    /// `closing` is held to the end: the client's closing waits until the last of these is gone.
    async fn run(
        mut self,
        grant: oneshot::Sender<Result<Granted>>,
        mut ended: oneshot::Receiver<Revoked>,
        mut closing: watch::Receiver<bool>,
    ) {
        let requests = Arc::new(Requests::default());
        let (id, shared) = (self.id, self.shared.clone());
        let sent = || requests.count() > 0;
        let granting = grant::grant(&shared.store, id, self.ttl, &requests);
        match behind(granting, &mut closing, sent, &shared.store, id).await {
            Ok(deadline) => {
                let ttl = deadline.ttl();
                let owner = Owner::new(Some(deadline.instant()));
                shared.leases.granted(id, ttl, owner.clone());
                let given = owner.clone();
                // If nobody waits any more, `ended` says so.
                let _ = grant.send(Ok(Granted { ttl, owner: given }));
                tokio::select! {
                    revoked = &mut ended => if let Ok(Revoked) = revoked {
                        return;
                    },
                    () = closed(&mut closing) => owner.lose(Loss::Closed),
                    () = self.keep(deadline, &owner) => {}
                }
            }
            Err(fault) => {
                // Nothing of ours is in etcd if nothing was sent, or another has the id.
                let nothing = requests.count() == 0 || matches!(fault, Fault::LeaseExists);
                let _ = grant.send(Err(fault.into()));
                if nothing {
                    shared.leases.forget(id);
                    return;
                }
                if !shared.store.heard() {
                    // Most likely nobody is there. It is tried, but nobody waits for it.
                    drop(closing);
                    self.trace = None;
                    shared.leases.set_aside(id);
                }
            }
        }
        // What cannot be revoked is left to the client's closing, and to its TTL.
        let _ = leases::revoke(&shared, id).await;
    }

    /// Renews for as long as it can be; then it is lost, and this does not end: what the lease
    /// stands for is stopped first.
    async fn keep(&mut self, mut deadline: Deadline, owner: &Owner) {
        let loss = tokio::select! {
            loss = self.renew(&mut deadline, owner) => loss,
            // Whoever renews, this is what the holder goes by.
            loss = expired(owner) => loss,
        };
        owner.lose(loss);
        std::future::pending().await
    }

    async fn renew(&mut self, deadline: &mut Deadline, owner: &Owner) -> Loss {
        let mut once_done = false;
        loop {
            let mode = *self.renewal.borrow_and_update();
            let due = match mode {
                Renewal::Always => Some(deadline.renew_at()),
                Renewal::Once if !once_done => Some(Instant::now()),
                Renewal::Once | Renewal::Never => None,
            };
            let renewed = async {
                match due {
                    Some(due) => self.renewals.next(deadline, due).await,
                    None => std::future::pending().await,
                }
            };
            let renewed = tokio::select! {
                Ok(()) = self.renewal.changed() => continue,
                renewed = renewed => renewed,
            };
            match renewed {
                Ok(sent) => {
                    deadline.renewed(sent, deadline.ttl());
                    owner.extend(deadline.instant());
                    once_done = mode == Renewal::Once;
                }
                Err(Fault::LeaseNotFound) => return Loss::LeaseGone,
                Err(fault) => {
                    let event = Event::Retrying(fault.reason().to_owned());
                    self.shared.options.notify(&event);
                }
            }
        }
    }
}

async fn expired(owner: &Owner) -> Loss {
    owner.ownership().lost().await
}
