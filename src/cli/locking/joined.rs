//! The connection of a step to the keeper of the lock that it runs under: the keeper does not let go of the
//! lock while it is open, and says on it when the step has to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::cli::environment::Around;
use crate::cli::question::{Answer, Joining, MAX_MESSAGE};
use crate::locker::TakenAway;

/// The step's end of it.
pub(super) struct JoinedKeeper {
    connection: UnixStream,
    /// The lock itself, where it is held as long as this is open anywhere.
    lock: Option<OwnedFd>,
}

/// Why the step has to end.
pub(super) enum KeepersWord {
    /// The lock is let go of, or lost.
    LetGo,
    /// An operator has taken it away.
    TakenAway(TakenAway),
}

impl JoinedKeeper {
    /// Of what came of the attempt. `None` if there is nobody who has to be told.
    ///
    /// # Errors
    /// It is too late: the keeper lets go of the lock, or has done so.
    pub(super) fn of(joining: Joining, around: &Around) -> crate::Result<Option<Arc<Self>>> {
        let (socket, lock) = match joining {
            Joining::Keeper(socket, lock) => (net::UnixStream::from(socket), lock),
            Joining::TooLate => return Err(around.lost()),
            Joining::NoKeeper | Joining::Silence => return Ok(None),
        };
        let socket = UnixStream::from_std(socket).ok();
        Ok(socket.map(|connection| Arc::new(Self { connection, lock })))
    }

    /// Whether the lock itself came along, where it is held by that.
    pub(super) fn has_lock(&self) -> bool {
        self.lock.is_some()
    }

    /// What the whole command has to have open: while it is, the lock is not another's, though we be killed and
    /// the command not be gone yet.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        let lock = self.lock.as_ref().map(AsFd::as_fd);
        lock.unwrap_or_else(|| self.connection.as_fd())
    }

    /// Ends when the keeper says that the step has to end; or when it is gone: `None`. Cancel-safe.
    async fn told(&self) -> Option<KeepersWord> {
        loop {
            self.connection.readable().await.ok()?;
            let mut word = vec![0; MAX_MESSAGE];
            match self.connection.try_read(&mut word) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(length @ 1..) => return Some(KeepersWord::of(&word[..length])),
                Ok(0) | Err(_) => return None,
            }
        }
    }
}

impl KeepersWord {
    /// Whatever it says, the step has to end.
    fn of(text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            Ok(Answer::TakenAway(by)) => Self::TakenAway(by),
            _ => Self::LetGo,
        }
    }
}

/// The same where there may be none; then it never ends.
pub(super) async fn told(joined: Option<&JoinedKeeper>) -> Option<KeepersWord> {
    match joined {
        Some(joined) => joined.told().await,
        None => std::future::pending().await,
    }
}
