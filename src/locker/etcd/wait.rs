//! Waiting for the turn: the one just ahead is watched until nobody is.

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

/// A wait that is over by then tells nobody whom it waits for.
const SOON: Duration = Duration::from_millis(100);

/// How the wait of a place ends.
pub(super) enum WaitEnd {
    /// Nobody is ahead.
    Come,
    /// The place itself is gone.
    Lost(Loss),
}

/// Who waits, as which key, created when.
pub(super) struct Waiter<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) recipe: &'a Recipe,
    /// As it was asked for.
    pub(super) key: &'a str,
    /// Whether it tells of all that moves ahead.
    pub(super) follows: bool,
    pub(super) own: &'a str,
    pub(super) revision: i64,
}

/// What was told of the queue last: the one just ahead, and all of it where it is followed.
type Told = (Vec<u8>, Option<(u64, Option<crate::Record>)>);

impl Waiter<'_> {
    /// Waits until nobody is ahead. `next` is the key just ahead, if it is known.
    ///
    /// # Errors
    /// When etcd refuses. One that is away is waited for.
    pub(super) async fn wait(&self, next: Option<Vec<u8>>) -> Result<WaitEnd, Fault> {
        let mut told = None;
        // Whatever comes of it, the next look tells.
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
                        return Ok(WaitEnd::Come);
                    }
                    // The one just ahead left from among others: now it counts who holds.
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
                Err(Fault::Broken(reason)) => {
                    let what = EventKind::Retrying(reason.to_string());
                    self.shared.options.notify(Some(self.key), what);
                    sleep(self.shared.options.retry_interval).await;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Ends when the one just ahead at the beginning has gone, or may have. A wait that is soon over
    /// does without a look.
    async fn until_left(&self, next: &[u8], told: &mut Option<Told>) -> Result<(), Fault> {
        let mut left = pin!(self.until_shaken(next, self.revision));
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

    /// Ends when the one just ahead has gone, or has gone meanwhile; or when anything has happened
    /// where all of the queue is followed; or when it is time to look after those in doubt.
    async fn until_moved(&self, look: &Look) -> Result<(), Fault> {
        let moved = async {
            if self.follows {
                return self.recipe.changed(look.at + 1).await;
            }
            let next = &look.ahead[0];
            if look.in_doubt {
                return watch::written(&self.shared.store, next, look.at + 1).await;
            }
            self.until_shaken(next, look.at).await
        };
        if look.in_doubt {
            return timeout(standing::LOOK, moved).await.unwrap_or(Ok(()));
        }
        moved.await
    }

    /// Ends when this key has gone or was written over, which was there at a revision.
    async fn until_shaken(&self, next: &[u8], at: i64) -> Result<(), Fault> {
        let watch = Watch::open(&self.shared.store, next, WatchOptions::new()).await?;
        // What happened between that and the watch, neither has seen.
        if watch.after() > at {
            let keys = [self.own.as_bytes(), next];
            if !self.recipe.stand(keys).await? {
                return Ok(());
            }
        }
        watch.until(standing::shaken).await
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
