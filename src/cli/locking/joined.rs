//! The connection of a step to the keeper of the lock that it runs under: the keeper does not let go of the
//! lock while it is open, and says on it when the step has to end.

use std::io;
use std::os::unix::net;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::cli::environment::Around;
use crate::cli::question::{self, Joining};

/// The step's end of it.
pub(super) struct JoinedKeeper(UnixStream);

impl JoinedKeeper {
    /// `None` if there is nobody who has to be told.
    ///
    /// # Errors
    /// It is too late: the keeper lets go of the lock, or has done so.
    pub(super) fn of(around: &Around) -> crate::Result<Option<Arc<Self>>> {
        let socket = match question::join(around) {
            Joining::Keeper(socket) => net::UnixStream::from(socket),
            Joining::TooLate => return Err(around.lost()),
            Joining::Nobody => return Ok(None),
        };
        let socket = UnixStream::from_std(socket).ok();
        Ok(socket.map(|socket| Arc::new(Self(socket))))
    }

    /// Ends when the keeper says something: true, which is that the step has to end; or when it is gone.
    /// Cancel-safe.
    async fn told(&self) -> bool {
        let mut word = [0; 64];
        loop {
            if self.0.readable().await.is_err() {
                return false;
            }
            match self.0.try_read(&mut word) {
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
