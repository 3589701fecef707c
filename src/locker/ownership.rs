//! Whether a lock is still ours: one state, set by what drives the lease, followed by who holds.

use std::fmt;

use tokio::sync::watch;

use crate::clock::{self, Instant};

/// Why ownership is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// The deadline passed without a renewal.
    Expired,
    /// The store says that the lease is gone: it ran out or was revoked.
    LeaseGone,
    /// The key that stands for the holder was deleted.
    KeyDeleted,
    /// Somebody else wrote to the key that stands for the holder, and may have taken its lease off it.
    KeyOverwritten,
    /// An operator took it away ([`Operator::take_away`](super::Operator::take_away)).
    TakenAway,
    /// The client was closed.
    Closed,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its deadline passed without a renewal",
            Self::LeaseGone => "its lease is gone from the store, run out or revoked",
            Self::KeyDeleted => "its key was deleted from the store",
            Self::KeyOverwritten => "somebody else wrote to its key in the store",
            Self::TakenAway => "an operator took it away",
            Self::Closed => "the client was closed",
        })
    }
}

#[derive(Clone, Copy)]
enum Status {
    Owned { deadline: Option<Instant> },
    Lost(Loss),
}

/// The side that drives the lease. A loss is final: nothing heals it.
#[derive(Clone)]
pub(super) struct Owner(watch::Sender<Status>);

impl Owner {
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Self(watch::Sender::new(Status::Owned { deadline }))
    }

    pub(super) fn ownership(&self) -> Ownership {
        Ownership(self.0.subscribe())
    }

    /// A renewal was acknowledged. One that comes after the deadline heals nothing: by then
    /// someone may have acted on the loss.
    pub(super) fn extend(&self, to: Instant) {
        self.0.send_if_modified(|status| {
            let Status::Owned { deadline } = status else {
                return false;
            };
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                *status = Status::Lost(Loss::Expired);
                return true;
            }
            let moved = *deadline != Some(to);
            *deadline = Some(to);
            moved
        });
    }

    /// Ownership is gone for certain. The first reason stands.
    pub(super) fn lose(&self, loss: Loss) {
        self.0.send_if_modified(|status| {
            let owned = matches!(status, Status::Owned { .. });
            if owned {
                *status = Status::Lost(loss);
            }
            owned
        });
    }
}

/// Follows the state of a held lock.
#[derive(Clone)]
pub struct Ownership(watch::Receiver<Status>);

impl Ownership {
    /// Until when nobody else can hold the lock; `None` if it has no deadline, or is lost.
    pub fn deadline(&self) -> Option<Instant> {
        match *self.0.borrow() {
            Status::Owned { deadline } => deadline,
            Status::Lost(_) => None,
        }
    }

    /// Why it is lost; `None` while it is held.
    pub fn loss(&self) -> Option<Loss> {
        match *self.0.borrow() {
            Status::Owned {
                deadline: Some(deadline),
            } if deadline <= Instant::now() => Some(Loss::Expired),
            Status::Owned { .. } => None,
            Status::Lost(loss) => Some(loss),
        }
    }

    /// Ends when the deadline moved or the lock was lost since the last call. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Whoever drives the lease is gone without a word, so nothing will ever change.
            std::future::pending::<()>().await;
        }
    }

    /// Ends when ownership is gone. Cancel-safe.
    pub async fn lost(&mut self) -> Loss {
        loop {
            if let Some(loss) = self.loss() {
                return loss;
            }
            match self.deadline() {
                Some(deadline) => tokio::select! {
                    () = self.changed() => {}
                    () = clock::sleep_until(deadline) => {}
                },
                None => self.changed().await,
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
    }

    #[tokio::test]
    async fn the_first_loss_stands_and_no_renewal_heals_it() {
        let owner = Owner::new(None);
        owner.lose(Loss::KeyDeleted);
        owner.lose(Loss::Closed);
        owner.extend(Instant::now() + Duration::from_secs(9));
        assert_eq!(owner.ownership().lost().await, Loss::KeyDeleted);
    }
}
