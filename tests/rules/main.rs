//! The rules of the house, read from its text: how long a file and a function may be, that a name
//! means one thing, and who may use whom.

mod blank;
mod circles;
mod crates;
mod items;
mod known;
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
    /// What it is; with the path it is how the list of the known ones says it.
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

impl Finding {
    fn key(&self) -> String {
        format!("{} {}", self.path, self.what)
    }
}

/// Fails with all that is found and not known, and with all that is known and no longer found.
#[track_caller]
fn judge(findings: &[Finding], known: &[&str]) {
    let mut said: Vec<String> = findings
        .iter()
        .filter(|finding| !known.contains(&finding.key().as_str()))
        .map(ToString::to_string)
        .collect();
    for what in known {
        if !findings.iter().any(|finding| finding.key() == *what) {
            said.push(format!("tests/rules/known.rs: strike out {what:?}"));
        }
    }
    assert!(said.is_empty(), "\n{}\n", said.join("\n"));
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let folders = ["src", "tests", "benches", "examples", "xtask"];
    let sources: Vec<_> = folders.into_iter().flat_map(source::below).collect();
    judge(&sizes::findings(&sources), &[]);
}

#[test]
fn no_type_name_means_two_things() {
    judge(&types::findings(&source::library()), known::TYPES);
}

#[test]
fn everybody_uses_only_whom_they_may() {
    judge(&layers::findings(&source::library()), &[]);
}

#[test]
fn no_two_modules_use_each_other() {
    judge(&circles::findings(&source::library()), known::CIRCLES);
}

#[test]
fn a_crate_is_named_in_one_place() {
    judge(&crates::findings(&source::library()), &[]);
}
