//! A client of the store in memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::place::{self, MemoryPlace};
use super::{Ahead, MemoryStore, NotEntered};
use crate::Result;
use crate::clock;
use crate::events::EventKind;
use crate::locker::keeper::{Acquisition, Granted, Keeper, Lease, NoLock};
use crate::locker::{BoxFuture, Capabilities, Claim, Claims, Held, Locker, Options, Request};

/// What its locks can do.
pub(super) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("memory", "all that lock share one store of one process");
    able.expires = true;
    able.fifo = true;
    able.shared = true;
    able.several_holders = true;
    able.several_keys = true;
    able.latest = true;
    able.time_left = true;
    able.history = true;
    able.marks = true;
    able.min_hold = true;
    able.waiters_visible = true;
    able
};

/// What the store does takes no time: this is never over.
const WITHIN: Duration = Duration::from_secs(1);

/// A client of a [`MemoryStore`]; a clone is the same one. Its locks are renewed by tasks on the runtime
/// of the call that took them.
#[derive(Clone)]
pub struct MemoryClient {
    pub(super) store: MemoryStore,
    options: Options,
    claims: Claims,
    keeper: Arc<Keeper>,
}

impl MemoryClient {
    pub(super) fn new(store: MemoryStore, options: Options) -> Self {
        Self {
            store,
            keeper: Arc::new(Keeper::new(options.clone(), WITHIN)),
            options,
            claims: Claims::default(),
        }
    }

    async fn take(&self, request: &Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.options)?;
        let (key, ttl) = (request.key(), request.ttl(&self.options));
        let claim = self.claims.claim(request).await?;
        let mut call = Acquisition::new(&self.keeper, &CAPABILITIES, request);
        loop {
            let place = MemoryPlace::new(&self.store, request, &self.options);
            let mut lease = Lease::start(&self.keeper, Arc::new(place), ttl, &claim);
            let granted = match (lease.granted().await, lease.calls().refused()) {
                (Ok(granted), _) => granted,
                (Err(_), Some(NotEntered::Behind(ahead))) => {
                    self.tell(ahead, None);
                    return Ok(None);
                }
                (Err(_), Some(NotEntered::OtherLimit(key, limit))) => {
                    return Err(request.other_limit(key, *limit));
                }
                (Err(error), None) => return Err(error.of_key(key)),
            };
            let why = match self.stand(&lease, &granted, request, &mut call).await {
                Ok(()) => return Ok(self.held((lease, granted), claim)),
                Err(why) => why,
            };
            // Before it takes another place it leaves this one.
            let _ = lease.release().await;
            call.again(why).await?;
        }
    }

    /// Waits until the turn of a place has come.
    ///
    /// # Errors
    /// Why it was lost, or given up.
    async fn stand(
        &self,
        lease: &Lease<MemoryPlace>,
        granted: &Granted,
        request: &Request,
        call: &mut Acquisition<'_>,
    ) -> Result<(), NoLock> {
        let mut ownership = granted.owner.ownership();
        call.has_place();
        let waited = tokio::select! {
            biased;
            loss = ownership.lost() => return Err(NoLock::Lost(loss)),
            waited = self.until_turn(lease.calls(), request) => waited?,
        };
        if waited {
            call.has_to_wait();
        }
        let fresh = lease.until_fresh(granted, waited).await;
        fresh.map_err(NoLock::Lost)
    }

    /// Waits until the turn of a place has come, and tells whenever the one just ahead changes. Whether
    /// it had to.
    async fn until_turn(&self, place: &MemoryPlace, request: &Request) -> Result<bool, NoLock> {
        let mut changes = self.store.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let ahead = place.ahead().map_err(NoLock::Lost)?;
            // One whose turn comes without a wait holds, whoever came since.
            if (ahead.is_some() || told.is_some()) && place.is_superseded() {
                return Err(NoLock::Failed(request.superseded(request.key())));
            }
            let Some(ahead) = ahead else {
                return Ok(told.is_some());
            };
            let count = match request.follows_queue(&self.options) {
                true => ahead.count,
                false => 0,
            };
            let news = (ahead.key.clone(), ahead.next, count);
            if told.as_ref() != Some(&news) {
                self.tell(&ahead, place.token());
                told = Some(news);
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = clock::sleep_until(ahead.expiry) => {}
            }
        }
    }

    fn tell(&self, ahead: &Ahead, token: Option<u64>) {
        let what = EventKind::Waiting {
            holder: ahead.holder.record.clone(),
            owner_key: Some(ahead.holder.owner_key.clone()),
            ahead: Some(ahead.count),
            token,
        };
        self.options.notify(Some(&ahead.key), what);
    }

    /// `None` if it has no key, which no request is.
    fn held(&self, (lease, granted): (Lease<MemoryPlace>, Granted), claim: Claim) -> Option<Held> {
        let Granted { ttl, owner, .. } = granted;
        let grants: Vec<_> = lease.calls().grants().collect();
        let mut grants = grants.into_iter();
        let first = grants.next()?;
        let place = place::held(lease, owner.clone(), &self.options, claim);
        let held = Held::new(first, grants, owner, Box::new(place));
        Some(held.with_ttl(ttl).told(&self.options))
    }
}

impl Locker for MemoryClient {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
        Box::pin(async move { self.take(&request).await })
    }

    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
        Box::pin(held.release(&self.claims))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.keeper.close(&self.claims, &CAPABILITIES, WITHIN))
    }
}

impl fmt::Debug for MemoryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MemoryClient");
        shown
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
