//! `genlock run`: take the lock, run the command, release the lock.

mod leaving;
mod lines;
mod not_executed;
mod running;
mod start;
mod stopped;
mod survivors;

use std::ffi::OsString;
use std::io;
use std::mem::ManuallyDrop;
use std::time::Duration;

use anyhow::Context;

use super::answering::Answering;
use super::args::Recorded;
use super::environment;
use super::jitter;
use super::locking::{self, Begun, Keeping, LettingGo, Locking, NotHeld};
use super::modes;
use super::report::Reporter;
use super::settings::{LockOptions, RunOptions, Settings};
use super::store::Store;
use crate::ErrorKind;
use crate::clock::Instant;
use crate::events::EventKind;
use crate::exit::Exit;
use crate::locker::{Capability, Held, Loss, PastRun};
use crate::report::RunReport;
use crate::stderr;
use crate::supervise::signals::Signals;
use crate::supervise::{self, ForkedWatchdog, LeftoverPolicy, Supervision};
use lines::CommandLines;
use running::{Ended, Running};

/// Forks the watchdog for these arguments of genlock.
pub(super) fn fork(words: &[OsString]) -> io::Result<ForkedWatchdog> {
    supervise::fork(words, environment::for_command)
}

/// Runs the verb.
pub(super) fn run(
    options: &RunOptions,
    settings: &Settings,
    watchdog: io::Result<ForkedWatchdog>,
    reporter: &Reporter,
) -> anyhow::Result<Exit> {
    let store = locking::store(&options.lock, settings)?;
    let able = store.kind.capabilities;
    if options.history.is_some() {
        able.check(&options.lock.key, Capability::History)?;
    }
    let delay = jitter::delay(options, settings, store.kind)?;
    if options.min_hold.is_some() {
        modes::check_min_hold(&options.lock.asked, "--min-hold")?;
        able.check(&options.lock.key, Capability::MinHold)?;
    }
    let forked = watchdog.context("cannot start the watchdog")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let exit = runtime.block_on(under_lock(
        options, settings, store, delay, forked, reporter,
    ));
    // To drop the runtime takes time, and would wait for the threads in which tokio looks up names.
    // The process is about to end anyway.
    std::mem::forget(runtime);
    exit
}

async fn under_lock(
    options: &RunOptions,
    settings: &Settings,
    store: Store,
    delay: Duration,
    forked: ForkedWatchdog,
    reporter: &Reporter,
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
    let lines = CommandLines::new(&options.lock);
    let slot = options.lock.once.as_ref().map(|once| once.slot.clone());
    reporter.account().begin(slot, delay);
    let reader = reporter.reader();
    let read = move |event: &_| {
        lines.read(event);
        reader(event);
    };
    // To take it apart takes a while, and the process is about to end anyway.
    let mut run = ManuallyDrop::new(Run {
        options,
        reporter,
        keeping: None,
        signals,
        user: environment::left_out_user(settings.has_whole_user()),
        locking: Locking::open(&options.lock, store, delay, recorded(options), read)?,
    });
    run.until_over(supervision).await
}

/// A run, from when it listens to signals until it holds nothing any more.
struct Run<'a> {
    options: &'a RunOptions,
    reporter: &'a Reporter,
    /// The run in the store's history, where it is to be there and has begun.
    keeping: Option<Keeping>,
    signals: Signals,
    /// $GENLOCK_USER for the command, where it had to be left out so far: see
    /// [`environment::left_out_user`].
    user: Option<String>,
    locking: Locking<'a>,
}

impl Run<'_> {
    async fn until_over(&mut self, mut supervision: Supervision) -> anyhow::Result<Exit> {
        loop {
            let (held, acquired, begun) = match self.acquire(&supervision).await {
                Ok(acquired) => acquired,
                Err(why) => {
                    // Whoever reads the message may act on it at once: the queue has been left by then.
                    self.locking.close(&mut self.signals).await;
                    supervision.end();
                    return self.locking.not_held(why, self.reporter).await;
                }
            };
            let (ended, letting);
            (ended, letting, supervision) = self.command(&held, acquired, supervision).await;
            if let (Ended::With(Exit::Status(0)), Some(begun)) = (&ended, begun) {
                let signals = &mut self.signals;
                self.locking.mark_done(&held, begun, signals).await;
            }
            if let Some(exit) = self.release(held, ended, letting).await {
                // If the command ran, the watchdog has most likely ended by itself.
                supervision.end();
                return exit;
            }
        }
    }

    /// Acquires the lock, and does what is to be done before the command starts, unless a signal comes.
    /// Gives when it was acquired too.
    async fn acquire(
        &mut self,
        supervision: &Supervision,
    ) -> Result<(Held, Instant, Option<Begun>), NotHeld> {
        let interruption = supervision.interruption(&mut self.signals);
        let held = self.locking.wait(interruption).await?;
        let acquired = Instant::now();
        let begun = tokio::select! {
            biased;
            signal = supervision.interruption(&mut self.signals) => return Err(NotHeld::Signal(signal)),
            begun = self.locking.begin(&held) => begun?,
        };
        Ok((held, acquired, begun))
    }

    /// Runs the command under the lock that was acquired at that moment, until nothing of it lives, or its
    /// rest is left. Gives how that ended, and how the lock is to be let go of.
    async fn command(
        &mut self,
        held: &Held,
        acquired: Instant,
        supervision: Supervision,
    ) -> (Ended, LettingGo, Supervision) {
        // A thread writes our lines to stderr: those about the wait have to be out before the command's.
        stderr::hand_over();
        self.keeping = self.options.history.map(|keep| {
            let holder = self.locking.holder().clone();
            let run = PastRun::new(self.reporter.account().begun(), holder);
            Keeping::begin(self.locking.store(), run, keep)
        });
        let (locking, user) = (&self.locking, self.user.as_deref());
        let answering = Answering::start(locking.store(), held, None);
        let socket = answering.as_ref().map(Answering::address);
        let variables = environment::added(held, locking.endpoints(), socket, user);
        let mut command = Running::new(
            self.options,
            held,
            &variables,
            supervision,
            locking.events(),
        );
        let ended = command.run(&mut self.signals).await;
        let (lost, status) = (command.is_lost(), command.status());
        let executed = command.is_executed();
        let ran = status.is_some() && executed;
        let supervision = command.over();
        drop(answering);
        if supervision.group().is_some() && executed {
            match ended {
                Ended::Left(_) => self.reporter.account().left(status),
                _ => locking.events().tell(EventKind::Ended(status)),
            }
        }
        let letting = if lost {
            LettingGo::Lost
        } else {
            let least = self.options.min_hold.filter(|_| ran).unwrap_or_default();
            LettingGo::After((acquired + least).left())
        };
        (ended, letting, supervision)
    }

    /// Releases the lock, unless processes of the command were left with it. Gives how genlock ends; `None` if
    /// it is to queue anew, because the lock, for which it had waited, was lost before the command could be
    /// started.
    async fn release(
        &mut self,
        held: Held,
        ended: Ended,
        letting: LettingGo,
    ) -> Option<anyhow::Result<Exit>> {
        match ended {
            Ended::Left(exit) => {
                // If the lock or the store were dropped, the lock would be released.
                std::mem::forget((held, self.locking.store().clone()));
                Some(Ok(exit))
            }
            Ended::With(exit) => {
                // The command's status stays the exit status, whether the release works or not.
                let report = self.reporter.account().over(exit);
                self.let_go(held, letting, report).await;
                Some(Ok(exit))
            }
            Ended::NotStarted(loss) => {
                let report = self.reporter.account().not_started(loss);
                match self.let_go(held, LettingGo::Lost, report).await {
                    Some(signal) => Some(Ok(Exit::Signal(signal))),
                    None if self.locking.events().state().has_waited() => {
                        self.locking.events().tell(EventKind::PlaceLost(loss));
                        None
                    }
                    None => Some(Err(not_started(&self.options.lock, loss).into())),
                }
            }
        }
    }

    /// Releases the lock, and writes along with that how the run ended. Gives the signal that came meanwhile
    /// and is to end us.
    async fn let_go(&mut self, held: Held, letting: LettingGo, report: RunReport) -> Option<i32> {
        self.reporter.before_release(&report);
        let keeping = self.keeping.take();
        let end = keeping.map(|keeping| keeping.end(report));
        let signals = &mut self.signals;
        self.locking.release(held, letting, end, signals).await
    }
}

/// The error if the lock was lost before the command could be started, and was free when we came: to try
/// again could fail in the same way without end. One that is held around us was ours all the same.
fn not_started(options: &LockOptions, loss: Loss) -> crate::Error {
    let kind = match options.around {
        Some(_) => ErrorKind::OwnershipLost,
        None => ErrorKind::Unavailable,
    };
    let why = format!("the lock was lost before the command could be started: {loss}");
    crate::Error::new(kind, why).of_key(&options.key)
}

/// How many characters of a command are recorded: arguments can be megabytes, which a store refuses.
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
