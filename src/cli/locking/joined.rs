//! The connection of a step to the keeper of the lock that it runs under: the keeper does not let go of the
//! lock while it is open, and says on it when the step has to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::cli::environment::Around;
use crate::cli::question::Joining;

/// The step's end of it.
pub(super) struct JoinedKeeper {
    connection: UnixStream,
    /// The lock itself, where it is held as long as this is open anywhere.
    lock: Option<OwnedFd>,
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

    /// What the whole command has to have open: while it is, the lock is not another's, though we be killed and
    /// the command not be gone yet.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        let lock = self.lock.as_ref().map(AsFd::as_fd);
        lock.unwrap_or_else(|| self.connection.as_fd())
    }

    /// Ends when the keeper says something: true, which is that the step has to end; or when it is gone.
    /// Cancel-safe.
    async fn told(&self) -> bool {
        let mut word = [0; 64];
        loop {
            if self.connection.readable().await.is_err() {
                return false;
            }
            match self.connection.try_read(&mut word) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(1..) => return true,
                Ok(0) | Err(_) => return false,
            }
        }
    }
}

/// The same where there may be none; then it never ends.
pub(super) async fn told(joined: Option<&JoinedKeeper>) -> bool {
    match joined {
        Some(joined) => joined.told().await,
        None => std::future::pending().await,
    }
}
