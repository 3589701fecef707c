//! Follows what happens to keys.

use std::ops::ControlFlow;
use std::sync::Arc;

use etcd_client::{Event, WatchOptions, WatchResponse};
use tokio::sync::watch::Receiver;

use super::answer;
use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::watches::{self, SharedWatch};

/// A watch that has begun.
pub(super) struct Watch {
    shared: SharedWatch,
    /// Its first answer, until that was taken.
    first: Option<WatchResponse>,
    moved: Receiver<u64>,
}

impl Watch {
    /// Watches from now on, or from the revision in `options`.
    ///
    /// Only a watch from now on gets an event at once. One from an earlier revision gets its first events
    /// from a loop that sleeps for 100 ms (syncWatchersLoop,
    /// server/storage/mvcc/watchable_store.go).
    pub(super) async fn open(
        store: &Arc<EtcdMembers>,
        key: &[u8],
        options: WatchOptions,
    ) -> Result<Self, Fault> {
        let mut moved = store.moved();
        let key = key.to_vec();
        let open = move |client: Client| {
            let (key, options) = (key.clone(), options.clone());
            async move { watches::open(&client, &client.watches, key, options).await }
        };
        let (shared, first) = store.call(store.command_timeout, open).await?;
        moved.mark_unchanged();
        Ok(Self {
            shared,
            first,
            moved,
        })
    }

    /// For a watch from now on: the last revision that it does not see.
    pub(super) fn after(&self) -> i64 {
        let header = self.first.as_ref().and_then(WatchResponse::header);
        header.map_or(i64::MAX, |header| header.revision())
    }

    /// Hands every event to `each` until that breaks it off.
    ///
    /// # Errors
    /// When the watch cannot go on: the connection broke or another endpoint is used by now, etcd
    /// has no leader, or has forgotten the revision. The caller has to read the keys, and may watch
    /// again.
    pub(super) async fn until<T>(
        mut self,
        mut each: impl FnMut(&Event) -> ControlFlow<T>,
    ) -> Result<T, Fault> {
        loop {
            for event in self.answer().await?.events() {
                if let ControlFlow::Break(found) = each(event) {
                    return Ok(found);
                }
            }
        }
    }

    /// The next answer, with its events. Cancel-safe.
    ///
    /// # Errors
    /// As [`Watch::until`].
    pub(super) async fn answer(&mut self) -> Result<WatchResponse, Fault> {
        let answer = match self.first.take() {
            Some(first) => Some(first),
            None => tokio::select! {
                message = self.shared.message() => message.map_err(|error| match error.into() {
                    // The next call logs in anew.
                    Fault::StaleLogin(why) => Fault::passing(why),
                    fault => fault,
                })?,
                _ = self.moved.changed() => {
                    return Err(Fault::broken("another connection is used"));
                }
            },
        };
        let answer = answer.ok_or_else(|| Fault::broken("the watch was closed"))?;
        if answer.canceled() {
            let reason = answer.cancel_reason();
            return Err(Fault::broken(format!("the watch was ended: {reason}")));
        }
        answer::known(answer.events())?;
        Ok(answer)
    }
}

/// [`Watch::open`] and [`Watch::until`].
pub(super) async fn follow<T>(
    store: &Arc<EtcdMembers>,
    key: &[u8],
    options: WatchOptions,
    each: impl FnMut(&Event) -> ControlFlow<T>,
) -> Result<T, Fault> {
    Watch::open(store, key, options).await?.until(each).await
}

/// Ends when `key` was written or deleted, at `from` or a later revision.
///
/// # Errors
/// As [`Watch::until`].
pub(super) async fn written(store: &Arc<EtcdMembers>, key: &[u8], from: i64) -> Result<(), Fault> {
    let options = WatchOptions::new().with_start_revision(from);
    follow(store, key, options, any).await
}

/// Any event.
pub(super) fn any(_: &Event) -> ControlFlow<()> {
    ControlFlow::Break(())
}
