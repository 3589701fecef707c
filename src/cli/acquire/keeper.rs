//! The keeper: holds the lock until the process that it follows ends, its time is over, or it is told to
//! let go.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::sync::mpsc;

use super::caller::{Caller, ToldCaller};
use super::notify;
use super::output::Kept;
use super::{AcquireOptions, FollowedProcess};
use crate::cli::answering::{Answering, Ordered};
use crate::cli::locking::{Keeping, Locking, NotHeld};
use crate::cli::operate::print;
use crate::cli::question::{Answer, Order};
use crate::cli::report::Reporter;
use crate::cli::store::Store;
use crate::clock::{Instant, until};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::{Held, Loss};
use crate::stderr;
use crate::supervise::footprint;
use crate::supervise::signals::Signals;

/// How many orders may wait to be carried out.
const ORDERS: usize = 8;

/// Why the lock is let go of.
pub(super) enum End {
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
pub(super) struct KeptLock<'a> {
    pub(super) options: &'a AcquireOptions,
    pub(super) reporter: &'a Reporter,
    pub(super) locking: Locking<'a>,
    pub(super) signals: Signals,
    followed: Option<FollowedProcess>,
    /// The lock in the store's history, where it is to be there and is held.
    pub(super) keeping: Option<Keeping>,
    /// Those who run a step under the lock, and those who did.
    pub(super) steps: Vec<Ordered>,
    /// Those who asked for the release, and wait for it.
    pub(super) releasers: Vec<Ordered>,
}

/// Acquires the lock and keeps it.
pub(super) async fn acquire(
    options: &AcquireOptions,
    store: Store,
    followed: Option<FollowedProcess>,
    caller: Option<Caller>,
    reporter: &Reporter,
) -> anyhow::Result<Exit> {
    let signals = Signals::listen().context("cannot listen to signals")?;
    let locking = options.open(store, reporter)?;
    let mut keeper = KeptLock {
        options,
        reporter,
        locking,
        signals,
        followed,
        keeping: None,
        steps: Vec::new(),
        releasers: Vec::new(),
    };
    match keeper.wait(caller.as_ref()).await {
        Ok(Some(held)) => keeper.keep(held, caller).await,
        Ok(None) => {
            keeper.locking.close(&mut keeper.signals).await;
            let key = describe::escape(&options.lock.key);
            let pid = keeper.followed.map_or(0, |followed| followed.pid());
            let why = format!("process {pid} has ended");
            stderr::complain(format_args!("{key}: not acquired: {why}"));
            reporter.account().is_for_nobody(why);
            Ok(Exit::Status(exit::NOT_ACQUIRED))
        }
        Err(why) => {
            keeper.locking.close(&mut keeper.signals).await;
            keeper.locking.not_held(why, reporter).await
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
        self.keeping = self.options.begin(&self.locking, self.reporter);
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
                        let why = "the caller has ended".to_owned();
                        self.reporter.account().is_for_nobody(why);
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
