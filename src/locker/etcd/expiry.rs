//! Telling a lock that ran out from one that was released: for etcd both are the end of a lease.
//!
//! A holder that lives renews its lease long before its end. So etcd is asked now and then how long the
//! leases of holders last, each at half of the time that was left: a lease that is gone before the end
//! that etcd said last was released.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::dial::EtcdMembers;
use super::lease;
use crate::clock::{Instant, until};
use crate::locker::operator::Ttl;

/// For how many holders it is asked at most, to spare etcd. The locks of others count as released.
const MOST: usize = 200;

/// The least pause between two questions about one lease.
const PAUSE: Duration = Duration::from_millis(500);

/// etcd answers in whole seconds, rounded down.
const COARSE: Duration = Duration::from_secs(1);

/// When the leases of holders end, as far as etcd has said.
pub(super) struct Expiry {
    store: Arc<EtcdMembers>,
    lives: BTreeMap<i64, Life>,
    asked: JoinSet<(i64, Instant, Option<Ttl>)>,
}

struct Life {
    lease: i64,
    /// The end that etcd said last.
    end: Option<Instant>,
    /// When to ask; `None` while an answer is awaited.
    ask_at: Option<Instant>,
}

impl Expiry {
    pub(super) fn new(store: &Arc<EtcdMembers>) -> Self {
        Self {
            store: store.clone(),
            lives: BTreeMap::new(),
            asked: JoinSet::new(),
        }
    }

    /// The contender whose key was created at this revision holds a lock from now on.
    pub(super) fn holds(&mut self, revision: i64, lease: i64) {
        if self.lives.len() < MOST {
            self.lives.entry(revision).or_insert(Life {
                lease,
                end: None,
                ask_at: Some(Instant::now()),
            });
        }
    }

    /// Whether the lease of that contender, whose key is gone, had come to its end. Forgets it.
    pub(super) fn ran_out(&mut self, revision: i64) -> bool {
        let life = self.lives.remove(&revision);
        let end = life.and_then(|life| life.end);
        end.is_some_and(|end| end <= Instant::now() + COARSE)
    }

    /// Asks for the leases that are due, and notes one answer. Without a holder it never ends.
    /// Cancel-safe.
    pub(super) async fn ask(&mut self) {
        loop {
            let now = Instant::now();
            let mut next: Option<Instant> = None;
            for (&revision, life) in &mut self.lives {
                match life.ask_at {
                    Some(at) if at <= now => {
                        life.ask_at = None;
                        let (store, lease) = (self.store.clone(), life.lease);
                        self.asked.spawn(async move {
                            let sent = Instant::now();
                            let ttl = lease::ttl(&store, lease).await;
                            (revision, sent, ttl.ok().flatten())
                        });
                    }
                    Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                    None => {}
                }
            }
            tokio::select! {
                Some(Ok((revision, sent, ttl))) = self.asked.join_next() => {
                    self.note(revision, sent, ttl);
                    return;
                }
                () = until(next) => {}
            }
        }
    }

    fn note(&mut self, revision: i64, sent: Instant, ttl: Option<Ttl>) {
        let Some(life) = self.lives.get_mut(&revision) else {
            return;
        };
        let left = ttl.map_or(Duration::ZERO, |ttl| ttl.left);
        if let Some(ttl) = ttl {
            life.end = Some(sent + ttl.left);
        }
        life.ask_at = Some(Instant::now() + (left / 2).max(PAUSE));
    }
}
