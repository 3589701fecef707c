//! Every option of the command line, once: help, man pages and completions come from here.

mod acquire;
mod answering;
mod args;
mod r#break;
mod check;
mod ci;
mod doctor;
mod entry;
mod environment;
mod forget;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod held;
mod help;
mod history;
mod jitter;
mod labels;
mod layout;
mod locking;
mod ls;
mod modes;
mod nearest;
mod nested;
mod numbers;
mod once;
mod operate;
mod paint;
mod question;
mod quoting;
mod refusal;
mod release;
mod renew;
mod report;
mod run;
mod settings;
mod status;
mod store;
mod times;
mod view;
mod wait;
mod watch;

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command, CommandFactory, Parser, Subcommand};

use args::RunArgs;
pub use entry::main;
use held::OnlyHeld;

/// Runs a command while holding a distributed lock, and stops it before anyone else can hold it.
#[derive(Parser)]
#[command(
    name = "genlock",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    before_help = help::EXAMPLE
)]
struct Cli<V: Subcommand> {
    #[command(subcommand)]
    verb: V,
}

#[derive(Subcommand)]
enum Verb {
    Run(Box<RunArgs>),
    Status(status::StatusArgs),
    Ls(ls::LsArgs),
    Watch(watch::WatchArgs),
    Wait(wait::WaitArgs),
    Check(check::CheckArgs),
    Acquire(Box<acquire::AcquireArgs>),
    Renew(renew::RenewArgs),
    Release(release::ReleaseArgs),
    Break(r#break::BreakArgs),
    Forget(forget::ForgetArgs),
    History(history::HistoryArgs),
    Doctor(Box<doctor::DoctorArgs>),
}

/// The verb `run` alone, which most calls have: see [`command_for`].
#[derive(Subcommand)]
enum OnlyRun {
    Run(Box<RunArgs>),
}

/// The definition of the command line, from which man pages and completions are generated.
pub fn command() -> Command {
    help::explained(Cli::<Verb>::command())
}

/// A table for the man pages, in two columns: each variable that etcdctl reads, and what it does here.
pub fn etcdctls_variables() -> String {
    settings::etcdctls_variables()
}

/// As much of the definition as these words need: to build all of it takes clap longer than it takes
/// to acquire a lock of this host.
fn command_for(words: &[OsString]) -> Command {
    let command = if held::is_held(words) {
        Cli::<OnlyHeld>::command()
    } else if is_run(words) {
        Cli::<OnlyRun>::command()
    } else {
        Cli::<Verb>::command()
    };
    if !layout::is_asked_for(words) {
        return command;
    }
    let command = layout::laid_out(help::explained(command));
    match words {
        [.., last] if last == "-h" => layout::short(command),
        _ => command,
    }
}

/// Whether these are the words of a run. The verb is always the first word: no option stands before it.
fn is_run(words: &[OsString]) -> bool {
    words.first().is_some_and(|verb| verb == "run")
}

/// What clap reads of these words and of GENLOCK_ variables. What comes below these, [`Settings`] adds.
///
/// [`Settings`]: settings::Settings
fn read_alone(words: &[OsString]) -> Result<(Command, ArgMatches), clap::Error> {
    let mut command = without_empty_variables(command_for(words));
    let matches = read(&mut command, words)?;
    Ok((command, matches))
}

/// What clap reads of these words with this definition.
fn read(command: &mut Command, words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let genlock = OsString::from("genlock");
    command.try_get_matches_from_mut([&genlock].into_iter().chain(words))
}

/// The definition without the variables that are empty: clap would take one for a value, and here one
/// that is empty counts as not set.
fn without_empty_variables(mut command: Command) -> Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let has_empty = |command: &Command| command.get_arguments().any(is_empty);
    if !command.get_subcommands().any(has_empty) {
        return command;
    }
    let verbs = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned());
    for verb in verbs.collect::<Vec<_>>() {
        command = command.mut_subcommand(verb, |verb| {
            verb.mut_args(|arg| {
                if is_empty(&arg) {
                    arg.env(Resettable::Reset)
                } else {
                    arg
                }
            })
        });
    }
    command
}
