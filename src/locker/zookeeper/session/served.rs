//! How a connection of a session ended.

use crate::locker::fault::Fault;

/// How a connection ended.
pub(super) enum Served {
    /// Nobody has the session any more.
    Dropped,
    /// The session has ended, or none was granted.
    Ended(Fault),
    Broken {
        fault: Fault,
        /// Whether the session was answered for.
        opened: bool,
    },
}

impl Served {
    pub(super) fn broken(fault: Fault) -> Self {
        Self::Broken {
            fault,
            opened: false,
        }
    }
}
