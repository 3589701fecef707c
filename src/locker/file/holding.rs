//! A lock file that is held: until it is released, its TTL ends, it is removed, or the client is
//! closed, whichever comes first.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::lockfile::{LockFile, LockPath, Signed};
use super::sharers::Sharers;
use crate::clock::{self, Instant};
use crate::error::Result;
use crate::events::EventKind;
use crate::locker::claims::Claim;
use crate::locker::ownership::Owner;
use crate::locker::{BoxFuture, Loss, Options, Possession};

/// How often to look whether the file is still in its place.
const LOOK: Duration = Duration::from_millis(250);

/// A lock that was taken.
pub(super) struct FileHolding {
    key: String,
    file: LockFile,
    signed: Signed,
    record: Vec<u8>,
    /// Where it is written if others may share the lock.
    sharers: Option<Sharers>,
    owner: Owner,
    state: Mutex<HoldingState>,
}

#[derive(Default)]
struct HoldingState {
    /// Whether it was let go of: from then on the file is another's to write.
    over: bool,
    /// Whether the descriptor was given out, so that other processes may have copies of it.
    given_out: bool,
}

impl FileHolding {
    pub(super) fn new(
        key: &str,
        file: LockFile,
        signed: Signed,
        record: Vec<u8>,
        sharers: Option<Sharers>,
        owner: Owner,
    ) -> Self {
        Self {
            key: key.to_owned(),
            file,
            signed,
            record,
            sharers,
            owner,
            state: Mutex::default(),
        }
    }

    /// Lets go of the lock, the first time. `loss` is why, unless the holder asked for it.
    ///
    /// A lock whose descriptor was given out is not taken from the processes that inherited it: it
    /// ends when the last copy is closed. This process's own is closed when the held lock is dropped.
    pub(super) fn let_go(&self, loss: Option<Loss>) {
        if let Some(loss) = loss {
            self.owner.lose(loss);
        }
        let mut state = self.state();
        if !std::mem::replace(&mut state.over, true) {
            match &self.sharers {
                Some(sharers) => sharers.leave(self.signed.token),
                None => self.file.clear(),
            }
            if !state.given_out {
                self.file.unlock();
            }
        }
    }

    /// Looks whether the lock is lost: the file was removed or replaced, or an operator has marked it.
    /// Those who wait for this file go on waiting until the holder lets go. A file that was only
    /// written over is no loss, since the lock is on the same file: its content is put right.
    fn look(&self, place: &LockPath, options: &Options) {
        let Some(length) = place.length() else {
            // Others lock another file by now.
            return self.owner.lose(Loss::KeyDeleted);
        };
        let token = self.signed.token;
        let by = match &self.sharers {
            Some(sharers) => {
                // What it puts back must not come after what the end removes.
                let state = self.state();
                match state.over {
                    true => None,
                    false => sharers.look(token, &self.record),
                }
            }
            None if length > self.signed.length => self.file.taken_away(token),
            None => None,
        };
        if let Some(by) = by.filter(|_| self.owner.ownership().loss().is_none()) {
            options.notify(Some(&self.key), EventKind::TakenAway(by));
            self.owner.lose(Loss::TakenAway);
        }
        let state = self.state();
        if !state.over && self.sharers.is_none() {
            self.file.put_right(&self.signed, &self.record);
        }
    }

    fn state(&self) -> MutexGuard<'_, HoldingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches over a lock while it is held, without keeping the file open once its holder dropped it.
async fn keep(
    holding: Weak<FileHolding>,
    place: Arc<LockPath>,
    owner: Owner,
    end: Option<Instant>,
    options: Options,
) {
    let end = clock::until(end);
    tokio::pin!(end);
    // A deadline that passes is a loss by itself. It is noted here, so that there is an event of it.
    let expired = async {
        let mut ownership = owner.ownership();
        ownership.lost().await;
        owner.lose(Loss::Expired);
        std::future::pending::<()>().await;
    };
    tokio::pin!(expired);
    loop {
        if let Some(holding) = holding.upgrade() {
            holding.look(&place, &options);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = &mut end => break,
            () = &mut expired => {}
        }
    }
    if let Some(holding) = holding.upgrade() {
        holding.let_go(Some(Loss::Expired));
    }
}

/// The holder's side of it.
pub(super) struct HeldFile {
    holding: Arc<FileHolding>,
    keeper: AbortHandle,
    claim: Claim,
}

impl HeldFile {
    /// Starts to watch over the lock, which ends at `end`.
    pub(super) fn keep(
        holding: Arc<FileHolding>,
        claim: Claim,
        end: Option<Instant>,
        options: Options,
    ) -> Self {
        let place = holding.file.place().clone();
        let owner = holding.owner.clone();
        let keeping = keep(Arc::downgrade(&holding), place, owner, end, options);
        let keeper = tokio::spawn(keeping);
        Self {
            holding,
            keeper: keeper.abort_handle(),
            claim,
        }
    }
}

impl Possession for HeldFile {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        drop(self);
        Box::pin(std::future::ready(Ok(())))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        let mut state = self.holding.state();
        if state.over {
            return None;
        }
        state.given_out = true;
        Some(self.holding.file.as_fd())
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl Drop for HeldFile {
    fn drop(&mut self) {
        self.keeper.abort();
        self.holding.let_go(None);
    }
}
