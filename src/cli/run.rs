//! `genlock run`: take the lock, run the command, release the lock.

mod answering;
mod leaving;
mod not_executed;
mod running;
mod start;
mod survivors;
mod words;

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::settings::Settings;
use super::store::{Client, Store};
use super::{Recorded, Run, environment, nested, times};
use crate::ErrorKind;
use crate::clock::{Instant, sleep_until};
use crate::describe;
use crate::exit::Exit;
use crate::locker::{Event, Held, Locker, Loss, Observer, Options, Record};
use crate::progress::{self, Seen};
use crate::stderr;
use crate::supervise::signals::Signals;
use crate::supervise::{self, Forked, Leftovers};
use answering::Answering;
use running::{Ended, Running};

/// How long to try to release a lock that is lost: most likely the store cannot be reached.
const LOST_RELEASE: Duration = Duration::from_secs(1);

/// How long leaving and releasing may take from a signal on that comes meanwhile: their request
/// goes out before we end, or others would wait for a TTL.
const SIGNALLED_RELEASE: Duration = Duration::from_millis(500);

/// Forks the watchdog for these arguments of genlock.
pub(super) fn fork(words: &[OsString]) -> io::Result<Forked> {
    supervise::fork(words, environment::for_command)
}

/// Runs the verb.
pub(super) fn run(
    options: &Run,
    settings: &Settings,
    watchdog: io::Result<Forked>,
) -> anyhow::Result<Exit> {
    let store = Store::of(&options.connection, settings)?;
    let runs_out = store.has_leases() || options.no_renew;
    if let Some(grace) = options.kill_after.filter(|_| runs_out) {
        times::check(options.ttl, grace, !options.no_renew).map_err(|usage| {
            usage
                .from("kill-after", settings.origin("kill-after"))
                .from("ttl", settings.origin("ttl"))
        })?;
    }
    let forked = watchdog.context("cannot start the watchdog")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let exit = runtime.block_on(session(options, store, forked));
    // The process ends with it. To take it down would cost time, and a name look-up that still
    // runs must not hold us up.
    std::mem::forget(runtime);
    exit
}

/// From the first signal that is listened to until nothing is held any more.
async fn session(options: &Run, store: Store, forked: Forked) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let leftovers = if options.leave_descendants {
        Leftovers::Leave
    } else {
        Leftovers::Stop
    };
    let mut supervision = forked
        .supervise(options.command.len(), leftovers)
        .context("cannot watch over a command")?;
    let seen = Seen::default();
    let endpoints = store.endpoints();
    let store = store.open(Options {
        ttl: options.ttl,
        retry_interval: options.retry_interval,
        auto_renew: !options.no_renew,
        follow_queue: !options.quiet && progress::is_live(),
        holder: Record {
            command: recorded(options),
            ..Record::of_this_process()
        },
        observer: Some(observer(seen.clone(), options.verbose > 0)),
    })?;
    let start = Instant::now();
    loop {
        let acquired = tokio::select! {
            biased;
            signal = supervision.interruption(&mut signals) => Err(Exit::Signal(signal)),
            acquired = acquire(options, &*store, &seen, start) => Ok(acquired),
        };
        let held = match acquired {
            Ok(Ok(Some(held))) => held,
            other => {
                // Out of the queue, and that has reached the store, before anything else is said.
                close(&*store, &mut signals).await;
                supervision.end();
                return match other {
                    Ok(Ok(_)) => Ok(words::not_acquired(options, &seen, &*store).await),
                    Ok(Err(error)) => Err(error.into()),
                    Err(exit) => Ok(exit),
                };
            }
        };
        let acquired = Instant::now();
        words::say_acquired(options, &seen, acquired.since(start), held.token());
        stderr::hand_over();
        let answering = Answering::start(&store, &held);
        let socket = answering.as_ref().map(Answering::address);
        let variables = environment::added(&held, &endpoints, socket);
        let mut command = Running::new(options, &held, &variables, supervision, &seen);
        let ended = command.run(&mut signals).await;
        let lost = command.is_lost() || matches!(ended, Ended::NotStarted(_));
        let status = command.status();
        supervision = command.over();
        drop(answering);
        if let Ended::Left(exit) = ended {
            // It is not released: neither here, nor when it or the store is dropped.
            std::mem::forget((held, store));
            supervision.end();
            return Ok(exit);
        }
        // Nothing of the command lives: whatever happens to the release, its own status stands.
        let held_for = Instant::now().since(acquired);
        let (released, told) = release(&*store, held, lost, &mut signals).await;
        if released {
            words::say_released(options, held_for, status);
        }
        match ended {
            Ended::With(exit) | Ended::Left(exit) => {
                // The watchdog has ended meanwhile.
                supervision.end();
                return Ok(exit);
            }
            Ended::NotStarted(loss) if told.is_none() && seen.waiting().is_some() => {
                seen.note(&Event::PlaceLost(loss));
            }
            Ended::NotStarted(loss) => {
                supervision.end();
                return match told {
                    Some(signal) => Ok(Exit::Signal(signal)),
                    None => Err(not_started(options, loss).into()),
                };
            }
        }
    }
}

/// Notes what happens, and under -v tells of what goes wrong meanwhile.
fn observer(seen: Seen, verbose: bool) -> Observer {
    Arc::new(move |event| {
        seen.note(event);
        match event {
            Event::Retrying(why) if verbose => {
                describe::complain(format_args!("trying again: {why}"));
            }
            Event::Beneath(text) if verbose => {
                describe::complain(format_args!("beneath: {}", describe::escape(text)));
            }
            _ => {}
        }
    })
}

/// Releases, with patience for a store that most likely can be reached. Gives whether a lock that
/// was ours was released, and the signal that came meanwhile and is to end us.
async fn release(
    store: &dyn Locker,
    held: Held,
    lost: bool,
    signals: &mut Signals,
) -> (bool, Option<i32>) {
    let (mut released, mut told) = (false, None);
    let patience = async {
        if lost {
            tokio::time::sleep(LOST_RELEASE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        unlocked = store.unlock(held) => match unlocked {
            Ok(()) => released = true,
            Err(error) if !lost => describe::complain(format_args!("warning: not released: {error}")),
            Err(_) => {}
        },
        () = patience => {}
        () = impatience(signals, &mut told) => {}
    }
    (released, told)
}

/// Nobody was waited for, and the lock was lost before the command could be started.
fn not_started(options: &Run, loss: Loss) -> crate::Error {
    let key = &options.key;
    crate::Error::new(
        ErrorKind::Unavailable,
        format!("{key}: the lock was lost before the command could be started: {loss}"),
    )
}

/// Takes the lock; `None` if it is held by another under --try, or --wait ran out.
async fn acquire(
    options: &Run,
    store: &dyn Client,
    seen: &Seen,
    start: Instant,
) -> crate::Result<Option<Held>> {
    let key = &options.key;
    let until = options.wait.map(|limit| start + limit);
    if tries(options) {
        return store.try_lock(key).await;
    }
    let shown = async {
        if !options.quiet {
            progress::show(key, seen, start, options.wait, store).await;
        }
        std::future::pending().await
    };
    let limit = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    let runs_us = |owner_key: Option<&String>, holder: Option<&Record>| {
        nested::runs_us(key, owner_key, holder)
    };
    tokio::select! {
        // A refusal comes before a word of waiting.
        biased;
        held = store.lock(key) => held.map(Some),
        () = limit => Ok(None),
        () = seen.held_by(runs_us) => Err(nested::refused(key)),
        () = shown => Ok(None),
    }
}

/// Whether not to wait. --try beats a --wait, which may come from the environment.
fn tries(options: &Run) -> bool {
    options.try_ || options.wait == Some(Duration::ZERO)
}

/// Leaves the queue and releases; a second signal shortens the patience with the store.
async fn close(store: &dyn Locker, signals: &mut Signals) {
    let mut told = None;
    tokio::select! {
        // What could not be released is free at its TTL's end, and there is a better error to show.
        _ = store.close() => {}
        () = impatience(signals, &mut told) => {}
    }
}

/// Ends a while after the next signal that is to end us, which it tells.
async fn impatience(signals: &mut Signals, told: &mut Option<i32>) {
    *told = Some(signals.next_that_ends().await);
    tokio::time::sleep(SIGNALLED_RELEASE).await;
}

/// As much of a command is recorded: a store refuses a record of megabytes, which arguments can be.
const RECORDED: usize = 2_000;

/// What the holder's record says of the command.
fn recorded(options: &Run) -> String {
    let words: &[OsString] = match options.record_command {
        _ if options.no_record_command => &[],
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
