//! Values that an option refuses, from the command line or from its variable.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use super::edit::text;
use super::{Mistake, names};
use crate::cli::{command_for, read};

/// The mistake where a value is wrong or missing.
pub(super) fn mistake(words: &[OsString], error: &clap::Error) -> Mistake {
    let name = names(error).into_iter().next().unwrap_or_default();
    // clap gives `--wait <DURATION>`.
    let name = name.split(' ').next().unwrap_or_default();
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    let Some(why) = why(error) else {
        return Mistake::said(format!("{name}: its value is missing"));
    };
    let shown = text(OsStr::new(value));
    Mistake::said(match variable(words, error.kind(), name) {
        Some(variable) => format!("${variable} {shown}: {why}"),
        None => format!("{name} {shown}: {why}"),
    })
}

/// What the value should be, or why it is refused.
fn why(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(known)) if !known.is_empty() => {
            Some(format!("one of {}", known.join(", ")))
        }
        _ => std::error::Error::source(error).map(ToString::to_string),
    }
}

/// The mistake where a word or a variable is not UTF-8 and has to be.
pub(super) fn not_utf8(words: &[OsString]) -> Mistake {
    let wrong = |word: &&OsString| word.to_str().is_none();
    let is_alone = fails_alone(words, ErrorKind::InvalidUtf8);
    let what = match words.iter().find(wrong).filter(|_| is_alone) {
        Some(word) => text(word),
        None => {
            let verb = verb(words);
            let variables = verb.iter().flat_map(Command::get_arguments);
            let mut variables = variables.filter_map(Arg::get_env);
            let wrong = |name: &&OsStr| {
                std::env::var_os(name).is_some_and(|value| value.to_str().is_none())
            };
            let name = variables.find(wrong).unwrap_or_default();
            format!("${}", name.to_string_lossy())
        }
    };
    Mistake::said(format!("{what}: it is not UTF-8"))
}

/// The variable from which the option has its value, if that is what is wrong: without variables there is
/// no such error.
fn variable(words: &[OsString], kind: ErrorKind, name: &str) -> Option<String> {
    if fails_alone(words, kind) {
        return None;
    }
    let verb = verb(words)?;
    let long = name.trim_start_matches('-');
    let mut arguments = verb.get_arguments();
    let arg = arguments.find(|arg| arg.get_long() == Some(long))?;
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// Whether clap gives an error of this kind even if no variable is set.
fn fails_alone(words: &[OsString], kind: ErrorKind) -> bool {
    alone(words).is_none_or(|read| read.is_err_and(|error| error.kind() == kind))
}

/// What clap reads of the words if no variable is set; `None` if there is no verb.
pub(super) fn alone(words: &[OsString]) -> Option<Result<ArgMatches, clap::Error>> {
    let name = words.first()?.to_str()?;
    let alone = |verb: Command| verb.mut_args(|arg| arg.env(Resettable::Reset));
    let mut command = command_for(words).mut_subcommand(name, alone);
    Some(read(&mut command, words))
}

fn verb(words: &[OsString]) -> Option<Command> {
    let name = words.first()?.to_str()?;
    command_for(words).find_subcommand(name).cloned()
}
