//! Words that clap accepts, but that are hardly meant so.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::edit::{insert, is_option, replace, text};
use super::missing::key_for;
use super::{Mistake, held};
use crate::describe;

/// What is wrong with words that clap has read as `matches`.
pub(super) fn mistake(
    words: &[OsString],
    definition: &Command,
    matches: &ArgMatches,
) -> Option<Mistake> {
    let (name, matches) = matches.subcommand()?;
    let verb = definition.find_subcommand(name)?;
    let mut positionals = verb.get_positionals();
    let command = positionals.find(|arg| arg.is_trailing_var_arg_set());
    let command = command.map_or(&[][..], |arg| given(words, matches, arg));
    let before = &words[..words.len() - command.len()];
    if let Some(mistake) = held::with_key(words, matches, before, command) {
        return Some(mistake);
    }
    if command.first().is_some_and(|first| is_option(first)) {
        return option_for_command(before, command);
    }
    stray_blank(verb, before, command, matches).or_else(|| contradiction(verb, matches))
}

/// `--try` and `--wait` together on the command line. If $GENLOCK_WAIT is set, `--try` counts.
fn contradiction(verb: &Command, matches: &ArgMatches) -> Option<Mistake> {
    let is_said = |long: &str| {
        let mut arguments = verb.get_arguments();
        let arg = arguments.find(|arg| arg.get_long() == Some(long));
        let source = arg.and_then(|arg| matches.value_source(arg.get_id().as_str()));
        source == Some(ValueSource::CommandLine)
    };
    let both = is_said("try") && is_said("wait");
    both.then(|| {
        Mistake::said("--try does not wait, and --wait does: leave one of them out".to_owned())
    })
}

/// The values of the last argument, which are the last of `words`.
fn given<'a>(words: &'a [OsString], matches: &ArgMatches, arg: &Arg) -> &'a [OsString] {
    let count = matches
        .get_raw(arg.get_id().as_str())
        .map_or(0, Iterator::count);
    &words[words.len() - count..]
}

/// The command begins with an option: it was accepted only because `--` stands before it.
fn option_for_command(before: &[OsString], command: &[OsString]) -> Option<Mistake> {
    let words = [before, command].concat();
    if command[0] == "--" {
        // In `run -- KEY -- COMMAND` one `--` is too many: the first, unless KEY looks like an option and
        // needs it.
        let first = before.iter().position(|word| word == "--")?;
        let is_kept = before.last().is_some_and(|key| is_option(key));
        let mut mended = words;
        mended.remove(if is_kept { before.len() } else { first });
        let what = "--: it stands behind the key, if anywhere";
        return Some(Mistake::new(what, Some(mended)));
    }
    let (key, options) = before.split_last()?;
    if options.last().is_some_and(|word| word == "--") {
        let at = options.len() - 1;
        let what = format!("{}: KEY is missing before --", text(key));
        return Some(Mistake::new(
            what,
            Some(insert(&words, at, &[&key_for(key)])),
        ));
    }
    // `run KEY -- -x`: there may be a program of that name.
    None
}

/// The key begins or ends with white space, which nobody sees.
fn stray_blank(
    verb: &Command,
    before: &[OsString],
    command: &[OsString],
    matches: &ArgMatches,
) -> Option<Mistake> {
    let is_key = |arg: &&Arg| arg.get_value_names().is_some_and(|names| *names == ["KEY"]);
    let arg = verb.get_positionals().find(is_key)?;
    let key = matches.get_raw(arg.get_id().as_str())?.next()?.to_str()?;
    let trimmed = key.trim();
    if trimmed == key {
        return None;
    }
    let (place, stray) = match key.chars().next_back().filter(|last| last.is_whitespace()) {
        Some(last) => ("ends", last),
        None => ("begins", key.chars().next()?),
    };
    let stray = match stray {
        '\n' | '\r' => "line break",
        '\t' => "tab",
        _ => "blank",
    };
    if trimmed.is_empty() {
        return Some(Mistake::new("the key is blank", None));
    }
    let what = format!(
        "the key {} {place} in a {stray}",
        describe::escape(&format!("'{key}'"))
    );
    let at = before.iter().rposition(|word| word == key)?;
    let mut mended = replace(before, at, trimmed);
    mended.extend_from_slice(command);
    Some(Mistake::new(what, Some(mended)))
}
