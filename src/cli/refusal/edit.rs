//! Changes to a list of words, and how one word is shown.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::cli::quoting;
use crate::describe;

/// `words` with `inserted` before the word at `at`.
pub(super) fn insert(words: &[OsString], at: usize, inserted: &[&str]) -> Vec<OsString> {
    let (before, after) = words.split_at(at);
    let inserted = inserted.iter().map(OsString::from);
    let before = before.iter().cloned().chain(inserted);
    before.chain(after.iter().cloned()).collect()
}

/// `words` with another in place of the one at `at`.
pub(super) fn replace(words: &[OsString], at: usize, by: &str) -> Vec<OsString> {
    let mut words = words.to_vec();
    words[at] = by.into();
    words
}

/// `words` without the one at `at`.
pub(super) fn removed(words: &[OsString], at: usize) -> Vec<OsString> {
    let mut words = words.to_vec();
    words.remove(at);
    words
}

pub(super) fn is_number(word: &OsStr) -> bool {
    let bytes = word.as_bytes();
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

pub(super) fn is_option(word: &OsStr) -> bool {
    word.len() > 1 && word.as_bytes().starts_with(b"-")
}

/// The word for a message, quoted as for a shell.
pub(super) fn text(word: &OsStr) -> String {
    describe::escape(&quoting::line([word]))
}
