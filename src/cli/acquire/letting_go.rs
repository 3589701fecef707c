//! The end of a lock that is kept: the steps under it first, and then the lock; and what those are told who
//! have asked for it.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::keeper::{End, KeptLock};
use super::notify;
use crate::cli::answering::Ordered;
use crate::cli::locking::{LettingGo, say_unwritten};
use crate::cli::question::{Answer, Order};
use crate::describe;
use crate::events::{EventKind, StopReason};
use crate::exit::{self, Exit};
use crate::locker::{Held, Loss};
use crate::stderr;
use crate::{Error, ErrorKind};

/// How long those who asked for the release wait for the history.
const HISTORY_WITHIN: Duration = Duration::from_secs(1);

impl KeptLock<'_> {
    /// Lets go of the lock, and gives how the keeper ends.
    pub(super) async fn let_go(
        &mut self,
        held: Held,
        orders: &mut mpsc::Receiver<Ordered>,
        end: End,
    ) -> Exit {
        if self.options.foreground {
            notify::stopping();
        }
        let (exit, letting) = match end {
            End::Signal(signal) => (Exit::Signal(signal), LettingGo::After(Duration::ZERO)),
            End::Lost(loss) => {
                self.tell_loss(loss);
                (Exit::Status(exit::LOST), LettingGo::Lost)
            }
            _ => (Exit::Status(0), LettingGo::After(Duration::ZERO)),
        };
        self.stop_steps(&held, orders, &end).await;
        orders.close();
        while let Ok(ordered) = orders.try_recv() {
            self.too_late(ordered);
        }
        let reporter = self.reporter;
        let report = reporter.account().over(exit);
        reporter.before_release(&report);
        let keeping = self.keeping.take();
        if self.releasers.is_empty() {
            let end = keeping.map(|keeping| keeping.end(report));
            self.locking
                .release(held, letting, end, &mut self.signals)
                .await;
            return exit;
        }
        let (answer, exit, error) = released(held.unlock().await);
        if let Some(keeping) = keeping {
            let report = match &error {
                Some(error) => reporter.account().failed(exit, error),
                None => reporter.account().over(exit),
            };
            // What it comes to is known only now. A store that does not answer has its own line.
            if let Ok(Err(error)) = timeout(HISTORY_WITHIN, keeping.end(report)).await {
                say_unwritten(&error);
            }
        }
        // Whoever has asked for the release may read it at once.
        reporter.end(exit, error.as_deref());
        self.releasers
            .iter()
            .for_each(|asker| asker.answer(&answer));
        exit
    }

    /// Tells that it is lost, and why.
    fn tell_loss(&self, loss: Loss) {
        let events = self.locking.events();
        let by = events.state().taken_away();
        let why = match by.filter(|_| loss == Loss::TakenAway) {
            Some(by) => describe::taken_away(&by),
            None => loss.to_string(),
        };
        let key = describe::escape(&self.options.lock.key);
        stderr::complain(format_args!("{key}: the lock is lost: {why}"));
        events.tell(EventKind::Stopping(StopReason::LockLost(why)));
    }

    /// Tells the steps under the lock to end, and waits until they have: another may hold it as soon as it is
    /// let go of. It is renewed meanwhile, so a step that is frozen keeps it. Once it is lost they have ended
    /// by the end of its TTL.
    async fn stop_steps(&mut self, held: &Held, orders: &mut mpsc::Receiver<Ordered>, end: &End) {
        let steps = std::mem::take(&mut self.steps);
        let by = self.locking.events().state().taken_away();
        let why = match (end, by) {
            (End::Lost(Loss::TakenAway), Some(by)) => Answer::TakenAway(by),
            _ => Answer::Nothing,
        };
        for step in &steps {
            step.answer(&why);
        }
        let mut gone = pin!(async {
            for step in &steps {
                step.gone().await;
            }
        });
        let ttl = held.ttl().unwrap_or(self.options.lock.ttl);
        let mut ownership = held.ownership();
        let mut overdue = pin!(sleep(ttl));
        loop {
            tokio::select! {
                biased;
                () = &mut gone => return,
                _ = ownership.lost() => break,
                () = &mut overdue, if !overdue.is_elapsed() => {}
                Some(ordered) = orders.recv() => self.too_late(ordered),
            }
            if overdue.is_elapsed() {
                let unfinished = unfinished(&steps);
                self.releasers
                    .drain(..)
                    .for_each(|asker| asker.answer(&unfinished));
            }
        }
        let _ = timeout(ttl, gone).await;
    }

    /// For those who come while the lock is let go of: a step is not to begin any more, and who wants it
    /// released waits for that.
    fn too_late(&mut self, ordered: Ordered) {
        match ordered.order {
            Order::Release => self.releasers.push(ordered),
            Order::Join | Order::Extend(_) => ordered.answer(&Answer::Nothing),
        }
    }
}

/// What those are told who asked for the release, how the keeper ends after it, and its error.
fn released(released: Result<(), Error>) -> (Answer, Exit, Option<String>) {
    let Err(error) = released else {
        return (Answer::Done, Exit::Status(0), None);
    };
    let (text, exit) = (error.to_string(), Exit::of_error(error.kind()));
    let answer = match error.kind() {
        ErrorKind::OwnershipLost => Answer::Nothing,
        _ => Answer::Failed {
            status: exit.status(),
            text: text.clone(),
        },
    };
    (answer, exit, Some(text))
}

/// The answer to who asked for it where steps go on: the lock stays until they have ended.
fn unfinished(steps: &[Ordered]) -> Answer {
    let pids: Vec<_> = steps
        .iter()
        .filter_map(Ordered::pid)
        .map(|pid| pid.to_string())
        .collect();
    let pids = match pids.is_empty() {
        true => String::new(),
        false => format!(" (pid {})", pids.join(", ")),
    };
    Answer::Failed {
        status: exit::UNAVAILABLE,
        text: format!("not released yet: it is told to end, and genlock run --held{pids} does not"),
    }
}
