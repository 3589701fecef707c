//! A client of the store in memory.

use std::fmt;
use std::sync::PoisonError;

use tokio::sync::watch;

use super::place::{HeldPlace, MemoryPlace, Places};
use super::{Ahead, MemoryStore, owner_key};
use crate::Result;
use crate::clock::{self, Instant};
use crate::events::EventKind;
use crate::locker::{
    BoxFuture, Capabilities, Claim, Claims, Grant, Held, Locker, Loss, Options, Request,
};

/// What its locks can do.
pub(super) static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("memory", "all that lock share one store of one process");
    able.expires = true;
    able.fifo = true;
    able.time_left = true;
    able.waiters_visible = true;
    able
};

/// A client of a [`MemoryStore`]. Its locks are renewed by tasks on the runtime of the call that took
/// them.
pub struct MemoryClient {
    pub(super) store: MemoryStore,
    options: Options,
    claims: Claims,
    places: Places,
    closed: watch::Sender<bool>,
}

impl MemoryClient {
    pub(super) fn new(store: MemoryStore, options: Options) -> Self {
        Self {
            store,
            options,
            claims: Claims::default(),
            places: Places::default(),
            closed: watch::Sender::new(false),
        }
    }

    async fn take(&self, request: &Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.options)?;
        let claim = self.claims.claim(request).await?;
        loop {
            let Some(place) = self.enter(request) else {
                return Ok(None);
            };
            let mut ownership = place.standing.owner.ownership();
            tokio::select! {
                biased;
                () = self.until_closed() => return Err(Claims::closed(request.key())),
                _ = ownership.lost() => {}
                () = self.turn(&place, request) => {
                    // The lock has its full TTL from now on.
                    place.set_renewal(self.options.auto_renew);
                    place.standing.renew();
                }
            }
            let Some(loss) = ownership.loss() else {
                return self.held(request, place, claim).map(Some);
            };
            let what = EventKind::PlaceLost(loss);
            self.options.notify(Some(request.key()), what);
            tokio::time::sleep(self.options.retry_interval).await;
        }
    }

    /// Takes a place at the end; `None` if it does not wait and another holds.
    fn enter(&self, request: &Request) -> Option<MemoryPlace> {
        let (key, ttl) = (request.key(), request.ttl(&self.options));
        let value = request.holder(&self.options).to_json();
        // A deadline counts from before the request leaves.
        let sent = Instant::now();
        match self.store.enter(key, value, (sent, ttl), !request.waits()) {
            Ok(token) => {
                let granted = (token, ttl, sent);
                let place =
                    MemoryPlace::new(&self.places, &self.store, &self.options, key, granted);
                Some(place)
            }
            Err(ahead) => {
                self.tell(key, &ahead, None);
                None
            }
        }
    }

    /// Waits until nobody is ahead, and tells whenever the one just ahead changes.
    async fn turn(&self, place: &MemoryPlace, request: &Request) {
        let (key, token) = (request.key(), place.standing.token);
        let mut changes = self.store.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let Some(ahead) = self.ahead(key, token) else {
                return;
            };
            let news = match request.follows_queue(&self.options) {
                true => (ahead.next, ahead.count),
                false => (ahead.next, 0),
            };
            if told.replace(news) != Some(news) {
                self.tell(key, &ahead, Some(token));
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = clock::sleep_until(ahead.expiry) => {}
            }
        }
    }

    /// Who is ahead of this one in the queue. If it is not there any more its task says so.
    fn ahead(&self, key: &str, token: u64) -> Option<Ahead> {
        let contents = self.store.contents();
        let queue = contents.queues.get(key)?;
        let own = queue.iter().position(|one| one.token == token)?;
        (own > 0).then(|| Ahead::of(key, &queue[..own]))
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

    fn held(&self, request: &Request, place: MemoryPlace, claim: Claim) -> Result<Held> {
        let (key, token) = (request.key(), place.standing.token);
        let owner = place.standing.owner.clone();
        let grant = Grant::new(key, token).with_owner_key(owner_key(key, token));
        let held = Held::new(grant, [], owner, Box::new(HeldPlace::new(place, claim)));
        if *self.closed.borrow() {
            return Err(Claims::closed(key));
        }
        Ok(held
            .with_ttl(request.ttl(&self.options))
            .told(&self.options))
    }

    async fn until_closed(&self) {
        // It fails only when the sender is gone, which is this client's.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
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
        Box::pin(async {
            self.claims.close();
            self.closed.send_replace(true);
            let places = {
                let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *all)
            };
            for standing in places {
                standing.end(Loss::Closed);
            }
            Ok(())
        })
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
