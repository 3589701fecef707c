//! Waiting in the queue: the contender just ahead is watched, until there is none.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::WatchOptions;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::fault::Fault;
use super::recipe::{Look, Recipe};
use super::standing;
use super::watch::{self, Watch};
use crate::events::EventKind;
use crate::locker::Loss;

/// A wait that is over by then sends no event.
pub(super) const SOON: Duration = Duration::from_millis(100);

/// How the wait of a place ends.
pub(super) enum WaitEnd {
    /// Nobody is ahead.
    IsFirst,
    /// The place itself is gone.
    Lost(Loss),
}

/// A contender that waits: its key, and when that was created.
pub(super) struct Waiter<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) recipe: &'a Recipe,
    /// The lock's key, as it was asked for.
    pub(super) key: &'a str,
    /// Whether there is an event of every change ahead, and not only of one just ahead.
    pub(super) follows: bool,
    pub(super) own: &'a str,
    pub(super) revision: i64,
}

/// What the last event said: the key just ahead and, where all of the queue is followed, how many are
/// ahead and who holds.
pub(super) type Told = (Vec<u8>, Option<(u64, Option<crate::Record>)>);

impl Waiter<'_> {
    /// Waits until nobody is ahead. `next` is the key just ahead, if it is known.
    ///
    /// # Errors
    /// When etcd refuses for good. An etcd that does not answer is asked again.
    pub(super) async fn wait(&self, next: Option<Vec<u8>>) -> Result<WaitEnd, Fault> {
        let mut told = None;
        // If this fails the look after it shows how things are.
        let mut woken = match next.filter(|_| !self.follows) {
            Some(next) => self.until_left(&next, &mut told).await.is_ok(),
            None => false,
        };
        loop {
            let look = if woken {
                self.recipe.look_ahead(self.own, self.revision).await
            } else {
                self.recipe.look(self.own, self.revision).await
            };
            let ended = match look {
                Ok(look) => {
                    if let Some(loss) = look.loss(self.revision) {
                        return Ok(WaitEnd::Lost(loss));
                    }
                    if look.ahead.is_empty() {
                        return Ok(WaitEnd::IsFirst);
                    }
                    // Others are still ahead: the event needs the holder too, which `look` reads.
                    if std::mem::take(&mut woken) {
                        continue;
                    }
                    self.tell(&look, &mut told);
                    self.until_moved(&look).await
                }
                Err(fault) => Err(fault),
            };
            match ended {
                Ok(()) => woken = true,
                Err(fault) => {
                    let what = EventKind::Retrying(fault.may_pass()?.to_string());
                    self.shared.options.notify(Some(self.key), what);
                    sleep(self.shared.options.retry_interval).await;
                }
            }
        }
    }

    /// Ends when the contender that was just ahead at first is gone, or may be. The queue is not read
    /// if that is soon.
    async fn until_left(&self, next: &[u8], told: &mut Option<Told>) -> Result<(), Fault> {
        let mut left = pin!(self.until_not_attached(next, self.revision));
        tokio::select! {
            biased;
            left = &mut left => return left,
            () = sleep(SOON) => {}
        }
        let look = self.recipe.look(self.own, self.revision).await?;
        let is_next = look.ahead.first().is_some_and(|ahead| ahead == next);
        if look.loss(self.revision).is_some() || look.in_doubt || !is_next {
            return Ok(());
        }
        self.tell(&look, told);
        left.await
    }

    /// Ends when the contender just ahead is gone, also if that was meanwhile; where all of the queue
    /// is followed, at any change of it; and when it is time to look again after keys in doubt.
    async fn until_moved(&self, look: &Look) -> Result<(), Fault> {
        let moved = async {
            if self.follows {
                return self.recipe.changed(look.at + 1).await;
            }
            let next = &look.ahead[0];
            if look.in_doubt {
                return watch::written(&self.shared.store, next, look.at + 1).await;
            }
            self.until_not_attached(next, look.at).await
        };
        if look.in_doubt {
            return timeout(standing::LOOK, moved).await.unwrap_or(Ok(()));
        }
        moved.await
    }

    /// Ends when this key, which was there at a revision, is deleted or written over.
    async fn until_not_attached(&self, next: &[u8], at: i64) -> Result<(), Fault> {
        let watch = Watch::open(&self.shared.store, next, WatchOptions::new()).await?;
        // What happened after that revision and before the watch began has to be read.
        if watch.after() > at {
            let keys = [self.own.as_bytes(), next];
            if !self.recipe.stand(keys).await? {
                return Ok(());
            }
        }
        watch.until(standing::is_not_attached).await
    }

    fn tell(&self, look: &Look, told: &mut Option<Told>) {
        let ahead = look.ahead.len() as u64;
        let all = self.follows.then(|| (ahead, look.holder.clone()));
        let state = (look.ahead[0].clone(), all);
        if told.as_ref() != Some(&state) {
            *told = Some(state);
            let what = EventKind::Waiting {
                owner_key: look.owner_key(),
                holder: look.holder.clone(),
                ahead: Some(ahead),
                token: Some(self.revision as u64),
            };
            self.shared.options.notify(Some(self.key), what);
        }
    }
}
