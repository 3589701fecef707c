//! One renewal of a lease in etcd: a ping, and a read that proves it (see proof.rs). Renewals that are
//! under way at the same time share their pings and reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::ping::{self, Pinged};
use super::proof::Proof;
use crate::clock::Instant;
use crate::locker::keeper::Attempt;

/// How many pings look for another connection at a time, beside one that does not answer.
const SPARE: usize = 1;

/// The renewals of one lease, and what they share.
pub(super) struct EtcdRenewals {
    store: Arc<EtcdMembers>,
    id: i64,
    /// The key that is attached to it.
    own: String,
    shared: Mutex<Progress>,
    /// The newest sending that is confirmed.
    confirmed: watch::Sender<Option<Instant>>,
}

#[derive(Default)]
struct Progress {
    proof: Proof,
    /// When the last read left.
    read: Option<Instant>,
    /// The connection that has answered.
    over: Option<Over>,
    /// How many pings look for another connection.
    searching: usize,
    /// Tasks that read the streams of answered pings to their end: to drop a stream before that
    /// resets it.
    rests: JoinSet<()>,
}

/// A connection over which pings go, as long as it answers.
struct Over {
    client: Client,
    unanswered: usize,
}

/// A part of a renewal: `Some` is why it failed, while other parts may still succeed.
type Outcome = Result<Option<Fault>, Fault>;

impl EtcdRenewals {
    /// For the lease with this id, to which the key `own` is attached.
    pub(super) fn new(store: &Arc<EtcdMembers>, id: i64, own: String) -> Self {
        Self {
            store: store.clone(),
            id,
            own,
            shared: Mutex::default(),
            confirmed: watch::Sender::default(),
        }
    }

    /// Renews it once. Gives the instant of a confirmed sending that is no earlier than this call.
    pub(super) async fn renew(&self, attempt: Attempt) -> Result<Instant, Fault> {
        let begun = Instant::now();
        let mut confirmed = self.confirmed.subscribe();
        let confirmed = async {
            let newest = confirmed.wait_for(|sent| *sent >= Some(begun)).await;
            newest.ok().and_then(|sent| *sent)
        };
        tokio::select! {
            biased;
            sent = confirmed => Ok(sent.unwrap_or(begun)),
            fault = self.try_to_renew(attempt, begun) => Err(fault),
        }
    }

    /// Ends with the fault if it cannot be confirmed.
    async fn try_to_renew(&self, attempt: Attempt, begun: Instant) -> Fault {
        let (over, searches) = {
            let progress = self.progress();
            let over = progress.over.as_ref();
            let searches = match over.map(|over| over.unanswered) {
                None => true,
                Some(1..) if attempt.silent => progress.searching < SPARE,
                Some(_) => false,
            };
            (over.map(|over| over.client.clone()), searches)
        };
        let known = async {
            match over {
                Some(client) => self.ping_over(client, attempt, begun).await,
                None => Ok(None),
            }
        };
        let another = async {
            match searches {
                true => self.ping_anywhere(attempt, begun).await,
                false => Ok(None),
            }
        };
        let early = async {
            match attempt.late {
                true => sorted(self.read(attempt).await),
                false => Ok(None),
            }
        };
        match tokio::try_join!(known, another, early) {
            Err(fault) | Ok((Some(fault), ..) | (_, Some(fault), _) | (.., Some(fault))) => fault,
            // All parts have ended, and did not confirm this renewal: they were of two terms, or a
            // read of another renewal is still to confirm it.
            Ok((None, None, None)) => std::future::pending().await,
        }
    }

    /// Pings over the connection that has answered.
    async fn ping_over(&self, client: Client, attempt: Attempt, begun: Instant) -> Outcome {
        let _counted = Unanswered::new(self, &client);
        let pinged = ping::ping(client.clone(), self.id, self.own.clone()).await;
        match pinged.map_err(Fault::from) {
            Ok(pinged) => self.take(pinged, attempt, begun).await,
            Err(fault) => {
                let is_this = |over: &mut Over| Arc::ptr_eq(&over.client, &client);
                self.progress().over.take_if(is_this);
                sorted(Err(fault))
            }
        }
    }

    /// Pings over whichever connection answers.
    async fn ping_anywhere(&self, attempt: Attempt, begun: Instant) -> Outcome {
        let (id, own) = (self.id, self.own.clone());
        let op = move |client: Client| ping::ping(client, id, own.clone());
        let counted = Searching::new(self);
        let pinged = Box::pin(self.store.ask(attempt.within, op)).await;
        drop(counted);
        match pinged {
            Ok(pinged) => {
                self.progress().over = Some(Over {
                    client: pinged.over.clone(),
                    unanswered: 0,
                });
                self.take(pinged, attempt, begun).await
            }
            Err(fault) => sorted(Err(fault)),
        }
    }

    /// Notes an answered ping, and makes the read that confirms it, unless another one has begun since
    /// `begun`.
    async fn take(&self, pinged: Pinged, attempt: Attempt, begun: Instant) -> Outcome {
        let mut rest = pinged.rest;
        let is_read = {
            let mut progress = self.progress();
            while progress.rests.try_join_next().is_some() {}
            progress.rests.spawn(async move {
                let _ = timeout(attempt.within, rest.message()).await;
            });
            progress.proof.pinged(pinged.term, pinged.sent);
            self.confirm(&progress.proof);
            progress.read.is_some_and(|read| read >= begun)
        };
        match is_read {
            true => Ok(None),
            false => sorted(self.read(attempt).await),
        }
    }

    async fn read(&self, attempt: Attempt) -> Result<(), Fault> {
        self.progress().read = Some(Instant::now());
        let own = self.own.clone();
        let op = move |client: Client| ping::read(client, own.clone());
        let (term, sent) = Box::pin(self.store.ask(attempt.within, op)).await?;
        let mut progress = self.progress();
        progress.proof.read(term, sent);
        self.confirm(&progress.proof);
        Ok(())
    }

    /// Tells all renewals what is proved by now.
    fn confirm(&self, proof: &Proof) {
        let sent = proof.confirmed();
        self.confirmed.send_if_modified(|newest| {
            let newer = sent > *newest;
            *newest = sent.max(*newest);
            newer
        });
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        let shared = self.shared.lock();
        shared.unwrap_or_else(PoisonError::into_inner)
    }
}

/// That the lease is gone ends the whole renewal; any other fault only this part.
fn sorted(result: Result<(), Fault>) -> Outcome {
    match result {
        Ok(()) => Ok(None),
        Err(Fault::LeaseNotFound) => Err(Fault::LeaseNotFound),
        Err(fault) => Ok(Some(fault)),
    }
}

/// Counts a ping over a connection, until dropped.
struct Unanswered<'a> {
    of: &'a EtcdRenewals,
    client: Client,
}

impl<'a> Unanswered<'a> {
    fn new(of: &'a EtcdRenewals, client: &Client) -> Self {
        let counted = Self {
            of,
            client: client.clone(),
        };
        counted.count(|unanswered| *unanswered += 1);
        counted
    }

    fn count(&self, change: impl FnOnce(&mut usize)) {
        let mut progress = self.of.progress();
        let over = progress.over.as_mut();
        if let Some(over) = over.filter(|over| Arc::ptr_eq(&over.client, &self.client)) {
            change(&mut over.unanswered);
        }
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.count(|unanswered| *unanswered = unanswered.saturating_sub(1));
    }
}

/// Counts a ping that looks for a connection, until dropped.
struct Searching<'a>(&'a EtcdRenewals);

impl<'a> Searching<'a> {
    fn new(of: &'a EtcdRenewals) -> Self {
        of.progress().searching += 1;
        Self(of)
    }
}

impl Drop for Searching<'_> {
    fn drop(&mut self) {
        self.0.progress().searching -= 1;
    }
}
