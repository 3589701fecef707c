//! From the words of the command line to the exit status: runs the verb, and prints the error if there is
//! one.

use std::ffi::OsString;
use std::io::{self, Write};
use std::mem::ManuallyDrop;

use anyhow::Context;
use clap::{ArgMatches, Command, FromArgMatches};

use super::held::{self, OnlyHeld};
use super::refusal::Refused;
use super::report::Reporter;
use super::settings::Settings;
use super::{Cli, Verb, is_run, layout, operate, refusal, times};
use super::{
    acquire, r#break, check, doctor, forget, history, ls, release, renew, status, wait, watch,
};
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::before_look_up;
use crate::stderr;
use crate::supervise::{self, ForkedWatchdog, name_services, signals};
use crate::{Error, ErrorKind};

/// Runs the tool with these arguments, and gives its status. To be called first of all in the
/// process: it does for itself what it needs of Rust's runtime.
pub fn main(words: &[OsString]) -> u8 {
    supervise::enter();
    before_look_up(name_services::bind);
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.to_string().replace('\n', " ");
        stderr::complain(format_args!("an error in genlock itself: {what}"));
    }));
    let status = std::panic::catch_unwind(|| act(words)).unwrap_or(exit::INTERNAL);
    // `operate::print` flushes and tells of errors; what clap printed (help) may fail without a word.
    let _ = io::stdout().flush();
    stderr::finish();
    status
}

/// Does what the words say, and gives the status.
fn act(words: &[OsString]) -> u8 {
    // First of all, while this process has one thread and little memory that fork(2) has to copy.
    let watchdog = is_run(words).then(|| super::run::fork(words));
    let mut reporter = None;
    let exit = if layout::is_of_connection(words) {
        operate::print(&layout::connection()).map(|()| Exit::Status(0))
    } else {
        // To take it apart takes a while, and the process is about to end anyway.
        let mut parsed = ManuallyDrop::new(refusal::parse(words));
        match &mut *parsed {
            Ok((command, given)) => {
                let reporter = reporter.insert(Reporter::of(given));
                run(words, command, given, watchdog, reporter)
            }
            Err(Refused::Said(exit)) => Ok(*exit),
            Err(Refused::Variable(what, given)) => {
                // Of the kinds whose status is that of wrong usage, 64.
                misconfigured(given, Error::new(ErrorKind::InvalidTtl, &**what))
            }
        }
    };
    let (exit, error) = match exit {
        Ok(exit) => (exit, None),
        Err(error) => {
            let (exit, message) = judge(&error);
            stderr::complain(format_args!("{message}"));
            (exit, Some(message))
        }
    };
    if let Some(reporter) = reporter {
        reporter.end(exit, error.as_deref());
    }
    acquire::say_failure(words, exit);
    if !matches!(exit, Exit::Status(_)) {
        stderr::finish();
    }
    match exit {
        Exit::Status(_) => {}
        Exit::Signal(signal) => signals::die_by(signal),
        Exit::Interrupt(signal) => signals::die_with_group(signal),
    }
    exit.status()
}

/// Runs the verb, with what was `given`, and below it etcdctl's variables and the configuration.
fn run(
    words: &[OsString],
    command: &Command,
    given: &mut ArgMatches,
    watchdog: Option<io::Result<ForkedWatchdog>>,
    reporter: &Reporter,
) -> anyhow::Result<Exit> {
    for ask in [check::ask_around, release::ask_keeper, renew::ask_keeper] {
        if let Some(exit) = ask(given)? {
            return Ok(exit);
        }
    }
    let settings = match Settings::read(command, given) {
        Err(error) if given.subcommand_name() == Some("doctor") => {
            return misconfigured(given, error);
        }
        settings => ManuallyDrop::new(settings?),
    };
    let usage = |error| times::Usage::new(refusal::one_line(&error));
    let run = |options| {
        let watchdog = watchdog.context("there is no watchdog")?;
        super::run::run(&options, &settings, watchdog, reporter)
    };
    if held::is_held(words) {
        let read = Cli::<OnlyHeld>::from_arg_matches_mut(given).map_err(usage)?;
        let OnlyHeld::Run(typed) = read.verb;
        return explained(&settings, settings.held(*typed, words).and_then(run));
    }
    let Cli { verb } = Cli::<Verb>::from_arg_matches_mut(given).map_err(usage)?;
    let done = match verb {
        Verb::Run(typed) => settings.run(*typed, words).and_then(run),
        Verb::Status(options) => status::run(&options, &settings),
        Verb::Ls(options) => ls::run(&options, &settings),
        Verb::Watch(options) => watch::run(&options, &settings),
        Verb::Wait(options) => wait::run(&options, &settings),
        Verb::Check(options) => check::run(&options, &settings),
        Verb::Acquire(typed) => acquire::run(*typed, &settings, words, reporter),
        Verb::Renew(options) => renew::run(&options, &settings),
        Verb::Release(options) => release::run(&options, &settings),
        Verb::Break(options) => r#break::run(&options, &settings),
        Verb::Forget(options) => forget::run(&options, &settings),
        Verb::History(options) => history::run(&options, &settings),
        Verb::Doctor(options) => doctor::run(&options, &settings),
    };
    explained(&settings, done)
}

/// The end of a verb, its error in the words of the command line.
fn explained(settings: &Settings, done: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    done.map_err(|error| match error.downcast() {
        Ok(error) => settings.explain(error).into(),
        Err(other) => other,
    })
}

/// Has `doctor` report this error of the configuration, without which nothing else can be examined. Of
/// another verb it is the error itself.
fn misconfigured(given: &mut ArgMatches, error: Error) -> anyhow::Result<Exit> {
    match Cli::<Verb>::from_arg_matches_mut(given) {
        Ok(Cli {
            verb: Verb::Doctor(options),
        }) => doctor::misconfigured(&options, &error),
        Ok(_) => Err(error.into()),
        Err(error) => Err(times::Usage::new(refusal::one_line(&error)).into()),
    }
}

/// The status and the line for an error that ends genlock. An error of the library is one line by itself;
/// of others the causes are added.
fn judge(error: &anyhow::Error) -> (Exit, String) {
    if let Some(usage) = error.downcast_ref::<times::Usage>() {
        return (Exit::Status(exit::USAGE), usage.to_string());
    }
    match error.downcast_ref::<crate::Error>() {
        Some(error) => (Exit::of_error(error.kind()), error.to_string()),
        None => {
            let causes = error.chain().map(|cause| match cause.downcast_ref() {
                Some(error) => describe::io_error(error),
                None => cause.to_string(),
            });
            let message = causes.collect::<Vec<_>>().join(": ");
            (Exit::Status(exit::INTERNAL), message)
        }
    }
}
