//! One round of asking: the current member, and the next ones too where it is silent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Bound, Dialler, Fault, MemberCall, Members};

/// After so long a silence the next endpoint is asked as well. The first goes on: a slow answer
/// from it is as good. One that is slow, but shows signs of life, has a share of the bound: where
/// all are slow because they have much to do, to ask every one of them makes it more.
const SILENCE: Duration = Duration::from_millis(100);

/// This share, for the first that is slow; each further one has twice as much.
const SLOW: u32 = 4;

/// One pass over the members, beginning with the current one.
pub(super) struct Round<'a, D: Dialler> {
    store: &'a Arc<Members<D>>,
    silence: Duration,
    first: usize,
    asked: usize,
    /// How long a slow member is waited for before the next is asked.
    slow: Duration,
    /// Why each member failed in the round before.
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
            silence: bound.silence,
            first: store.current.load(Ordering::Relaxed),
            asked: 0,
            slow: bound.within / SLOW,
            before: faults.clone(),
            faults,
        }
    }

    /// The member that is asked as the `nth`, counted from 0.
    fn member(&self, nth: usize) -> usize {
        (self.first + nth) % self.store.members.len()
    }

    /// Whether there was a sign of life of the member asked last since its liveness had this count.
    fn lives_since(&self, count: usize) -> bool {
        let last = &self.store.members[self.member(self.asked - 1)];
        last.liveness.beats_since(count)
    }

    /// The first success or final refusal; `None` when every member failed.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        op: &MemberCall<D, T>,
    ) -> Option<Result<T, Fault>> {
        let members = self.store.members.len();
        let mut attempts = JoinSet::new();
        let mut count = 0;
        loop {
            if self.asked < members {
                let nth = self.asked;
                let index = self.member(nth);
                count = self.store.members[index].liveness.count();
                let (store, silence) = (self.store.clone(), self.silence);
                let attempt = Box::pin(store.attempt(index, silence, op.clone()));
                self.faults[index] = None;
                attempts.spawn(async move { (nth, attempt.await) });
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
                // Every attempt has ended, and failed.
                return None;
            };
            // A cancelled task: the runtime ends.
            let Ok((nth, result)) = ended else {
                continue;
            };
            match result {
                Err(fault @ (Fault::Broken(_) | Fault::Misfit(..))) => {
                    let index = self.member(nth);
                    self.store.forget(index);
                    self.faults[index] = Some(fault);
                }
                answer => {
                    self.settle(nth);
                    return Some(answer);
                }
            }
        }
    }

    /// The member asked as the `nth` has answered: it is the current one from now on. The connections
    /// of those that were asked before it and are still silent are given up.
    fn settle(&mut self, nth: usize) {
        let (store, winner) = (self.store, self.member(nth));
        store.heard.store(true, Ordering::Relaxed);
        for silent in 0..nth {
            let index = self.member(silent);
            if self.faults[index].is_none() {
                store.forget(index);
            }
        }
        if store.current.swap(winner, Ordering::Relaxed) != winner {
            store.moved.send_modify(|moves| *moves += 1);
        }
    }

    /// The time is over: the connections of members that have not answered are given up. Of one that
    /// failed in the round before that is the better reason: it has had little time since.
    pub(super) fn give_up_silent(&mut self, within: Duration) {
        for nth in 0..self.asked {
            let index = self.member(nth);
            if self.faults[index].is_none() {
                self.store.forget(index);
                let before = self.before[index].take();
                self.faults[index] = before.or_else(|| Some(Fault::silent(within)));
            }
        }
    }
}
