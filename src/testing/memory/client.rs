//! A client of the store in memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::place::{self, MemoryPlace};
use super::{Ahead, MemoryStore, owner_key};
use crate::Result;
use crate::clock;
use crate::events::EventKind;
use crate::locker::keeper::{Acquisition, Granted, Keeper, Lease, NoLock};
use crate::locker::{
    BoxFuture, Capabilities, Claim, Claims, Grant, Held, Locker, Loss, Options, Request,
};

/// What its locks can do.
pub(super) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("memory", "all that lock share one store of one process");
    able.expires = true;
    able.fifo = true;
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
            let granted = match (lease.granted().await, lease.calls().in_the_way()) {
                (Ok(granted), _) => granted,
                (Err(_), Some(ahead)) => {
                    self.tell(key, ahead, None);
                    return Ok(None);
                }
                (Err(error), None) => return Err(error.of_key(key)),
            };
            let why = match self.stand(&lease, &granted, request, &mut call).await {
                Ok(token) => return Ok(Some(self.held(key, token, (lease, granted), claim))),
                Err(loss) => NoLock::Lost(loss),
            };
            // Before it takes another place it leaves this one.
            let _ = lease.release().await;
            call.again(why).await?;
        }
    }

    /// Waits until the turn of a place has come. Its token.
    ///
    /// # Errors
    /// Why it was lost.
    async fn stand(
        &self,
        lease: &Lease<MemoryPlace>,
        granted: &Granted,
        request: &Request,
        call: &mut Acquisition<'_>,
    ) -> Result<u64, Loss> {
        let token = lease.calls().token().ok_or(Loss::KeyDeleted)?;
        let mut ownership = granted.owner.ownership();
        call.has_place();
        let waited = tokio::select! {
            biased;
            loss = ownership.lost() => return Err(loss),
            waited = self.until_first(lease.calls(), token, request) => waited?,
        };
        if waited {
            call.has_to_wait();
        }
        lease.until_fresh(granted, waited).await?;
        Ok(token)
    }

    /// Waits until nobody is ahead, and tells whenever the one just ahead changes. Whether there was
    /// anybody.
    async fn until_first(
        &self,
        place: &MemoryPlace,
        token: u64,
        request: &Request,
    ) -> Result<bool, Loss> {
        let mut changes = self.store.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let Some(ahead) = place.ahead()? else {
                return Ok(told.is_some());
            };
            let news = match request.follows_queue(&self.options) {
                true => (ahead.next, ahead.count),
                false => (ahead.next, 0),
            };
            if told.replace(news) != Some(news) {
                self.tell(request.key(), &ahead, Some(token));
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = clock::sleep_until(ahead.expiry) => {}
            }
        }
    }

    fn tell(&self, key: &str, ahead: &Ahead, token: Option<u64>) {
        let what = EventKind::Waiting {
            holder: ahead.holder.record.clone(),
            owner_key: Some(ahead.holder.owner_key.clone()),
            ahead: Some(ahead.count),
            token,
        };
        self.options.notify(Some(key), what);
    }

    fn held(
        &self,
        key: &str,
        token: u64,
        (lease, granted): (Lease<MemoryPlace>, Granted),
        claim: Claim,
    ) -> Held {
        let Granted { ttl, owner, .. } = granted;
        let grant = Grant::new(key, token).with_owner_key(owner_key(key, token));
        let place = place::held(lease, owner.clone(), &self.options, claim);
        Held::new(grant, [], owner, Box::new(place))
            .with_ttl(ttl)
            .told(&self.options)
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
