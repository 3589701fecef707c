//! Waiting for a turn where others may hold too, or in several queues at once. Who is ahead is read, and
//! then followed by a watch, so that those who wait do not all read the queue whenever one leaves it.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::WatchOptions;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ahead::{OwnPlace, QueueAhead};
use super::contenders::{self, QueueKey};
use super::fault::Fault;
use super::recipe::{Recipe, losses};
use super::wait::{SOON, Told, WaitEnd};
use super::watch::{Watch, written};
use super::{Shared, standing};
use crate::clock::Instant;
use crate::error::Error;
use crate::events::EventKind;
use crate::locker::keeper::{Acquisition, NoLock};
use crate::locker::{Loss, QueuePolicy, Request};

/// Turns in the queues of a request's keys.
pub(super) struct Turns<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) request: &'a Request,
    /// One for each key.
    pub(super) recipes: &'a [Recipe],
    /// Whether there is an event of every change ahead, and not only of one just ahead.
    pub(super) follows: bool,
    /// Our lease, and the create revision of all our keys; `None` of one who has no place.
    pub(super) place: Option<(i64, i64)>,
}

/// How things are at first.
pub(super) enum First {
    /// The turn has come in every queue.
    Turn,
    /// In one of them others have to go before.
    Waits(Box<QueueAhead>),
    /// The place itself is gone.
    Lost(Loss),
}

/// Why there is no turn.
pub(super) enum NoTurn {
    /// Not with those who are in the queue of one of the keys, which the error names.
    Refused(Error),
    Failed(Fault),
}

impl From<Fault> for NoTurn {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl NoTurn {
    /// What comes of it for a call.
    pub(super) fn no_lock(self, call: &Acquisition<'_>) -> NoLock {
        match self {
            Self::Refused(error) => NoLock::Failed(error),
            Self::Failed(fault) => call.no_lock(fault),
        }
    }
}

impl Turns<'_> {
    /// Looks into the queues, without waiting.
    ///
    /// # Errors
    /// [`NoTurn::Refused`] of a lock with another number of holders.
    pub(super) async fn look(&self) -> Result<First, NoTurn> {
        for recipe in self.recipes {
            let ahead = self.read(recipe).await?;
            if let Some(loss) = ahead.loss() {
                return Ok(First::Lost(loss));
            }
            if !self.is_turn(recipe, &ahead)? {
                return Ok(First::Waits(Box::new(ahead)));
            }
        }
        Ok(First::Turn)
    }

    /// Waits until the turn has come in every queue.
    ///
    /// # Errors
    /// When etcd refuses for good, and [`NoTurn::Refused`] of a lock with another number of holders and of who was
    /// sent away. An etcd that does not answer is asked again.
    pub(super) async fn wait(&self) -> Result<WaitEnd, NoTurn> {
        let mut told = None;
        loop {
            match self.wait_in_each(&mut told).await {
                Ok(ended) => return Ok(ended),
                Err(NoTurn::Failed(fault)) => {
                    let reason = fault.may_pass().map_err(NoTurn::Failed)?;
                    self.notify(EventKind::Retrying(reason.to_string()));
                    sleep(self.shared.options.retry_interval).await;
                }
                Err(why) => return Err(why),
            }
        }
    }

    /// Waits in one queue after the other: those ahead only get fewer, so a turn that has come stays, until
    /// our key is gone.
    async fn wait_in_each(&self, told: &mut Option<Told>) -> Result<WaitEnd, NoTurn> {
        let mut before = JoinSet::new();
        for (recipe, next) in self.recipes.iter().zip(1..) {
            tokio::select! {
                lost = self.wait_in(recipe, told) => if let Some(loss) = lost? {
                    return Ok(WaitEnd::Lost(loss));
                },
                Some(_) = before.join_next() => {
                    let loss = self.confirm().await?;
                    let broken = || Fault::broken("the watch of our own key ended");
                    return Ok(WaitEnd::Lost(loss.ok_or_else(broken)?));
                }
            }
            if let Some((lease, revision)) = self.place.filter(|_| next < self.recipes.len()) {
                // Others would wait for us there, if it is taken away and we did not see it.
                let (store, own) = (self.shared.store.clone(), recipe.own(lease));
                before.spawn(async move { written(&store, own.as_bytes(), revision + 1).await });
            }
        }
        Ok(match self.confirm().await? {
            Some(loss) => WaitEnd::Lost(loss),
            None => WaitEnd::IsFirst,
        })
    }

    /// Waits in one queue. Gives the loss of the place, if it is lost.
    async fn wait_in(
        &self,
        recipe: &Recipe,
        told: &mut Option<Told>,
    ) -> Result<Option<Loss>, NoTurn> {
        // It begins before the queue is read: from an earlier revision etcd tells its first events late
        // (watch.rs).
        let options = WatchOptions::new().with_prefix();
        let store = &self.shared.store;
        let mut watch = Watch::open(store, recipe.prefix().as_bytes(), options).await?;
        let begun = Instant::now();
        loop {
            let mut ahead = self.read(recipe).await?;
            while !ahead.is_stale() {
                if let Some(loss) = ahead.loss() {
                    return Ok(Some(loss));
                }
                self.is_superseded(recipe, &ahead)?;
                if self.is_turn(recipe, &ahead)? {
                    return Ok(None);
                }
                let untold = SOON.saturating_sub(Instant::now().since(begun));
                if untold.is_zero() {
                    self.tell(&ahead, told);
                }
                let pause = match (untold.is_zero(), ahead.in_doubt()) {
                    (false, _) => untold,
                    (true, true) => standing::LOOK,
                    (true, false) => Duration::MAX,
                };
                match timeout(pause, watch.answer()).await {
                    Ok(answer) => answer?.events().iter().for_each(|event| ahead.note(event)),
                    Err(_) if untold.is_zero() => break,
                    Err(_) => {}
                }
            }
        }
    }

    /// Whether all our keys are still there, now that the turn has come: our lease may have ended meanwhile.
    /// Whoever may be sent away looks once more for one who came later.
    async fn confirm(&self) -> Result<Option<Loss>, NoTurn> {
        if self.request.queue() == QueuePolicy::Latest {
            for recipe in self.recipes {
                let ahead = self.read(recipe).await?;
                if ahead.loss().is_some() {
                    return Ok(ahead.loss());
                }
                self.is_superseded(recipe, &ahead)?;
            }
            return Ok(None);
        }
        let Some((lease, revision)) = self.place else {
            return Ok(None);
        };
        Ok(losses(&self.shared.store, self.recipes, lease, revision).await?)
    }

    async fn read(&self, recipe: &Recipe) -> Result<QueueAhead, Fault> {
        let place = match self.place {
            Some((lease, revision)) => OwnPlace {
                own: Some(recipe.own(lease).into_bytes()),
                revision,
            },
            None => OwnPlace::end(),
        };
        let queue = contenders::with_records(&self.shared.store, recipe.name()).await?;
        Ok(QueueAhead::of(queue, place))
    }

    fn is_turn(&self, recipe: &Recipe, ahead: &QueueAhead) -> Result<bool, NoTurn> {
        let mode = self.request.mode();
        if let Some(theirs) = ahead.other_limit(mode) {
            let refused = self.request.other_limit(recipe.name(), theirs);
            return Err(NoTurn::Refused(refused));
        }
        Ok(ahead.may_hold(mode))
    }

    fn is_superseded(&self, recipe: &Recipe, ahead: &QueueAhead) -> Result<(), NoTurn> {
        if self.request.queue() == QueuePolicy::Latest && ahead.newer_latest() {
            return Err(NoTurn::Refused(self.request.superseded(recipe.name())));
        }
        Ok(())
    }

    fn tell(&self, ahead: &QueueAhead, told: &mut Option<Told>) {
        let Some(next) = ahead.last() else {
            return;
        };
        let holder = ahead.first().and_then(|first| first.record.clone());
        let all = self.follows.then(|| (ahead.count(), holder));
        let state = (next.key.clone(), all);
        if told.as_ref() != Some(&state) {
            *told = Some(state);
            self.notify(waiting(ahead, Some(ahead.count()), self.token()));
        }
    }

    /// Tells who holds, once: of who does not wait.
    pub(super) fn tell_once(&self, ahead: &QueueAhead) {
        self.notify(waiting(ahead, None, None));
    }

    fn token(&self) -> Option<u64> {
        self.place.map(|(_, revision)| revision as u64)
    }

    fn notify(&self, what: EventKind) {
        let key = Some(self.request.key());
        self.shared.options.notify(key, what);
    }
}

fn waiting(of: &QueueAhead, ahead: Option<u64>, token: Option<u64>) -> EventKind {
    EventKind::Waiting {
        holder: of.first().and_then(|first| first.record.clone()),
        owner_key: of.first().map(QueueKey::owner_key),
        ahead,
        token,
    }
}
