//! Work under a lock, in one call.

use std::future::Future;

use super::{Held, Locker};
use crate::error::Result;

/// Work under a lock, for every [`Locker`] and what points to one: apart from that, since a `dyn Locker`
/// has no methods that are generic. With more to say than a key it is
/// [`RequestBuilder::hold`](super::RequestBuilder::hold).
pub trait Hold: Locker {
    /// Takes the lock of `key`, does the work, and releases the lock: see
    /// [`RequestBuilder::hold`](super::RequestBuilder::hold).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> genlock::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let url = format!("file:{}", dir.path().display());
    /// # let locks = genlock::open(&url, genlock::Options::new())?;
    /// use genlock::Hold;
    ///
    /// let token = locks.hold("/locks/backup", async |held| held.token()).await?;
    /// # assert!(token > 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As that.
    fn hold<T>(
        &self,
        key: &str,
        work: impl AsyncFnOnce(&Held) -> T,
    ) -> impl Future<Output = Result<T>> {
        self.request(key).hold(work)
    }
}

impl<L: Locker + ?Sized> Hold for L {}
