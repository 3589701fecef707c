//! Whether a lock is still owned: one status, which the store sets and the holder follows.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::clock::{self, Instant};
use crate::events::{EventKind, Observer};
use crate::loss::Loss;

#[derive(Clone, Copy, Debug)]
enum OwnershipStatus {
    Owned { deadline: Option<Instant> },
    Lost(Loss),
}

impl OwnershipStatus {
    /// The status at this moment: a deadline that has passed is a loss, also before that was noted.
    fn now(self) -> Self {
        match self {
            Self::Owned {
                deadline: Some(deadline),
            } if deadline <= Instant::now() => Self::Lost(Loss::Expired),
            status => status,
        }
    }
}

/// The store's side, which sets the status. A loss is final.
#[derive(Clone, Debug)]
pub struct Owner {
    status: watch::Sender<OwnershipStatus>,
    /// Who gets the events, and the key that they are about: set when the lock is handed out.
    observer: Arc<OnceLock<(Observer, String)>>,
}

impl Owner {
    /// Held from now on, until this deadline if it has one.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self {
            status: watch::Sender::new(OwnershipStatus::Owned { deadline }),
            observer: Arc::default(),
        }
    }

    /// The side that follows it.
    pub fn ownership(&self) -> Ownership {
        Ownership(self.status.subscribe())
    }

    /// A renewal was acknowledged. One that comes after the deadline changes nothing: by then someone
    /// may have acted on the loss.
    pub fn extend(&self, to: Instant) {
        self.status.send_if_modified(|status| {
            let OwnershipStatus::Owned { deadline: before } = *status else {
                return false;
            };
            let deadline = Some(to);
            *status = match status.now() {
                OwnershipStatus::Owned { .. } => OwnershipStatus::Owned { deadline },
                lost @ OwnershipStatus::Lost(_) => lost,
            };
            let changed = before != deadline;
            if changed {
                self.note(*status);
            }
            changed
        });
        self.pass_on();
    }

    /// Ownership is gone for certain. The first reason stands.
    pub fn lose(&self, loss: Loss) {
        self.status.send_if_modified(|status| {
            let owned = matches!(status, OwnershipStatus::Owned { .. });
            *status = match status.now() {
                OwnershipStatus::Owned { .. } => OwnershipStatus::Lost(loss),
                lost @ OwnershipStatus::Lost(_) => lost,
            };
            if owned {
                self.note(*status);
            }
            owned
        });
        self.pass_on();
    }

    /// Tells the observer that the lock of `key` is handed out, and from now on of its renewals and
    /// loss.
    pub(super) fn tell(&self, observer: &Observer, key: &str, token: u64, index: Option<u32>) {
        self.status.send_if_modified(|status| {
            if self
                .observer
                .set((observer.clone(), key.to_owned()))
                .is_ok()
            {
                let deadline = match *status {
                    OwnershipStatus::Owned { deadline } => deadline,
                    OwnershipStatus::Lost(_) => None,
                };
                let granted = EventKind::Granted {
                    token,
                    index,
                    deadline,
                };
                observer.note(Some(key), granted);
                if let OwnershipStatus::Lost(_) = status {
                    self.note(*status);
                }
            }
            false
        });
        self.pass_on();
    }

    /// Keeps the event of this change, while the status is locked: so events are in the order of
    /// changes.
    fn note(&self, status: OwnershipStatus) {
        let what = match status {
            OwnershipStatus::Owned {
                deadline: Some(deadline),
            } => EventKind::Renewed(deadline),
            OwnershipStatus::Lost(loss) if loss != Loss::Released => EventKind::Lost(loss),
            // The event of a release is sent when that is done: `Grip::released`.
            OwnershipStatus::Owned { deadline: None } | OwnershipStatus::Lost(_) => return,
        };
        if let Some((observer, key)) = self.observer.get() {
            observer.note(Some(key), what);
        }
    }

    /// Sends the events that were kept. To be called when the status is not locked: an observer may ask
    /// for it.
    fn pass_on(&self) {
        if let Some((observer, _)) = self.observer.get() {
            observer.pass_on();
        }
    }
}

/// The holder's part of a lock. When it is dropped those who follow the ownership learn of the release,
/// before the store does.
pub(super) struct Grip {
    owner: Owner,
    ownership: Ownership,
    /// Whether its holder released it.
    is_let_go: bool,
}

impl Grip {
    pub(super) fn new(owner: Owner) -> Self {
        let ownership = owner.ownership();
        Self {
            owner,
            ownership,
            is_let_go: false,
        }
    }

    /// To be followed from the beginning: [`Ownership::changed`] ends for all that has changed since.
    pub(super) fn ownership(&self) -> Ownership {
        self.ownership.clone()
    }

    /// See [`Owner::tell`].
    pub(super) fn tell(&self, observer: &Observer, key: &str, token: u64, index: Option<u32>) {
        self.owner.tell(observer, key, token, index);
    }

    /// Its holder releases it. The event of that is left to [`Grip::released`].
    pub(super) fn let_go(&mut self) {
        self.is_let_go = true;
        self.owner.lose(Loss::Released);
    }

    /// Tells that it was released, unless it had been lost.
    pub(super) fn released(&self) {
        if let (Some((observer, key)), Some(Loss::Released)) =
            (self.owner.observer.get(), self.ownership.loss())
        {
            observer.tell(Some(key), EventKind::Released);
        }
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        if !self.is_let_go {
            self.let_go();
            self.released();
        }
    }
}

/// Follows the state of a held lock.
#[derive(Clone, Debug)]
pub struct Ownership(watch::Receiver<OwnershipStatus>);

impl Ownership {
    /// Until when nobody else can hold the lock; `None` if it has no deadline, or is lost: one that has
    /// passed is a loss.
    pub fn deadline(&self) -> Option<Instant> {
        match self.status() {
            OwnershipStatus::Owned { deadline } => deadline,
            OwnershipStatus::Lost(_) => None,
        }
    }

    /// Why it is lost; `None` while it is held.
    pub fn loss(&self) -> Option<Loss> {
        match self.status() {
            OwnershipStatus::Owned { .. } => None,
            OwnershipStatus::Lost(loss) => Some(loss),
        }
    }

    fn status(&self) -> OwnershipStatus {
        self.0.borrow().now()
    }

    /// Ends when the deadline moved or the lock was lost since the last call. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The owner is gone without a loss, so nothing will ever change.
            std::future::pending::<()>().await;
        }
    }

    /// Ends when ownership is gone, which it is after a release too. Cancel-safe.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn lost(&mut self) -> Loss {
        loop {
            match self.status() {
                OwnershipStatus::Lost(loss) => return loss,
                OwnershipStatus::Owned {
                    deadline: Some(deadline),
                } => tokio::select! {
                    () = self.changed() => {}
                    () = clock::sleep_until(deadline) => {}
                },
                OwnershipStatus::Owned { deadline: None } => self.changed().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_deadline_that_passes_is_a_loss_although_nobody_says_so() {
        let owner = Owner::new(Some(Instant::now() + Duration::from_millis(20)));
        assert_eq!(owner.ownership().loss(), None);
        assert_eq!(owner.ownership().lost().await, Loss::Expired);
        assert_eq!(owner.ownership().deadline(), None);
        owner.lose(Loss::Released);
        assert_eq!(owner.ownership().loss(), Some(Loss::Expired));
    }

    #[tokio::test]
    async fn the_first_loss_stands_and_no_renewal_undoes_it() {
        let owner = Owner::new(None);
        owner.lose(Loss::KeyDeleted);
        owner.lose(Loss::Closed);
        owner.extend(Instant::now() + Duration::from_secs(9));
        assert_eq!(owner.ownership().lost().await, Loss::KeyDeleted);
    }
}
