//! What happens on the way to a lock and with it, as the library tells it.

use crate::locker::{Loss, Record, TakenAway};

/// Something worth telling on the way to a lock.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "told by reference, and seldom kept"
)]
pub enum Event {
    /// The lock is held by another; sent after 0.1 s in the queue and whenever the one just ahead
    /// changes (with [`Options::follow_queue`](crate::Options::follow_queue) anything ahead), and
    /// once by a [`Locker::try_lock`](crate::Locker::try_lock) that gives `None`.
    Waiting {
        /// Who holds it, as far as that is known. Other tools write no record. The content is
        /// another's: escape it before it is shown.
        holder: Option<Record>,
        /// The holder's [`Held::owner_key`](crate::Held::owner_key).
        owner_key: Option<String>,
        /// How many are ahead, the holder among them, where the store has a queue.
        ahead: Option<u64>,
        /// Our own place in the queue, by the token that we will have, where the store has one.
        token: Option<u64>,
    },
    /// The place in the queue was lost, for this reason, and is taken anew at the end.
    PlaceLost(Loss),
    /// An operator took the held lock away; the loss of it comes next.
    TakenAway(TakenAway),
    /// The store did not answer and is asked again; the reason, on one line.
    Retrying(String),
    /// What a connection broke of, as a dependency says it, where the reason that comes next has
    /// only words for that it broke. It may have anything in it: escape it before it is shown.
    Beneath(String),
}
