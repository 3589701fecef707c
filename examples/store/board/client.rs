//! A client of the board: the contract.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use genlock::clock::Instant;
use genlock::locker::{BoxFuture, Claim, Claims, Owner};
use genlock::{
    Capabilities, EventKind, Grant, Held, Locker, Loss, Marks, Options, Record, Request, Result,
};
use tokio::sync::watch;

use super::place::{HeldNote, Place};
use super::{Board, Note, owner_key};

/// What its locks can do.
static CAPABILITIES: Capabilities = {
    let mut able = Capabilities::new("board", "all that lock see one board of one process");
    able.fifo = true;
    able.waiters_visible = true;
    able
};

/// A client of a [`Board`].
pub(crate) struct BoardClient {
    pub(super) board: Board,
    options: Options,
    claims: Claims,
    /// All its notes, and the owner's side of those that hold: for its closing.
    notes: Mutex<Vec<(Option<Owner>, Weak<Place>)>>,
    closed: watch::Sender<bool>,
}

impl BoardClient {
    /// Of this board.
    pub(crate) fn new(board: &Board, options: Options) -> Self {
        Self {
            board: board.clone(),
            options,
            claims: Claims::default(),
            notes: Mutex::default(),
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
            let turn = tokio::select! {
                biased;
                () = self.until_closed() => return Err(Claims::closed(request.key())),
                turn = self.turn(&place) => turn,
            };
            match turn {
                Ok(()) => return self.hold(request, place, claim).map(Some),
                // Somebody wiped it off: once more, from the end.
                Err(loss) => self
                    .options
                    .notify(Some(request.key()), EventKind::PlaceLost(loss)),
            }
            tokio::time::sleep(self.options.retry_interval).await;
        }
    }

    /// Writes a note; `None` if the request does not wait and there is one.
    fn enter(&self, request: &Request) -> Option<Arc<Place>> {
        let (key, text) = (request.key(), request.holder(&self.options).to_json());
        match self.board.write(key, text, !request.waits()) {
            Ok(token) => {
                let place = Arc::new(Place {
                    board: self.board.clone(),
                    key: key.to_owned(),
                    token,
                });
                let mut all = self.notes();
                all.retain(|(_, place)| place.strong_count() > 0);
                all.push((None, Arc::downgrade(&place)));
                Some(place)
            }
            Err(first) => {
                self.tell(key, &first, None, None);
                None
            }
        }
    }

    /// Waits until our note is the topmost.
    ///
    /// # Errors
    /// It is not there any more.
    async fn turn(&self, place: &Place) -> Result<(), Loss> {
        let mut changes = self.board.changes();
        let mut told = 0;
        loop {
            changes.mark_unchanged();
            let ahead = place.ahead()?;
            if ahead == 0 {
                return Ok(());
            }
            let notes = self.board.read(&place.key);
            if ahead != std::mem::replace(&mut told, ahead)
                && let Some(first) = notes.first()
            {
                self.tell(&place.key, first, Some(ahead), Some(place.token));
            }
            // It fails only when the board is gone, which is here.
            let _ = changes.changed().await;
        }
    }

    fn tell(&self, key: &str, first: &Note, ahead: Option<usize>, token: Option<u64>) {
        let what = EventKind::Waiting {
            holder: Record::from_json(&first.text),
            owner_key: Some(owner_key(key, first.token)),
            ahead: ahead.and_then(|ahead| ahead.try_into().ok()),
            token,
        };
        self.options.notify(Some(key), what);
    }

    /// Makes of a note that is the topmost a lock that is handed out.
    fn hold(&self, request: &Request, place: Arc<Place>, claim: Claim) -> Result<Held> {
        let (key, token) = (request.key().to_owned(), place.token);
        let ttl = (!self.options.auto_renew).then(|| request.ttl(&self.options));
        let registered = Arc::downgrade(&place);
        let (owner, note) = HeldNote::hold(place, claim, &self.options, (Instant::now(), ttl));
        let grant = Grant::new(&key, token).with_owner_key(owner_key(&key, token));
        let mut held = Held::new(grant, [], owner.clone(), Box::new(note));
        if let Some(ttl) = ttl {
            held = held.with_ttl(ttl);
        }
        let mut all = self.notes();
        if *self.closed.borrow() {
            return Err(Claims::closed(&key));
        }
        all.push((Some(owner), registered));
        drop(all);
        Ok(held.told(&self.options))
    }

    fn notes(&self) -> MutexGuard<'_, Vec<(Option<Owner>, Weak<Place>)>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until_closed(&self) {
        // It fails only when the sender is gone, which is this client's.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

/// It keeps no marks: each call is refused.
impl Marks for BoardClient {}

impl Locker for BoardClient {
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
            let all = std::mem::take(&mut *self.notes());
            // First the holder's side says so, then the lock is let go of, and no wait of ours gets it.
            for owner in all.iter().filter_map(|(owner, _)| owner.as_ref()) {
                owner.lose(Loss::Closed);
            }
            for place in all.iter().filter_map(|(_, place)| place.upgrade()) {
                self.board.wipe(&place.key, place.token);
            }
            Ok(())
        })
    }
}
