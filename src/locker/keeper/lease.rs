//! One lease, driven by one task: granted, renewed for as long as it is wanted, revoked.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::renewal::Renewals;
use super::{Keeper, LeaseCalls, Requests};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::events::EventKind;
use crate::locker::claims::{Claim, Claims, Trace};
use crate::locker::deadline::{Deadline, room_for_grace};
use crate::locker::fault::Fault;
use crate::locker::ownership::Owner;
use crate::loss::Loss;

/// A lease that is being granted, or lives. If it is dropped it is revoked in the background.
#[must_use = "a lease that is dropped is revoked"]
pub struct Lease<C> {
    pub(super) keeper: Arc<Keeper>,
    calls: Arc<C>,
    number: u64,
    trace: Trace,
    granted: oneshot::Receiver<Result<Granted>>,
    renewal: watch::Sender<Renewal>,
    end: oneshot::Sender<Revoked>,
}

/// Tells the lease's task to end: [`Lease::release`] revokes the lease itself.
struct Revoked;

/// What is known of a lease that was granted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Granted {
    /// The TTL that the store granted, less what its own bookkeeping may take.
    pub ttl: Duration,
    /// Its deadline, which renewals move, and its loss.
    pub owner: Owner,
}

/// Whether the lease is renewed from now on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    Always,
    /// Once more: by a renewal that begins after this instant.
    Once(Instant),
    Never,
}

impl<C> fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.trace.key())
            .finish_non_exhaustive()
    }
}

impl<C: LeaseCalls> Lease<C> {
    /// Starts a task on this runtime that has the lease granted, and then renewed until it is released or
    /// lost. `ttl` is the TTL that `calls` ask for. The claim's key counts as taken until the lease is
    /// revoked.
    ///
    /// # Panics
    /// Outside of a tokio runtime; the task panics without its I/O and time drivers.
    pub fn start(keeper: &Arc<Keeper>, calls: Arc<C>, ttl: Duration, claim: &Claim) -> Self {
        let trace = claim.trace();
        let (grant, granted) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let renewal = watch::Sender::new(Renewal::Always);
        let number = keeper.leases.begin(calls.clone(), ttl);
        let task = Task {
            keeper: keeper.clone(),
            calls: calls.clone(),
            number,
            ttl,
            renewal: renewal.subscribe(),
            key: trace.key().to_owned(),
            trace: Some(trace.clone()),
        };
        tokio::spawn(task.run(grant, ended, keeper.closing.subscribe()));
        Self {
            keeper: keeper.clone(),
            calls,
            number,
            trace,
            granted,
            renewal,
            end,
        }
    }

    /// The store's side of the lease.
    pub fn calls(&self) -> &Arc<C> {
        &self.calls
    }

    /// Waits until it is granted, for as long as [`LeaseCalls::grant`] takes; to be called once.
    /// Cancel-safe.
    ///
    /// # Errors
    /// Why it was not granted. [`ErrorKind::Closed`] if the client has been closed;
    /// [`ErrorKind::InvalidTtl`] if the store has granted less than it was asked for, and the client's
    /// [`Options::grace`](crate::Options::grace) does not fit into that.
    pub async fn granted(&mut self) -> Result<Granted> {
        let gone = |_| Error::new(ErrorKind::Closed, "the lease's task has ended");
        (&mut self.granted).await.map_err(gone)?
    }

    /// Whether it is renewed from now on.
    pub(super) fn set_renewal(&self, renewal: Renewal) {
        self.renewal.send_replace(renewal);
    }

    /// Revokes the lease, and with it all that stands for its holder. Bounded; if the future is dropped
    /// the release goes on in the background. Works also if the lease's task has ended with its runtime.
    ///
    /// # Errors
    /// If the store did not revoke it: the lease ends at its TTL.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn release(self) -> Result<()> {
        let Self {
            keeper,
            number,
            trace,
            end,
            ..
        } = self;
        let closing = keeper.closing.subscribe();
        let _ = end.send(Revoked);
        let revoking = tokio::spawn(async move {
            let revoked = keeper.revoke(number).await;
            drop((closing, trace));
            revoked
        });
        revoking.await.unwrap_or_else(|_| {
            let message = "the runtime ended before the release: it comes at the end of its TTL";
            Err(Error::new(ErrorKind::Unavailable, message))
        })
    }
}

/// The task of a lease.
struct Task {
    keeper: Arc<Keeper>,
    calls: Arc<dyn LeaseCalls>,
    number: u64,
    /// The TTL that is asked for.
    ttl: Duration,
    renewal: watch::Receiver<Renewal>,
    /// The lock's key, for the events.
    key: String,
    /// While this lives the key counts as taken by this client.
    trace: Option<Trace>,
}

impl Task {
    /// Runs until the lease is over. The client's closing waits until the last receiver `closing` has been
    /// dropped.
    async fn run(
        mut self,
        grant: oneshot::Sender<Result<Granted>>,
        mut ended: oneshot::Receiver<Revoked>,
        mut closing: watch::Receiver<bool>,
    ) {
        let requests = Requests::default();
        let leases = &self.keeper.clone().leases;
        let granted = self.grant(&requests, &mut closing).await;
        match granted.and_then(|deadline| self.fitting(deadline)) {
            Ok(deadline) => {
                let owner = Owner::new(Some(deadline.instant()));
                leases.granted(self.number, deadline.ttl(), &owner);
                self.tell_other(deadline.validity());
                // Fails if the lease was dropped: then `ended` has ended too.
                let _ = grant.send(Ok(Granted {
                    ttl: deadline.validity(),
                    owner: owner.clone(),
                }));
                tokio::select! {
                    revoked = &mut ended => if let Ok(Revoked) = revoked {
                        return;
                    },
                    () = closed(&mut closing) => owner.lose(Loss::Closed),
                    () = self.keep(deadline, &owner) => {}
                }
            }
            Err(fault) => {
                // Nothing of ours is in the store if nothing was sent, or another has the lease.
                let nothing = requests.count() == 0 || matches!(fault, Fault::LeaseExists);
                let _ = grant.send(Err(fault.into()));
                if nothing {
                    leases.forget(self.number);
                    return;
                }
                if !self.calls.was_heard() {
                    // Most likely there is no store at this address. The revocation is tried, but the
                    // client's closing does not wait for it.
                    drop(closing);
                    self.trace = None;
                    leases.set_aside(self.number);
                }
            }
        }
        // If this fails the client's closing tries again; else the lease ends at its TTL.
        let _ = self.keeper.revoke(self.number).await;
    }

    /// Requests the lease. If the client is closed before the answer, and something was sent, a revocation
    /// is sent right away: the process may end before the answer comes.
    async fn grant(
        &self,
        requests: &Requests,
        closing: &mut watch::Receiver<bool>,
    ) -> Result<Deadline, Fault> {
        if *closing.borrow() {
            return Err(Fault::Refused(Claims::closed(&self.key)));
        }
        let mut granting = pin!(self.calls.grant(requests));
        tokio::select! {
            biased;
            granted = &mut granting => return granted,
            () = closed(closing) => {}
        }
        let revoking = async {
            if requests.count() > 0 {
                let _ = self.calls.revoke().await;
            }
        };
        // The result of the revocation does not count: it may have arrived before the request.
        tokio::join!(granting, revoking).0
    }

    /// Refuses a TTL into which the grace does not fit: a store may grant less than it was asked for.
    fn fitting(&self, deadline: Deadline) -> Result<Deadline, Fault> {
        let (ttl, options) = (deadline.validity(), &self.keeper.options);
        let room = room_for_grace(ttl, options.auto_renew);
        let Some(grace) = options
            .grace
            .filter(|&grace| ttl < self.ttl && grace >= room)
        else {
            return Ok(deadline);
        };
        let words = |time: Duration| {
            let milliseconds = time.as_millis() as u64;
            humantime::format_duration(Duration::from_millis(milliseconds)).to_string()
        };
        let message = format!(
            "the store grants {} of the {} that it was asked for: a grace of {} does not fit, take \
             less than {}",
            words(ttl),
            words(self.ttl),
            words(grace),
            words(room),
        );
        let error = Error::new(ErrorKind::InvalidTtl, message);
        Err(Fault::Refused(error.about([Setting::Ttl])))
    }

    /// Tells that another TTL was granted than was asked for. Stores count in milliseconds at best.
    fn tell_other(&self, granted: Duration) {
        let asked = self.ttl;
        if granted.abs_diff(asked) >= Duration::from_millis(1) {
            let what = EventKind::OtherTtl { asked, granted };
            self.keeper.options.notify(Some(&self.key), what);
        }
    }

    /// Renews the lease until it is lost, and notes that. Then it waits without end: the lease is revoked
    /// only when the holder, whose work has to stop first, releases or drops it.
    async fn keep(&mut self, mut deadline: Deadline, owner: &Owner) {
        let mut ownership = owner.ownership();
        let loss = tokio::select! {
            loss = self.renew(&mut deadline, owner) => loss,
            // The holder goes by the ownership: what is lost there is lost, whatever renewals say.
            loss = ownership.lost() => loss,
        };
        owner.lose(loss);
        std::future::pending().await
    }

    async fn renew(&mut self, deadline: &mut Deadline, owner: &Owner) -> Loss {
        let mut renewals = Renewals::new(self.calls.clone());
        loop {
            let due = match *self.renewal.borrow_and_update() {
                Renewal::Always => Some(deadline.renew_at()),
                Renewal::Once(since) if deadline.sent() < since => Some(since),
                Renewal::Once(_) | Renewal::Never => None,
            };
            let renewed = async {
                match due {
                    Some(due) => renewals.next(deadline, due).await,
                    None => std::future::pending().await,
                }
            };
            let renewed = tokio::select! {
                Ok(()) = self.renewal.changed() => continue,
                renewed = renewed => renewed,
            };
            match renewed {
                Ok(sent) => {
                    deadline.renewed(sent);
                    owner.extend(deadline.instant());
                }
                Err(Fault::LeaseNotFound) => return Loss::LeaseGone,
                Err(fault) => {
                    let what = EventKind::Retrying(Error::from(fault).to_string());
                    self.keeper.options.notify(Some(&self.key), what);
                }
            }
        }
    }
}

/// Ends when the client is closed.
async fn closed(closing: &mut watch::Receiver<bool>) {
    if closing.wait_for(|closing| *closing).await.is_err() {
        std::future::pending::<()>().await;
    }
}
