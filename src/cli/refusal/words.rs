//! Unknown verbs and options, and how each is mended. Which there are is asked of the definition.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::edit::{insert, is_number, is_option, removed, replace, text};
use super::missing::lacks_key;
use super::{Mistake, Objection, WayOut, check, habits, held, names, one_line, settle};
use crate::cli::environment::PASSWORD_SEEN;
use crate::cli::nearest::nearest;
use crate::cli::{command, read_alone};
use crate::describe;

/// The verb of a proposal for a line without one.
const RUN: &str = "run";

/// The definition of the verb, if `word` is one.
pub(super) fn verb(word: &OsStr) -> Option<Command> {
    let mut command = command();
    command.build();
    let verb = word.to_str().and_then(|word| command.find_subcommand(word));
    verb.cloned()
}

fn verbs() -> Vec<String> {
    let mut command = command();
    command.build();
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.map(|verb| verb.get_name().to_owned()).collect()
}

/// The mistake of a line without words.
pub(super) fn no_verb() -> Mistake {
    let what = format!("a verb is missing: {}", verbs().join(", "));
    Mistake::new(what, Some(insert(&[], 0, &[RUN])))
}

/// The mistake where the first word is no verb.
pub(super) fn not_a_verb(words: &[OsString]) -> Mistake {
    let first = &words[0];
    let shown = text(first);
    let with_run = insert(words, 0, &[RUN]);
    if first == "--" {
        return Mistake::new("a verb is missing before --", Some(with_run));
    }
    if is_option(first) {
        return before_the_verb(words);
    }
    let all = verbs();
    let what = format!("{shown}: not a verb: {}", all.join(", "));
    let name = &*first.to_str().unwrap_or_default().to_ascii_lowercase();
    // A word with a slash in it, or before `--`, is the key: the verb was left out.
    if name.contains('/') || words.get(1).is_some_and(|word| word == "--") {
        return Mistake::new(
            format!("{shown}: a verb is missing before it"),
            Some(with_run),
        );
    }
    if name.is_empty() {
        return Mistake::new(what, None);
    }
    let habit = habits::VERBS.iter().find(|(theirs, _)| *theirs == name);
    let meant = match habit {
        Some(&(_, ours)) if ours.starts_with('-') || all.iter().any(|verb| verb == ours) => {
            Some(ours)
        }
        Some(_) => return Mistake::new(what, None),
        None => nearest(name, all.iter().map(String::as_str)),
    };
    let meant = meant.map(|verb| replace(words, 0, verb));
    // With the verb mended something else is wrong, whose text says how it would be right.
    if let Some(Err(Objection::Mistake(mistake))) = meant.as_deref().map(check)
        && matches!(mistake.way_out, WayOut::Said)
    {
        return mistake;
    }
    match meant.and_then(settle) {
        Some(mended) => Mistake::new(format!("{shown}: not a verb"), Some(mended)),
        // It does not look like a key either. Only for a number, a descriptor as in `flock 9`, is `run`
        // proposed: that then has its own answer.
        None => Mistake::new(what, is_number(first).then_some(with_run)),
    }
}

/// The mistake where the first word is an option.
fn before_the_verb(words: &[OsString]) -> Mistake {
    let what = format!("{}: options go behind the verb", text(&words[0]));
    let mut own = command();
    own.build();
    let name = words[0].to_str().unwrap_or_default();
    let option = name.split('=').next().unwrap_or_default();
    if habits::is_password(option) {
        return Mistake::said(format!("{option}: {PASSWORD_SEEN}"));
    }
    if words.len() == 1
        && let Some(similar) = similar(name, &own)
    {
        let what = format!("{}: no such option", text(&words[0]));
        return Mistake::new(what, Some(replace(words, 0, &similar)));
    }
    if let [limit, number, ..] = words
        && limit == "-n"
        && is_number(number)
    {
        // consul's `-n 3`, for three holders.
        let what = "-n: this is --try, and takes no number: --max-holders does";
        return Mistake::said(what.to_owned());
    }
    let moved = words
        .iter()
        .position(|word| verb(word).is_some())
        .map(|at| {
            let mut words = words.to_vec();
            words[..=at].rotate_right(1);
            words
        });
    let mended = moved.and_then(settle);
    match mended.or_else(|| settle(insert(words, 0, &[RUN]))) {
        Some(mended) => Mistake::new(what, Some(mended)),
        None => Mistake::new(format!("{}: no such option", text(&words[0])), None),
    }
}

/// The mistake of `genlock help WORD` where WORD is no verb.
pub(super) fn help_of_no_verb(words: &[OsString]) -> Mistake {
    let Some((at, word)) = words.iter().enumerate().nth(1) else {
        return no_verb();
    };
    if verb(word).is_some()
        && let Some(more) = words.get(at + 1)
    {
        let what = format!("{}: one word too many for help", text(more));
        return Mistake::new(what, Some(words[..=at].to_vec()));
    }
    let all = verbs();
    let what = format!("{}: not a verb: {}", text(word), all.join(", "));
    let name = word.to_str().unwrap_or_default();
    let nearest = nearest(name, all.iter().map(String::as_str));
    let mended = nearest.map_or_else(|| words[..at].to_vec(), |verb| replace(words, at, verb));
    Mistake::new(what, Some(mended))
}

/// The long option that was most likely meant by a mistyped one.
fn similar(name: &str, options: &Command) -> Option<String> {
    let name = name.strip_prefix("--")?;
    let longs = options.get_arguments().filter_map(Arg::get_long);
    Some(format!("--{}", nearest(name, longs)?))
}

/// The mistake of an argument that the verb does not have.
pub(super) fn unknown(words: &[OsString], error: &clap::Error) -> Mistake {
    let names = names(error);
    let (Some(name), verb) = (names.first(), text(&words[0])) else {
        return Mistake::new(one_line(error), None);
    };
    let shown = describe::escape(name);
    if let Some(mistake) = of_another_verb(words, &verb, name) {
        return mistake;
    }
    if !name.starts_with('-') {
        return Mistake::new(format!("{shown}: one word too many for {verb}"), None);
    }
    let what = format!("{shown}: no such option of {verb}");
    // clap names the option without the value that may stand behind a `=`.
    let behind = |word: &OsString| {
        let behind = word.as_bytes().strip_prefix(name.as_bytes())?;
        (behind.is_empty() || behind.starts_with(b"=")).then(|| behind.to_vec())
    };
    let found = words.iter().enumerate();
    let mut found = found.filter_map(|(at, word)| Some((at, behind(word)?)));
    let Some((at, value)) = found.next() else {
        return Mistake::new(what, None);
    };
    if let Some(mistake) = negative(words, at).or_else(|| held::of_lock(words, at, name)) {
        return mistake;
    }
    if name == habits::SCRIPT {
        let before = read_alone(&words[..at]).err();
        if before.is_some_and(|error| lacks_key(&error)) {
            return Mistake::new(what, None);
        }
        let mut mended = insert(words, at, &["--", "sh", "-c"]);
        mended.remove(at + 3);
        let what = format!("{shown}: a shell is a command like any other");
        return Mistake::new(what, Some(mended));
    }
    let value = value.strip_prefix(b"=").map(OsStr::from_bytes);
    if let Some(meant) = habits::meant(name) {
        return meant.mistake(words, at, &shown, value);
    }
    let options = self::verb(&words[0]);
    let mended = options.and_then(|options| similar(name, &options));
    let mended = mended.map(|ours| {
        let mut mended = replace(words, at, &ours);
        if let Some(value) = value {
            mended[at].push("=");
            mended[at].push(value);
        }
        mended
    });
    // An option that takes a value would take the key for it: that is not what was meant.
    let takes_the_key = |mended: &Vec<OsString>| {
        let is_missing = |words: &[OsString]| {
            let kind = read_alone(words).err().map(|error| error.kind());
            kind == Some(ErrorKind::MissingRequiredArgument)
        };
        is_missing(mended) && !is_missing(&removed(mended, at))
    };
    Mistake::new(what, mended.filter(|mended| !takes_the_key(mended)))
}

/// The mistake of a word or an option that shows that another verb was meant.
fn of_another_verb(words: &[OsString], verb: &str, name: &str) -> Option<Mistake> {
    let is_word = !name.starts_with('-');
    if verb == habits::FORMERLY_BREAK && (is_word || habits::OF_BREAK.contains(&name)) {
        let mended = settle(replace(words, 0, habits::BREAK));
        let help = || [habits::BREAK, "--help"].map(OsString::from).to_vec();
        return Some(Mistake::new(
            habits::RENAMED,
            Some(mended.unwrap_or_else(help)),
        ));
    }
    if verb == habits::ACQUIRE && is_word {
        let what = format!("{}: {verb} takes no command", describe::escape(name));
        return Some(Mistake::new(what, Some(replace(words, 0, RUN))));
    }
    None
}

/// The mistake of a negative number that is the value of the option before it, though it looks like an
/// option itself.
fn negative(words: &[OsString], at: usize) -> Option<Mistake> {
    let is_negative = words[at]
        .to_str()?
        .strip_prefix('-')?
        .starts_with(|c: char| c.is_ascii_digit());
    let option = words[at - 1]
        .to_str()
        .filter(|word| is_negative && word.starts_with('-'))?;
    let between = if option.starts_with("--") { "=" } else { "" };
    let mut joined = replace(words, at - 1, &format!("{option}{between}"));
    let value = joined.remove(at);
    joined[at - 1].push(value);
    match check(&joined) {
        Err(Objection::Mistake(mistake)) if matches!(mistake.way_out, WayOut::Said) => {
            Some(mistake)
        }
        _ => None,
    }
}
