//! Arguments that are missing, and what stands for them in the line that is proposed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::edit::{insert, is_number, is_option, removed, text};
use super::{Mistake, names};
use crate::cli::read_alone;

/// The key and the command of a proposal where none was given.
const KEY: &str = "/locks/backup";
const COMMAND: &str = "./backup.sh";

pub(super) fn lacks_key(error: &clap::Error) -> bool {
    names(error).iter().any(|name| name.starts_with("<KEY"))
}

/// The mistake where these arguments are missing: `<KEY>`, `<COMMAND>...`.
pub(super) fn mistake(words: &[OsString], missing: &[String]) -> Mistake {
    if words[1..] == ["help"] {
        let what = format!("{}: help comes first", text(&words[0]));
        return Mistake::new(what, Some(vec!["help".into(), words[0].clone()]));
    }
    let dashes = words.iter().position(|word| word == "--");
    if let Some(mistake) = dashes.and_then(|at| command_for_key(words, at)) {
        return mistake;
    }
    let lacks = |name: &str| {
        let is = |missing: &String| missing.trim_start_matches('<').starts_with(name);
        missing.iter().any(is)
    };
    match (lacks("KEY"), lacks("COMMAND")) {
        (true, true) => {
            let at = dashes.unwrap_or(words.len());
            let mended = with_command(insert(words, at, &[KEY]), dashes);
            Mistake::new(shown(words, &["KEY", "COMMAND"]), Some(mended))
        }
        (true, false) => {
            let at = dashes.unwrap_or(words.len());
            Mistake::new(shown(words, &["KEY"]), Some(insert(words, at, &[KEY])))
        }
        (false, true) => no_command(words, dashes),
        (false, false) => no_other_option(words, missing),
    }
}

fn shown(words: &[OsString], names: &[&str]) -> String {
    let are = if names.len() > 1 { "are" } else { "is" };
    format!("{}: {} {are} missing", text(&words[0]), names.join(" and "))
}

/// The words with a command added, and with `--` before it unless `dashes` says where there is one.
fn with_command(mut words: Vec<OsString>, dashes: Option<usize>) -> Vec<OsString> {
    if dashes.is_none() {
        words.push("--".into());
    }
    words.push(COMMAND.into());
    words
}

/// The mistake of `run -- COMMAND`, where clap takes COMMAND for the key. `dashes` is where `--` stands.
fn command_for_key(words: &[OsString], dashes: usize) -> Option<Mistake> {
    let before = read_alone(&words[..dashes]).err();
    let command = words
        .get(dashes + 1)
        .filter(|_| before.is_some_and(|error| lacks_key(&error)))?;
    let mended = insert(words, dashes, &[&key_for(command)]);
    Some(Mistake::new(shown(words, &["KEY"]), Some(mended)))
}

/// The mistake where the last word was taken for the key, and there is no command.
fn no_command(words: &[OsString], dashes: Option<usize>) -> Mistake {
    let last = words.len() - 1;
    let path = Path::new(&words[last]);
    // The last word is a program: it is the command, and the key is missing.
    if path.components().count() > 1 && path.is_file() {
        let mended = insert(words, last, &[&key_for(&words[last]), "--"]);
        return Mistake::new(shown(words, &["KEY"]), Some(mended));
    }
    let mut mended = words.to_vec();
    if is_number(&words[last]) {
        // `flock 9` locks a descriptor of the shell.
        mended[last] = KEY.into();
        let number = text(&words[last]);
        let what = format!("{number}: a lock is held for a command, not by a descriptor");
        return Mistake::new(what, Some(with_command(mended, dashes)));
    }
    Mistake::new(
        shown(words, &["COMMAND"]),
        Some(with_command(mended, dashes)),
    )
}

/// The mistake where an option requires another one that is missing: without that option nothing is.
fn no_other_option(words: &[OsString], missing: &[String]) -> Mistake {
    let names: Vec<_> = missing.iter().map(String::as_str).collect();
    let mut options = (1..words.len()).filter(|&at| is_option(&words[at]));
    match options.find(|&at| read_alone(&removed(words, at)).is_ok()) {
        Some(at) => {
            let what = format!("{} goes only with {}", text(&words[at]), names.join(" "));
            Mistake::said(what)
        }
        None => Mistake::new(shown(words, &names), None),
    }
}

/// A key that is named after the command: `/locks/backup` for `./backup.sh`.
pub(super) fn key_for(command: &OsStr) -> String {
    let stem = Path::new(command).file_stem().and_then(OsStr::to_str);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match stem.filter(|stem| stem.chars().all(fits) && !stem.starts_with('-')) {
        Some(stem) => format!("/locks/{stem}"),
        None => KEY.to_owned(),
    }
}
