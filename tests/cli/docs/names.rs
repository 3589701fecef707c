//! Files, tests, types and functions that are named are there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{all_pages, files, read, root};

/// Where what is named may lie below.
const ROOTS: [&str; 3] = ["", "src/", "tests/"];

/// Directories of the repository.
const OURS: [&str; 10] = [
    "src",
    "tests",
    "docs",
    "examples",
    "benches",
    "man",
    "completions",
    "xtask",
    ".github",
    ".cargo",
];

/// Whether it is written as a path below the repository.
fn is_path(span: &str) -> bool {
    let plain = span
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let first = span.split('/').next().unwrap_or_default();
    let is_ours = OURS.contains(&first) && span.contains('/');
    plain && (is_ours || span.ends_with(".rs"))
}

#[test]
fn every_file_that_is_named_is_there() {
    let mut count = 0;
    for page in all_pages() {
        for span in page.spans().iter().filter(|span| is_path(span)) {
            count += 1;
            let mut places = ROOTS.iter().map(|place| root().join(place).join(span));
            let is_there = places.any(|place| place.exists());
            assert!(is_there, "{:?} names {span}", page.path);
        }
    }
    assert!(count > 10, "{count}");
}

/// A test's file and name; a module's own name is that of its file or of a directory above.
fn tests() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for path in files("tests") {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let modules: Vec<_> = path
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        for line in read(&path).lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("async ").unwrap_or(line);
            let Some(rest) = line.strip_prefix("fn ") else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|&c| c == '_' || c.is_alphanumeric())
                .collect();
            let modules = modules.iter().cloned();
            found.extend(modules.map(|module| (module, name.clone())));
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && !word.is_empty()
}

#[test]
fn every_test_that_is_named_is_there() {
    let known = tests();
    let mut count = 0;
    for page in all_pages() {
        for span in page.spans() {
            let Some((path, test)) = span.rsplit_once("::") else {
                continue;
            };
            let module = path.rsplit("::").next().unwrap_or(path);
            if !is_name(module) || !(test == "*" || is_name(test)) || span.starts_with("genlock::")
            {
                continue;
            }
            count += 1;
            let is_there = known
                .iter()
                .any(|(of, name)| of == module && (test == "*" || name == test));
            assert!(is_there, "{:?} names the test {span}", page.path);
        }
    }
    assert!(count > 40, "{count}");
}

/// Whether the word stands in the text, and not as a part of another.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

fn defines_type(text: &str, name: &str) -> bool {
    let mut kinds = ["struct", "enum", "trait", "type"].iter();
    kinds.any(|kind| has_word(text, &format!("{kind} {name}")))
}

/// Whether a source defines what is written `Type`, `Type::Variant`, `Type::method()`,
/// `module::function()` or `function()`.
fn defines((path, text): &(PathBuf, String), name: &str) -> bool {
    let (of, last) = match name.rsplit_once("::") {
        Some((of, last)) => (Some(of), last),
        None => (None, name),
    };
    let Some(function) = last.strip_suffix("()") else {
        return match of {
            Some(of) => defines_type(text, of) && has_word(text, last),
            None => defines_type(text, last),
        };
    };
    let has = has_word(text, &format!("fn {function}"));
    has && of.is_none_or(|of| match is_name(of) {
        // By its own name, or brought there by a module above or below.
        true => path.with_extension("").iter().any(|part| part == of),
        false => has_word(text, of),
    })
}

#[test]
fn every_type_and_function_of_the_architecture_is_there() {
    let sources = files("src").into_iter();
    let sources: Vec<_> = sources.map(|path| (path.clone(), read(&path))).collect();
    let page = super::pages_of(vec![PathBuf::from("docs/architecture.md")]).remove(0);
    let mut count = 0;
    for span in page.spans() {
        let last = span.rsplit("::").next().unwrap_or(&span);
        let is_type = last.starts_with(|c: char| c.is_ascii_uppercase())
            && last.chars().all(char::is_alphanumeric)
            && last.chars().any(|c| c.is_ascii_lowercase());
        if is_type || last.ends_with("()") {
            count += 1;
            let is_there = sources.iter().any(|source| defines(source, &span));
            assert!(is_there, "the architecture names {span}");
        }
    }
    assert!(count > 40, "{count}");
}
