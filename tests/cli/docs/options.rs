//! Options: those that are told exist, and those that exist are told.

use std::collections::BTreeSet;

use clap::{Arg, Command};

use super::{files, pages, read};

/// Options of other programs that the pages name.
const FOREIGN: &[&str] = &[
    "--advertise-client-urls",
    "--atomic",
    "--bump-revision",
    "--cluster",
    "--dry-run",
    "--example",
    "--experimental-corrupt-check-time",
    "--features",
    "--ignore-missing",
    "--keys-only",
    "--listen-client-urls",
    "--locked",
    "--mark-compacted",
    "--max-concurrent-streams",
    "--no-default-features",
    "--open",
    "--pair",
    "--path",
    "--prefix",
    "--print-value-only",
    "--quick",
    "--release",
    "--rm",
    "--root",
    "--scope",
    "--store",
    "--strip-components",
];

/// Verbs and the first page, with their options.
fn commands() -> Vec<Command> {
    let mut command = genlock::cli::command();
    command.build();
    let mut all: Vec<_> = command.get_subcommands().cloned().collect();
    all.push(command);
    all
}

fn options(of: &Command) -> impl Iterator<Item = (String, bool)> {
    let long = |arg: &Arg| Some((format!("--{}", arg.get_long()?), arg.is_hide_set()));
    of.get_arguments().filter_map(long)
}

/// What is written as a long option, anywhere on a page.
fn written(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let name: String = text[at + 2..].chars().take_while(|&c| is_part(c)).collect();
        let is_option = name.starts_with(|c: char| c.is_ascii_lowercase());
        if is_option && !before.is_alphanumeric() && !"-!".contains(before) {
            found.insert(format!("--{}", name.trim_end_matches('-')));
        }
    }
    found
}

#[test]
fn every_option_that_is_told_exists() {
    let ours: BTreeSet<_> = commands()
        .iter()
        .flat_map(options)
        .map(|(name, _)| name)
        .collect();
    let mut foreign = BTreeSet::new();
    for page in pages() {
        for option in written(&page.text) {
            if ours.contains(&option) {
                continue;
            }
            assert!(
                FOREIGN.contains(&&*option),
                "{:?} names {option}",
                page.path
            );
            foreign.insert(option);
        }
    }
    let unused: Vec<_> = FOREIGN
        .iter()
        .filter(|name| !foreign.contains(**name))
        .collect();
    assert!(unused.is_empty(), "no page names {unused:?} any more");
}

#[test]
fn every_option_that_exists_is_told() {
    let mut told: BTreeSet<_> = pages()
        .iter()
        .flat_map(|page| written(&page.text))
        .collect();
    for page in files("man") {
        told.extend(written(
            &read(&page).replace("\\-", "-").replace("\\fB", " "),
        ));
    }
    for command in commands() {
        for (option, is_hidden) in options(&command) {
            assert!(
                is_hidden || told.contains(&option),
                "{}: {option}",
                command.get_name()
            );
        }
    }
}

/// What is shown as code, in a line or in a block.
#[test]
fn every_verb_that_is_told_exists() {
    let verbs: BTreeSet<_> = commands()
        .iter()
        .map(|command| command.get_name().to_owned())
        .collect();
    for page in pages() {
        let blocks = page.blocks();
        let typed = blocks.iter().filter(|block| block.language != "text");
        let lines = typed.flat_map(|block| block.text.lines());
        let code = page.spans().into_iter().chain(lines.map(str::to_owned));
        for code in code {
            // As YAML's lists have it as well.
            let code = code
                .replace("genlock, ", "genlock ")
                .replace([',', ';'], " ");
            let mut words = code.split_whitespace().peekable();
            while let Some(word) = words.next() {
                let Some(verb) = words.peek().filter(|_| word == "genlock") else {
                    continue;
                };
                let is_verb = verb.starts_with('-') || verbs.contains(*verb);
                let is_file = verb.starts_with('/');
                assert!(is_verb || is_file, "{:?}: {code}", page.path);
            }
        }
    }
}
