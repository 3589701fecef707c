//! `run --held` with a key, or with options of a lock: the lock is held already.

use std::ffi::OsString;

use clap::ArgMatches;

use super::Mistake;
use super::edit::{removed, text};
use crate::cli::command;
use crate::cli::held::is_held;

/// The mistake of an option `name`, at `at`, that `run` has but not with `--held`.
pub(super) fn of_lock(words: &[OsString], at: usize, name: &str) -> Option<Mistake> {
    if !is_held(words) {
        return None;
    }
    let whole = command();
    let whole = whole.find_subcommand(&words[0])?;
    let mut own = whole.get_arguments();
    let option = own.find(|arg| {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let long = arg.get_long().map(|long| format!("--{long}"));
        [short, long].iter().flatten().any(|own| own == name)
    })?;
    let mut mended = removed(words, at);
    let has_value = words[at] == *name && option.get_action().takes_values();
    if has_value && at < mended.len() {
        mended.remove(at);
    }
    let what = format!("{name}: that is for a lock which is taken, and with --held none is");
    Some(Mistake::new(what, Some(mended)))
}

/// The mistake of a key beside `--held`: before it, or between it and the `--` of the command.
pub(super) fn with_key(
    words: &[OsString],
    run: &ArgMatches,
    before: &[OsString],
    command: &[OsString],
) -> Option<Mistake> {
    let at = if is_held(words) {
        // The key was taken for the command: `--held /k -- ./deploy.sh`.
        let is_second = |word: &OsString| word == "--";
        let is_key = !before.iter().any(is_second) && command.get(1).is_some_and(is_second);
        is_key.then_some(before.len())?
    } else {
        let is_said = run.try_get_one::<bool>("held").ok().flatten();
        is_said.filter(|said| **said)?;
        let key = run.get_raw("key")?.next()?;
        before.iter().rposition(|word| word == key)?
    };
    let key = text(&words[at]);
    let what = format!("{key}: with --held the lock is the one around us, and no KEY is said");
    Some(Mistake::new(what, Some(removed(words, at))))
}
