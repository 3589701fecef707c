//! `genlock run`: take the lock, run the command, release the lock.

mod answering;
mod leaving;
mod lines;
mod not_executed;
mod release;
mod running;
mod start;
mod state;
mod stream;
mod survivors;
mod waiting;
mod words;

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::args::Recorded;
use super::settings::{RunOptions, Settings};
use super::store::Store;
use super::{environment, times};
use crate::ErrorKind;
use crate::clock::Instant;
use crate::events::EventKind;
use crate::exit::Exit;
use crate::locker::kind::StoreClient;
use crate::locker::{Held, Loss, Options, Record};
use crate::progress::{self, Seen};
use crate::stderr;
use crate::supervise::signals::Signals;
use crate::supervise::{self, ForkedWatchdog, LeftoverPolicy, Supervision};
use answering::Answering;
use release::{close, release};
use running::{Ended, Running};
use stream::RunEvents;
use waiting::{LockWait, NotHeld};

/// Forks the watchdog for these arguments of genlock.
pub(super) fn fork(words: &[OsString]) -> io::Result<ForkedWatchdog> {
    supervise::fork(words, environment::for_command)
}

/// Runs the verb.
pub(super) fn run(
    options: &RunOptions,
    settings: &Settings,
    watchdog: io::Result<ForkedWatchdog>,
) -> anyhow::Result<Exit> {
    let store = Store::of(&options.connection)?;
    let runs_out = store.kind.capabilities.expires || options.no_renew;
    if let Some(grace) = options.kill_after.filter(|_| runs_out) {
        let origins = ["kill-after", "ttl"].map(|key| settings.origin(key));
        times::check(options.ttl, grace, !options.no_renew, origins)?;
    }
    let forked = watchdog.context("cannot start the watchdog")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let exit = runtime.block_on(session(options, settings, store, forked));
    // The process ends with it. To take it down would cost time, and a name look-up that still
    // runs must not hold us up.
    std::mem::forget(runtime);
    exit
}

/// A run, from the first signal that is listened to until nothing is held any more.
struct Session<'a> {
    options: &'a RunOptions,
    signals: Signals,
    store: Arc<dyn StoreClient>,
    /// Where the lock is kept, as the command is told.
    endpoints: String,
    /// The user's name, where the command's environment wants it.
    user: Option<String>,
    stream: RunEvents,
    seen: Seen,
    start: Instant,
}

async fn session(
    options: &RunOptions,
    settings: &Settings,
    store: Store,
    forked: ForkedWatchdog,
) -> anyhow::Result<Exit> {
    let signals = Signals::listen().context("cannot listen to signals")?;
    let leftovers = if options.leave_descendants {
        LeftoverPolicy::Leave
    } else {
        LeftoverPolicy::Stop
    };
    let supervision = forked
        .supervise(options.command.len(), leftovers)
        .context("cannot watch over a command")?;
    let (start, seen) = (Instant::now(), Seen::default());
    let stream = RunEvents::new(options, &seen, start);
    let session = Session {
        options,
        signals,
        endpoints: store.endpoints(),
        user: environment::left_out_user(settings.has_whole_user()),
        store: open(options, store, &stream)?,
        stream,
        seen,
        start,
    };
    session.run(supervision).await
}

/// Opens the store for a run whose events these are.
fn open(
    options: &RunOptions,
    store: Store,
    stream: &RunEvents,
) -> crate::Result<Arc<dyn StoreClient>> {
    store.open(Options {
        ttl: options.ttl,
        retry_interval: options.retry_interval,
        auto_renew: !options.no_renew,
        grace: options.kill_after,
        follow_queue: !options.quiet && progress::is_live(),
        holder: Record {
            command: recorded(options),
            ..Record::of_this_process()
        },
        observer: Some(stream.observer()),
    })
}

impl Session<'_> {
    async fn run(mut self, mut supervision: Supervision) -> anyhow::Result<Exit> {
        loop {
            let held = match self.wait(&supervision).await {
                Ok(held) => held,
                Err(ended) => {
                    supervision.end();
                    return self.not_held(ended).await;
                }
            };
            let ended;
            (ended, supervision) = self.hold(held, supervision).await;
            if let Some(exit) = ended {
                // The watchdog has ended meanwhile, most likely.
                supervision.end();
                return exit;
            }
        }
    }

    /// Waits for the lock. Where it is not acquired genlock is out of the queue, and that has reached
    /// the store, before anything is said.
    async fn wait(&mut self, supervision: &Supervision) -> Result<Held, NotHeld> {
        let waiting = LockWait {
            key: &self.options.key,
            limit: limit(self.options),
            quiet: self.options.quiet,
            start: self.start,
            store: &*self.store,
            state: self.stream.state(),
            seen: &self.seen,
        };
        let interruption = supervision.interruption(&mut self.signals);
        let acquired = waiting.until_held(interruption).await;
        if acquired.is_err() {
            close(&*self.store, &mut self.signals).await;
        }
        acquired
    }

    /// How genlock ends for it.
    async fn not_held(&self, why: NotHeld) -> anyhow::Result<Exit> {
        match why {
            NotHeld::Signal(signal) => Ok(Exit::Signal(signal)),
            NotHeld::Failed(error) => Err(error.into()),
            NotHeld::ByAnother => {
                Ok(words::not_acquired(self.options, &self.seen, &*self.store).await)
            }
        }
    }

    /// Runs the command under the lock, and releases. Gives how genlock ends, if it does not queue
    /// anew because the lock was lost before the command could be started.
    async fn hold(
        &mut self,
        held: Held,
        supervision: Supervision,
    ) -> (Option<anyhow::Result<Exit>>, Supervision) {
        let options = self.options;
        // What was said of it is out before the command writes.
        stderr::hand_over();
        let answering = Answering::start(&self.store, &held);
        let socket = answering.as_ref().map(Answering::address);
        let variables = environment::added(&held, &self.endpoints, socket, self.user.as_deref());
        let mut command = Running::new(options, &held, &variables, supervision, &self.stream);
        let ended = command.run(&mut self.signals).await;
        let (lost, status) = (command.is_lost(), command.status());
        let supervision = command.over();
        drop(answering);
        let ended = match ended {
            Ended::With(exit) => Ok(exit),
            Ended::NotStarted(loss) => Err(loss),
            Ended::Left(exit) => {
                // It is not released: neither here, nor when it or the store is dropped.
                std::mem::forget((held, self.store.clone()));
                return (Some(Ok(exit)), supervision);
            }
        };
        // Nothing of the command lives: whatever happens to the release, its own status stands.
        if supervision.group().is_some() {
            self.stream.tell(EventKind::Ended(status));
        }
        let lost = lost || ended.is_err();
        let told = release(&*self.store, held, lost, &mut self.signals).await;
        let exit = match (ended, told) {
            (Ok(exit), _) => Some(Ok(exit)),
            (Err(_), Some(signal)) => Some(Ok(Exit::Signal(signal))),
            (Err(loss), None) if self.stream.state().has_waited() => {
                self.stream.tell(EventKind::PlaceLost(loss));
                None
            }
            (Err(loss), None) => Some(Err(not_started(options, loss).into())),
        };
        (exit, supervision)
    }
}

/// Nobody was waited for, and the lock was lost before the command could be started.
fn not_started(options: &RunOptions, loss: Loss) -> crate::Error {
    let why = format!("the lock was lost before the command could be started: {loss}");
    crate::Error::new(ErrorKind::Unavailable, why).of_key(&options.key)
}

/// How long to wait. --try, which is not to wait at all, beats a --wait, which may come from the
/// environment.
fn limit(options: &RunOptions) -> Option<Duration> {
    if options.try_ {
        return Some(Duration::ZERO);
    }
    options.wait
}

/// As much of a command is recorded: a store refuses a record of megabytes, which arguments can be.
const RECORDED: usize = 2_000;

/// What the holder's record says of the command.
fn recorded(options: &RunOptions) -> String {
    let words: &[OsString] = match options.record_command {
        Recorded::None => &[],
        Recorded::Name => &options.command[..1],
        Recorded::Full => &options.command[..],
    };
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let mut words = words.join(" ");
    if let Some((end, _)) = words.char_indices().nth(RECORDED) {
        words.truncate(end);
        words.push('…');
    }
    words
}
