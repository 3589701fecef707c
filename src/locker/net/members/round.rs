//! One round of asking: the current member, and the next ones too where it is silent.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Bound, Dialler, Fault, Members};

/// After so long a silence the next endpoint is asked as well. The first goes on: a slow answer
/// from it is as good. One that is slow, but shows signs of life, has a share of the bound: where
/// all are slow because they have much to do, to ask every one of them makes it more.
const SILENCE: Duration = Duration::from_millis(100);

/// This share, for the first that is slow; each further one has twice as much.
const SLOW: u32 = 4;

/// One pass over the members, beginning with the current one.
pub(super) struct Round<'a, D: Dialler> {
    store: &'a Arc<Members<D>>,
    patience: Duration,
    first: usize,
    asked: usize,
    /// How long one that is slow goes on before the next is asked.
    slow: Duration,
    /// What came of each member in the round before.
    before: Vec<Option<Fault>>,
    faults: &'a mut Vec<Option<Fault>>,
}

impl<'a, D: Dialler> Round<'a, D> {
    pub(super) fn new(
        store: &'a Arc<Members<D>>,
        bound: &Bound<'_, D>,
        faults: &'a mut Vec<Option<Fault>>,
    ) -> Self {
        Self {
            store,
            patience: bound.patience,
            first: store.current.load(Ordering::Relaxed),
            asked: 0,
            slow: bound.within / SLOW,
            before: faults.clone(),
            faults,
        }
    }

    /// The member that is asked as number `turn`.
    fn member(&self, turn: usize) -> usize {
        (self.first + turn) % self.store.members.len()
    }

    /// Whether there was a sign of life of the one asked last since its liveness counted so much.
    fn lives_since(&self, count: usize) -> bool {
        let last = &self.store.members[self.member(self.asked - 1)];
        last.liveness.beats_since(count)
    }

    /// The first success or last word; `None` when every member failed.
    pub(super) async fn run<T, F, Fut>(&mut self, op: &F) -> Option<Result<T, Fault>>
    where
        T: Send + 'static,
        F: Fn(Arc<D::Client>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, D::Error>> + Send + 'static,
    {
        let members = self.store.members.len();
        let mut attempts = JoinSet::new();
        let mut count = 0;
        loop {
            if self.asked < members {
                let turn = self.asked;
                let index = self.member(turn);
                count = self.store.members[index].liveness.count();
                let (store, patience) = (self.store.clone(), self.patience);
                let attempt = Box::pin(store.attempt(index, patience, op.clone()));
                self.faults[index] = None;
                attempts.spawn(async move { (turn, attempt.await) });
                self.asked += 1;
            }
            let ended = if self.asked < members {
                match timeout(SILENCE, attempts.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) if self.lives_since(count) => {
                        let slow = self.slow.saturating_sub(SILENCE);
                        self.slow *= 2;
                        match timeout(slow, attempts.join_next()).await {
                            Ok(ended) => ended,
                            Err(_) => continue,
                        }
                    }
                    Err(_) => continue,
                }
            } else {
                attempts.join_next().await
            };
            let Some(ended) = ended else {
                // All have failed, or are not even there to be asked.
                return None;
            };
            // An attempt ends otherwise only when its runtime does.
            let Ok((turn, result)) = ended else {
                continue;
            };
            match result {
                Err(fault @ (Fault::Broken(_) | Fault::Misfit(..))) => {
                    let index = self.member(turn);
                    self.store.forget(index);
                    self.faults[index] = Some(fault);
                }
                last_word => {
                    self.settle(turn);
                    return Some(last_word);
                }
            }
        }
    }

    /// The member asked as number `turn` answered: it is the current one from now on, and those
    /// that were asked before it and are still silent are given up.
    fn settle(&mut self, turn: usize) {
        let (store, winner) = (self.store, self.member(turn));
        store.heard.store(true, Ordering::Relaxed);
        for turn in 0..turn {
            let index = self.member(turn);
            if self.faults[index].is_none() {
                store.forget(index);
            }
        }
        if store.current.swap(winner, Ordering::Relaxed) != winner {
            store.moved.send_modify(|moves| *moves += 1);
        }
    }

    /// The time is over: who has not answered by now is given up. One that failed before had no
    /// time to answer since, and that is the better reason.
    pub(super) fn give_up_silent(&mut self, within: Duration) {
        for turn in 0..self.asked {
            let index = self.member(turn);
            if self.faults[index].is_none() {
                self.store.forget(index);
                let before = self.before[index].take();
                self.faults[index] = before.or_else(|| Some(Fault::silent(within)));
            }
        }
    }
}
