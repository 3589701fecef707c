//! Arguments that are wrong: one line says what is wrong, and proposes the command line that was most
//! likely meant. A proposal is checked itself, and made only if it would be accepted.
//!
//! This uses the definition of the command line and the words, no files and no settings.

mod dashes;
mod edit;
mod habits;
mod held;
mod missing;
mod not_found;
mod unlikely;
mod values;
mod words;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use super::{quoting, read_alone};
use crate::exit::{self, Exit};
use crate::stderr;
pub(super) use not_found::hint as not_found;

/// A proposal is given up if a line has more mistakes than this.
const MISTAKES: usize = 6;

/// Why the verb is not run.
pub(super) enum Refused {
    /// Everything was printed; the exit status.
    Said(Exit),
    /// `doctor` was asked for, and only the value of a variable is wrong: what is wrong with it, for it to
    /// report, and what clap reads if no variable is set.
    Variable(String, Box<ArgMatches>),
}

/// Reads the arguments, and gives the definition with which they were read. Prints help, the version and
/// what is wrong.
pub(super) fn parse(words: &[OsString]) -> Result<(Command, ArgMatches), Refused> {
    check(words).map_err(|objection| match objection {
        Objection::Help(error) => {
            show(&error);
            Refused::Said(Exit::Status(0))
        }
        Objection::Mistake(mistake) => match without_variables(words) {
            Some(given) => Refused::Variable(mistake.line(words), Box::new(given)),
            None => {
                stderr::complain(format_args!("{}", mistake.line(words)));
                Refused::Said(Exit::Status(exit::USAGE))
            }
        },
    })
}

/// What clap reads of these words if no variable is set; `None` if they are not for `doctor`, or wrong
/// then too.
fn without_variables(words: &[OsString]) -> Option<ArgMatches> {
    let is_doctors = words.first().is_some_and(|verb| verb == "doctor");
    if !is_doctors || read_alone(words).is_ok() {
        return None;
    }
    values::alone(words)?.ok()
}

/// Why words are not run.
enum Objection {
    /// They ask for help, or for the version.
    Help(clap::Error),
    Mistake(Mistake),
}

/// What is wrong with words, and what to propose.
struct Mistake {
    what: String,
    way_out: WayOut,
}

enum WayOut {
    /// These words, with this mistake mended; they may have others.
    Words(Vec<OsString>),
    /// To read the help of the verb.
    Help,
    /// Nothing: what is wrong says how it would be right.
    Said,
}

impl Mistake {
    fn new(what: impl Into<String>, mended: Option<Vec<OsString>>) -> Self {
        Self {
            what: what.into(),
            way_out: mended.map_or(WayOut::Help, WayOut::Words),
        }
    }

    /// A mistake whose text says how it would be right.
    fn said(what: String) -> Self {
        Self {
            what,
            way_out: WayOut::Said,
        }
    }

    /// The line for it.
    fn line(self, words: &[OsString]) -> String {
        let proposed = match self.way_out {
            WayOut::Said => return self.what,
            WayOut::Help => None,
            WayOut::Words(mended) => settle(mended),
        };
        let proposed = proposed.unwrap_or_else(|| {
            let verb = words.first().filter(|word| words::verb(word).is_some());
            verb.cloned().into_iter().chain(["--help".into()]).collect()
        });
        format!("{}; try: {}", self.what, shown(&proposed))
    }
}

/// The arguments as a line to type.
fn shown(words: &[OsString]) -> String {
    let genlock = OsString::from("genlock");
    quoting::line([&genlock].into_iter().chain(words))
}

/// Mends one mistake after the other; `None` if one cannot be mended.
fn settle(mut words: Vec<OsString>) -> Option<Vec<OsString>> {
    for _ in 0..MISTAKES {
        match check(&words) {
            Ok(_) | Err(Objection::Help(_)) => return Some(words),
            Err(Objection::Mistake(mistake)) => match mistake.way_out {
                WayOut::Words(mended) => words = mended,
                WayOut::Help | WayOut::Said => return None,
            },
        }
    }
    None
}

fn check(words: &[OsString]) -> Result<(Command, ArgMatches), Objection> {
    match read_alone(words) {
        Ok((command, matches)) => match unlikely::mistake(words, &command, &matches) {
            Some(mistake) => Err(Objection::Mistake(mistake)),
            None => Ok((command, matches)),
        },
        Err(error) if !error.use_stderr() => match misread(words, &error) {
            // In `-http-addr` clap sees -h.
            Some(mistake) => Err(Objection::Mistake(mistake)),
            None => Err(Objection::Help(error)),
        },
        // `genlock help --help`: clap knows no options of `help`; show what it shows alone.
        Err(_) if matches!(words, [help, more] if help == "help" && (more == "-h" || more == "--help")) => {
            check(&words[..1])
        }
        Err(error) => Err(Objection::Mistake(mistake(words, &error))),
    }
}

/// What is wrong, if clap found -h or -V in a word with one dash that was meant as one option.
fn misread(words: &[OsString], error: &clap::Error) -> Option<Mistake> {
    let verb = words::verb(words.first()?)?;
    dashes::mistake(words, &verb, error)
}

/// What is wrong with the words that clap has refused with this error.
fn mistake(words: &[OsString], error: &clap::Error) -> Mistake {
    let Some(first) = words.first() else {
        return words::no_verb();
    };
    if words::verb(first).is_none() {
        return words::not_a_verb(words);
    }
    if let Some(mistake) = misread(words, error) {
        return mistake;
    }
    match error.kind() {
        ErrorKind::MissingRequiredArgument => missing::mistake(words, &names(error)),
        ErrorKind::UnknownArgument => words::unknown(words, error),
        ErrorKind::InvalidSubcommand => words::help_of_no_verb(words),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => values::mistake(words, error),
        ErrorKind::InvalidUtf8 => values::not_utf8(words),
        _ => Mistake::new(one_line(error), None),
    }
}

/// The arguments that clap's error is about, as usage lines have them: `--wait <DURATION>`.
fn names(error: &clap::Error) -> Vec<String> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    }
}

fn show(error: &clap::Error) {
    // It fails if stdout is closed, and then nobody reads help.
    let _ = error.print();
}

/// clap's message as one line: what is wrong, and its first tip, without the usage.
pub(super) fn one_line(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let paragraphs = rendered.split("\n\n").map(|paragraph| {
        let words: Vec<_> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    let mut parts = Vec::new();
    for paragraph in paragraphs {
        if !paragraph.starts_with("For more information") && !paragraph.starts_with("Usage: ") {
            let part = paragraph
                .trim_start_matches("error: ")
                .trim_start_matches("tip: ");
            // clap gives the likeliest of several tips first.
            parts.extend(part.split(" tip: ").next().map(str::to_owned));
        }
    }
    parts.join("; ")
}
