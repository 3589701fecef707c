//! Having a lease granted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use crate::clock::Instant;
use crate::locker::deadline::Deadline;
use etcd_client::LeaseGrantOptions;

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

/// Has a lease granted: its deadline.
pub(super) async fn grant(
    store: &Arc<Store>,
    id: i64,
    ttl: Duration,
    requests: &Arc<Requests>,
) -> Result<Deadline, Fault> {
    let (asked, counted) = (ttl.as_secs() as i64, requests.clone());
    let op = move |client: Client| {
        let sent = counted.note();
        let options = LeaseGrantOptions::new().with_id(id);
        async move {
            let answer = client.lease_client().grant(asked, Some(options)).await?;
            client.note_term(answer.header());
            Ok((sent, answer))
        }
    };
    match store.call(store.command_timeout, op).await {
        // Nobody else has this id: it is the request that was answered which made the lease, though
        // others of ours may have left long before.
        Ok((sent, answer)) => {
            let ttl = Duration::from_secs(answer.ttl().max(0) as u64);
            Ok(Deadline::granted(sent, ttl))
        }
        Err(fault) => match (fault, requests.first.get()) {
            // One of those made it, whose answer was lost.
            (Fault::LeaseExists, Some(&first)) if requests.count() > 1 => {
                Ok(Deadline::granted(first, ttl))
            }
            (fault, _) => Err(fault),
        },
    }
}
