//! How a lock can be lost.

use std::fmt;

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
    /// An operator took it away ([`Operator::take_away`](crate::Operator::take_away)).
    TakenAway,
    /// The store says that it is not the holder's any more, and not why.
    NotOurs,
    /// The client was closed.
    Closed,
    /// Its holder released it, or dropped it.
    Released,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its deadline passed without a renewal",
            Self::LeaseGone => "its lease is gone from the store, run out or revoked",
            Self::KeyDeleted => "its key was deleted from the store",
            Self::KeyOverwritten => "somebody else wrote to its key in the store",
            Self::TakenAway => "an operator took it away",
            Self::NotOurs => "it is not ours any more in the store",
            Self::Closed => "the client was closed",
            Self::Released => "its holder released it",
        })
    }
}
