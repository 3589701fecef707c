//! Having a lease granted; and renewed, if that takes long.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::LeaseGrantOptions;
use tokio::time::sleep;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use super::renewal::Renewals;
use crate::clock::Instant;
use crate::locker::deadline::Deadline;

/// A grant that takes longer than this share of the TTL is renewed before it is answered.
const EARLY: u32 = 5;

/// Between two looks whether a request has left, which takes a connection.
const PAUSE: Duration = Duration::from_millis(300);

/// The requests for one lease, of which there may be more than one.
#[derive(Default)]
pub(super) struct Requests {
    first: OnceLock<Instant>,
    count: AtomicUsize,
}

impl Requests {
    /// One leaves now.
    fn note(&self) -> Instant {
        let now = Instant::now();
        self.first.get_or_init(|| now);
        self.count.fetch_add(1, Ordering::Relaxed);
        now
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// A lease that is being granted.
pub(super) struct Granting<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) id: i64,
    pub(super) ttl: Duration,
    pub(super) renewals: &'a mut Renewals,
    pub(super) requests: &'a Arc<Requests>,
}

impl Granting<'_> {
    /// The deadline of the lease as it was granted; and renewed, if that takes long.
    pub(super) async fn grant(mut self) -> Result<Deadline, Fault> {
        let (store, requests) = (self.store, self.requests);
        let (id, asked) = (self.id, self.ttl.as_secs() as i64);
        let (counted, heard) = (requests.clone(), self.renewals.heard());
        let op = move |client: Client| {
            let (sent, heard) = (counted.note(), heard.clone());
            let options = LeaseGrantOptions::new().with_id(id);
            async move {
                let answer = client.lease_client().grant(asked, Some(options)).await?;
                heard.note(&client, answer.header());
                Ok((sent, answer))
            }
        };
        let mut granting = pin!(store.call(store.command_timeout, op));
        let mut renewed = None;
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut granting => break answer,
                sent = self.renew_early(renewed) => renewed = Some(sent),
            }
        };
        let mut deadline = match answer {
            // Nobody else has this id: it is the request that was answered which made the lease,
            // though others of ours may have left long before.
            Ok((sent, answer)) => {
                let ttl = Duration::from_secs(answer.ttl().max(0) as u64);
                Deadline::granted(sent, ttl)
            }
            Err(fault) => match (fault, requests.first.get()) {
                // One of those made it, whose answer was lost.
                (Fault::LeaseExists, Some(&first)) if requests.count() > 1 => {
                    Deadline::granted(first, self.ttl)
                }
                (fault, _) => return Err(fault),
            },
        };
        self.renewals.granted();
        if let Some(sent) = renewed {
            deadline.renewed(sent, deadline.ttl());
        }
        Ok(deadline)
    }

    /// Renews what may be granted by now, though it was not heard of. Gives the next sending that is
    /// confirmed and newer than the one before. Cancel-safe.
    async fn renew_early(&mut self, before: Option<Instant>) -> Instant {
        let first = loop {
            match self.requests.first.get() {
                Some(&first) => break first,
                None => sleep(PAUSE).await,
            }
        };
        let deadline = Deadline::granted(before.unwrap_or(first), self.ttl);
        let due = deadline.sent() + self.ttl / EARLY;
        loop {
            // Before it is granted it is not found.
            if let Ok(sent) = self.renewals.next(&deadline, due).await {
                return sent;
            }
        }
    }
}
