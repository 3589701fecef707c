//! Words with one dash and several letters: either several options in one word, as for flock(1), or one
//! long option, as Go's flag package takes it and so consul and terraform.

use std::ffi::{OsStr, OsString};

use clap::Command;

use super::edit::{removed, replace, text};
use super::habits::{self, Meant};
use super::{Mistake, names};
use crate::cli::{read_alone, times};

/// How many words are looked at: nobody gives more options than that.
const LOOKED_AT: usize = 64;

/// What is wrong with the word at which clap stopped, if it is such a word.
pub(super) fn mistake(words: &[OsString], verb: &Command, error: &clap::Error) -> Option<Mistake> {
    let at = culprit(words, error)?;
    let word = words[at].to_str()?;
    let bare = word.strip_prefix('-').filter(|bare| bare.len() > 1)?;
    let (name, value) = match bare.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (bare, None),
    };
    let has = |long: &str| verb.get_arguments().any(|arg| arg.get_long() == Some(long));
    if has("try") && (name == "try" || (name == "-try" && value.is_some())) {
        return Some(timed_try(words, at, value));
    }
    if bare.starts_with('-') || name == "help" {
        return None;
    }
    if name == "n" {
        return Some(limit(words, at, value));
    }
    let long = format!("--{name}");
    if has(name) && name.len() > 1 {
        let what = format!("-{name}: a long option has two dashes");
        return Some(Mistake::new(
            what,
            Some(replace(words, at, &format!("-{word}"))),
        ));
    }
    if let Some(meant) = habits::meant(&long) {
        return Some(meant.mistake(words, at, &format!("-{name}"), value.map(OsStr::new)));
    }
    let cluster = cluster(words, at, verb, bare);
    let is_help = !error.use_stderr() && !bare.chars().all(|letter| is_short(verb, letter));
    cluster.or_else(|| {
        is_help.then(|| {
            let verb = verb.get_name();
            Mistake::new(
                format!("{}: no such option of {verb}", text(&words[at])),
                None,
            )
        })
    })
}

/// Where the word is at which clap stopped: the shortest beginning of the words that gives the same
/// error ends with it.
fn culprit(words: &[OsString], error: &clap::Error) -> Option<usize> {
    let is_same = |end: &usize| {
        let found = read_alone(&words[..*end]).err();
        found.is_some_and(|f| f.kind() == error.kind() && names(&f) == names(error))
    };
    Some((1..=words.len().min(LOOKED_AT)).find(is_same)? - 1)
}

fn is_short(verb: &Command, letter: char) -> bool {
    letter == 'h'
        || verb
            .get_arguments()
            .any(|arg| arg.get_short() == Some(letter))
}

/// consul's `-try=5s` is to wait so long: --wait here.
fn timed_try(words: &[OsString], at: usize, value: Option<&str>) -> Mistake {
    let is_time = |word: &&OsString| word.to_str().is_some_and(|word| times::parse(word).is_ok());
    let next = words.get(at + 1).filter(is_time);
    let mended = match (value, next) {
        (Some(value), _) => replace(words, at, &format!("--wait={value}")),
        (None, Some(_)) => replace(words, at, "--wait"),
        (None, None) => replace(words, at, "--try"),
    };
    let what = if value.is_some() || next.is_some() {
        "--try does not wait: --wait does"
    } else {
        "-try: a long option has two dashes"
    };
    Mistake::new(what, Some(mended))
}

/// consul's `-n=3` is for three holders.
fn limit(words: &[OsString], at: usize, value: Option<&str>) -> Mistake {
    if value == Some("1") {
        return Meant::Always(habits::EXCLUSIVE).mistake(words, at, "-n=1", None);
    }
    let mended = value.map(|value| replace(words, at, &format!("--max-holders={value}")));
    let what = format!("{}: -n is --try, and takes no number", text(&words[at]));
    Mistake::new(what, mended)
}

/// Options of flock(1) in one word: `-en`, `-xw5`.
fn cluster(words: &[OsString], at: usize, verb: &Command, bare: &str) -> Option<Mistake> {
    let mut kept = String::new();
    let mut said = None;
    for (start, letter) in bare.char_indices() {
        let ours = verb.get_arguments();
        let mut ours = ours.filter(|arg| arg.get_short() == Some(letter));
        if let Some(arg) = ours.next() {
            if arg.get_action().takes_values() {
                kept.push_str(&bare[start..]);
                break;
            }
            kept.push(letter);
            continue;
        }
        let name = format!("-{letter}");
        match habits::meant(&name)? {
            Meant::Always(why) => said = said.or(Some(format!("{name}: {why}"))),
            Meant::Never(why) => return Some(Mistake::said(format!("{name}: {why}"))),
            Meant::Option(_) => return None,
        }
    }
    let mended = match kept.as_str() {
        "" => removed(words, at),
        kept => replace(words, at, &format!("-{kept}")),
    };
    Some(Mistake::new(said?, Some(mended)))
}
