//! The keeper: holds the lock until the process that it follows ends, its time is over, or it is told to
//! let go.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::caller::{Caller, ToldCaller};
use super::notify;
use super::output::Kept;
use super::{AcquireOptions, FollowedProcess};
use crate::cli::answering::{Answering, Ordered};
use crate::cli::locking::{LettingGo, Locking, NotHeld};
use crate::cli::operate::print;
use crate::cli::question::{Answer, Order};
use crate::cli::store::Store;
use crate::clock::{Instant, until};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::{Held, Loss};
use crate::stderr;
use crate::supervise::footprint;
use crate::supervise::signals::Signals;
use crate::{Error, ErrorKind};

/// How many orders may wait to be carried out.
const ORDERS: usize = 8;

/// Why the lock is let go of.
enum End {
    /// The process that is followed has ended.
    Gone,
    /// `--for` is over.
    Over,
    Signal(i32),
    Lost(Loss),
    /// `genlock release` asks for it, and waits.
    Released,
    /// The caller has not taken the news that it is held.
    Unheard,
}

/// A lock that is being acquired, or kept.
struct KeptLock<'a> {
    options: &'a AcquireOptions,
    locking: Locking<'a>,
    signals: Signals,
    followed: Option<FollowedProcess>,
    /// Those who run a step under the lock, and those who did.
    steps: Vec<Ordered>,
    /// Those who asked for the release, and wait for it.
    releasers: Vec<Ordered>,
}

/// Acquires the lock and keeps it.
pub(super) async fn acquire(
    options: &AcquireOptions,
    store: Store,
    followed: Option<FollowedProcess>,
    caller: Option<Caller>,
) -> anyhow::Result<Exit> {
    let signals = Signals::listen().context("cannot listen to signals")?;
    let locking = options.open(store)?;
    let mut keeper = KeptLock {
        options,
        locking,
        signals,
        followed,
        steps: Vec::new(),
        releasers: Vec::new(),
    };
    match keeper.wait(caller.as_ref()).await {
        Ok(Some(held)) => keeper.keep(held, caller).await,
        Ok(None) => {
            keeper.locking.close(&mut keeper.signals).await;
            let key = describe::escape(&options.lock.key);
            let pid = keeper.followed.map_or(0, |followed| followed.pid());
            stderr::complain(format_args!("{key}: not acquired: process {pid} has ended"));
            Ok(Exit::Status(exit::NOT_ACQUIRED))
        }
        Err(why) => {
            keeper.locking.close(&mut keeper.signals).await;
            keeper.locking.not_held(why).await
        }
    }
}

impl KeptLock<'_> {
    /// Waits for the lock; `None` if nobody is left for whom it would be kept.
    async fn wait(&mut self, caller: Option<&Caller>) -> Result<Option<Held>, NotHeld> {
        let signals = &mut self.signals;
        let interruption = async {
            tokio::select! {
                signal = signals.next_that_ends() => signal,
                () = gone(caller) => libc::SIGHUP,
            }
        };
        tokio::select! {
            biased;
            () = ended(self.followed.as_ref()) => Ok(None),
            held = self.locking.wait(interruption) => held.map(Some),
        }
    }

    /// Tells that the lock is held, keeps it, and lets go of it in the end.
    async fn keep(mut self, held: Held, caller: Option<Caller>) -> anyhow::Result<Exit> {
        let (sender, mut orders) = mpsc::channel(ORDERS);
        let answering = Answering::start(self.locking.store(), &held, Some(sender));
        let time = self.options.time;
        let text = self.options.form.text(
            &held,
            &Kept {
                endpoints: self.locking.endpoints(),
                socket: answering.as_ref().map(Answering::address),
                pid: Some(std::process::id()),
                ends_at: time.map(ends_at),
            },
        );
        stderr::finish();
        let told = match caller {
            Some(caller) => caller.tell(&text).await.map(Some).map_err(Into::into),
            None => print(&text).map(|()| {
                notify::ready(&self.options.lock.key);
                None
            }),
        };
        let (end, unsaid) = match told {
            Ok(told) => (self.until_end(&held, &mut orders, told).await, None),
            Err(error) => (End::Unheard, Some(error)),
        };
        let exit = self.let_go(held, &mut orders, end).await;
        unsaid.map_or(Ok(exit), Err)
    }

    /// Keeps the lock until there is a reason not to.
    async fn until_end(
        &mut self,
        held: &Held,
        orders: &mut mpsc::Receiver<Ordered>,
        mut told: Option<ToldCaller>,
    ) -> End {
        // Where locks do not expire no renewal does it.
        footprint::give_back();
        let mut ownership = held.ownership();
        let mut end = self.options.time.map(|time| Instant::now() + time);
        loop {
            tokio::select! {
                biased;
                loss = ownership.lost() => return End::Lost(loss),
                signal = self.signals.next_that_ends() => return End::Signal(signal),
                () = ended(self.followed.as_ref()) => return End::Gone,
                () = until(end) => return End::Over,
                taken = has_taken(told.as_ref()) => {
                    if !taken {
                        return End::Unheard;
                    }
                    told = None;
                }
                Some(ordered) = orders.recv() => match ordered.order {
                    Order::Release => {
                        self.releasers.push(ordered);
                        return End::Released;
                    }
                    Order::Join => self.join(ordered, held),
                    Order::Extend(time) => {
                        end = Some(Instant::now() + time);
                        ordered.answer(&Answer::Done);
                    }
                },
            }
        }
    }

    /// Notes that a step runs under the lock. Where that is held as long as its descriptor is open anywhere, the
    /// step gets that: it keeps the lock though the keeper be killed.
    fn join(&mut self, step: Ordered, held: &Held) {
        self.steps.retain(Ordered::is_there);
        step.answer_with(&Answer::Done, held.descriptor());
        self.steps.push(step);
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

    /// Lets go of the lock, and gives how the keeper ends.
    async fn let_go(&mut self, held: Held, orders: &mut mpsc::Receiver<Ordered>, end: End) -> Exit {
        if self.options.foreground {
            notify::stopping();
        }
        self.stop_steps(&held, orders, &end).await;
        orders.close();
        while let Ok(ordered) = orders.try_recv() {
            self.too_late(ordered);
        }
        if !self.releasers.is_empty() {
            let released = released(held.unlock().await);
            self.releasers
                .iter()
                .for_each(|asker| asker.answer(&released));
            return Exit::Status(0);
        }
        let letting = match end {
            End::Lost(_) => LettingGo::Lost,
            _ => LettingGo::After(Duration::ZERO),
        };
        let nothing = None::<std::future::Ready<crate::Result<()>>>;
        self.locking
            .release(held, letting, nothing, &mut self.signals)
            .await;
        match end {
            End::Signal(signal) => Exit::Signal(signal),
            End::Lost(loss) => {
                let key = describe::escape(&self.options.lock.key);
                stderr::complain(format_args!("{key}: the lock is lost: {loss}"));
                Exit::Status(exit::LOST)
            }
            _ => Exit::Status(0),
        }
    }
}

/// The answer to who asked for the release.
fn released(released: Result<(), Error>) -> Answer {
    match released {
        Ok(()) => Answer::Done,
        Err(error) if error.kind() == ErrorKind::OwnershipLost => Answer::Nothing,
        Err(error) => Answer::Failed {
            status: Exit::of_error(error.kind()).status(),
            text: error.to_string(),
        },
    }
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

/// The time so long from now, RFC 3339 in UTC.
pub(super) fn ends_at(time: Duration) -> String {
    let at = SystemTime::now().checked_add(time);
    humantime::format_rfc3339_seconds(at.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// Ends when the process has; never if there is none.
async fn ended(followed: Option<&FollowedProcess>) {
    match followed {
        Some(followed) => followed.ended().await,
        None => std::future::pending().await,
    }
}

async fn gone(caller: Option<&Caller>) {
    match caller {
        Some(caller) => caller.gone().await,
        None => std::future::pending().await,
    }
}

async fn has_taken(told: Option<&ToldCaller>) -> bool {
    match told {
        Some(told) => told.has_taken().await,
        None => std::future::pending().await,
    }
}
