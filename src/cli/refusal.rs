//! Arguments that cannot be meant: on one line what is wrong with them, and the line that was
//! wanted. Only a line that is accepted itself is proposed.
//!
//! It knows the definition of the command line and the words, and nothing of files or settings.

mod dashes;
mod edit;
mod habits;
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

/// As many mistakes on one line are mended.
const MISTAKES: usize = 6;

/// Why words are not acted upon.
pub(super) enum Refused {
    /// All is said, and this is the status.
    Said(Exit),
    /// The doctor finds a variable with a value that is not taken: what is wrong, and what the
    /// words are without any.
    Variable(String, Box<ArgMatches>),
}

/// Reads the arguments, and gives the definition that they were read by; help, the version and
/// refusals are shown here.
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

/// What the doctor was told, if nothing but a variable is wrong.
fn without_variables(words: &[OsString]) -> Option<ArgMatches> {
    let is_doctors = words.first().is_some_and(|verb| verb == "doctor");
    if !is_doctors || read_alone(words).is_ok() {
        return None;
    }
    values::alone(words)?.ok()
}

/// Why words are not run as they are.
enum Objection {
    /// They ask for help, or for the version.
    Help(clap::Error),
    Mistake(Mistake),
}

/// What is wrong with words.
struct Mistake {
    what: String,
    way_out: WayOut,
}

enum WayOut {
    /// These words, which may have mistakes left.
    Words(Vec<OsString>),
    /// The help of the verb.
    Help,
    /// What is wrong says it.
    Said,
}

impl Mistake {
    fn new(what: impl Into<String>, mended: Option<Vec<OsString>>) -> Self {
        Self {
            what: what.into(),
            way_out: mended.map_or(WayOut::Help, WayOut::Words),
        }
    }

    /// What is wrong says how it would be right.
    fn said(what: String) -> Self {
        Self {
            what,
            way_out: WayOut::Said,
        }
    }

    /// What is said of it.
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

/// The arguments as the line to type.
fn shown(words: &[OsString]) -> String {
    let genlock = OsString::from("genlock");
    quoting::line([&genlock].into_iter().chain(words))
}

/// Mends what is wrong until nothing is.
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
            // `-http-addr`, in which -h was seen.
            Some(mistake) => Err(Objection::Mistake(mistake)),
            None => Err(Objection::Help(error)),
        },
        // `help --help`.
        Err(_) if matches!(words, [help, more] if help == "help" && (more == "-h" || more == "--help")) => {
            check(&words[..1])
        }
        Err(error) => Err(Objection::Mistake(mistake(words, &error))),
    }
}

/// What is wrong with a word that clap took for options of one letter.
fn misread(words: &[OsString], error: &clap::Error) -> Option<Mistake> {
    let verb = words::verb(words.first()?)?;
    dashes::mistake(words, &verb, error)
}

/// What is wrong, where clap did not understand.
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

/// The arguments that an error is about, as usage lines write them.
fn names(error: &clap::Error) -> Vec<String> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    }
}

fn show(error: &clap::Error) {
    // A closed stdout is nobody's fault.
    let _ = error.print();
}

/// Folds clap's paragraphs: what is wrong, and its tips; the usage is for --help.
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
            // Of several tips the first is the likeliest.
            parts.extend(part.split(" tip: ").next().map(str::to_owned));
        }
    }
    parts.join("; ")
}
