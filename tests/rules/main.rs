//! The rules of the house, read from its text: how long a file and a function may be, that a name
//! means one thing, and who may use whom.

mod blank;
mod circles;
mod crates;
mod items;
mod layers;
mod paths;
mod sizes;
mod source;
mod tokens;
mod types;
mod wording;

use std::fmt;

/// A place that breaks a rule.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    /// What it is.
    what: String,
    /// What is to be done about it.
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            advice,
        } = self;
        write!(f, "{path}:{line}: {what}: {advice}")
    }
}

/// Fails with all that is found: there are no exceptions.
#[track_caller]
fn judge(findings: &[Finding]) {
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "\n{}\n", said.join("\n"));
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let folders = ["src", "tests", "benches", "examples", "xtask"];
    let sources: Vec<_> = folders.into_iter().flat_map(source::below).collect();
    judge(&sizes::findings(&sources));
}

#[test]
fn no_type_name_means_two_things() {
    judge(&types::findings(&source::library()));
}

#[test]
fn everybody_uses_only_whom_they_may() {
    let sources = source::library();
    judge(&layers::findings(&sources));
    judge(&layers::unused(&sources));
}

#[test]
fn no_two_modules_use_each_other() {
    judge(&circles::findings(&source::library()));
}

#[test]
fn a_crate_is_named_in_one_place() {
    judge(&crates::findings(&source::library()));
}
