//! `genlock run`: take the lock, run the command, release the lock.

mod answering;
mod leaving;
mod lines;
mod not_executed;
mod running;
mod start;
mod stopped;
mod survivors;

use std::ffi::OsString;
use std::io;

use anyhow::Context;

use super::args::Recorded;
use super::environment;
use super::locking::{self, Locking};
use super::settings::{RunOptions, Settings};
use super::store::Store;
use crate::ErrorKind;
use crate::events::EventKind;
use crate::exit::Exit;
use crate::locker::{Held, Loss};
use crate::stderr;
use crate::supervise::signals::Signals;
use crate::supervise::{self, ForkedWatchdog, LeftoverPolicy, Supervision};
use answering::Answering;
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
) -> anyhow::Result<Exit> {
    let store = locking::store(&options.lock, settings)?;
    let forked = watchdog.context("cannot start the watchdog")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let exit = runtime.block_on(under_lock(options, settings, store, forked));
    // The process ends with it. To take it down would cost time, and a name look-up that still
    // runs must not hold us up.
    std::mem::forget(runtime);
    exit
}

async fn under_lock(
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
    let lines = CommandLines::new(&options.lock);
    let read = move |event: &_| lines.read(event);
    let run = Run {
        options,
        signals,
        user: environment::left_out_user(settings.has_whole_user()),
        locking: Locking::open(&options.lock, store, recorded(options), read)?,
    };
    run.until_over(supervision).await
}

/// A run, from the first signal that is listened to until nothing is held any more.
struct Run<'a> {
    options: &'a RunOptions,
    signals: Signals,
    /// The user's name, where the command's environment wants it.
    user: Option<String>,
    locking: Locking<'a>,
}

impl Run<'_> {
    async fn until_over(mut self, mut supervision: Supervision) -> anyhow::Result<Exit> {
        loop {
            let interruption = supervision.interruption(&mut self.signals);
            let held = match self.locking.wait(interruption).await {
                Ok(held) => held,
                Err(why) => {
                    // Nothing is said before the store knows that we do not wait any more.
                    self.locking.close(&mut self.signals).await;
                    supervision.end();
                    return self.locking.not_held(why).await;
                }
            };
            let (ended, lost);
            (ended, lost, supervision) = self.command(&held, supervision).await;
            if let Some(exit) = self.release(held, ended, lost).await {
                // The watchdog has ended meanwhile, most likely.
                supervision.end();
                return exit;
            }
        }
    }

    /// Runs the command under the lock. Gives how that ended, and whether the lock was lost by then.
    async fn command(
        &mut self,
        held: &Held,
        supervision: Supervision,
    ) -> (Ended, bool, Supervision) {
        // What was said of the lock is written before the command writes.
        stderr::hand_over();
        let (locking, user) = (&self.locking, self.user.as_deref());
        let answering = Answering::start(locking.store(), held);
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
        let supervision = command.over();
        drop(answering);
        if !matches!(ended, Ended::Left(_)) && supervision.group().is_some() {
            locking.events().tell(EventKind::Ended(status));
        }
        (ended, lost, supervision)
    }

    /// Releases the lock once nothing of the command lives. Gives how genlock ends; `None` if it is to
    /// queue anew, because the lock that it had waited for was lost before the command could be started.
    async fn release(
        &mut self,
        held: Held,
        ended: Ended,
        lost: bool,
    ) -> Option<anyhow::Result<Exit>> {
        match ended {
            Ended::Left(exit) => {
                // Dropping the lock or the store would release it.
                std::mem::forget((held, self.locking.store().clone()));
                Some(Ok(exit))
            }
            Ended::With(exit) => {
                // The command's own status stands, whatever happens to the release.
                self.locking.release(held, lost, &mut self.signals).await;
                Some(Ok(exit))
            }
            Ended::NotStarted(loss) => {
                match self.locking.release(held, true, &mut self.signals).await {
                    Some(signal) => Some(Ok(Exit::Signal(signal))),
                    None if self.locking.events().state().has_waited() => {
                        self.locking.events().tell(EventKind::PlaceLost(loss));
                        None
                    }
                    None => Some(Err(not_started(&self.options.lock.key, loss).into())),
                }
            }
        }
    }
}

/// Nobody was waited for, and the lock was lost before the command could be started.
fn not_started(key: &str, loss: Loss) -> crate::Error {
    let why = format!("the lock was lost before the command could be started: {loss}");
    crate::Error::new(ErrorKind::Unavailable, why).of_key(key)
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
