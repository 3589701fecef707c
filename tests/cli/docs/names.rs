//! Files, tests, types and functions that are named are there.

use std::collections::BTreeSet;
use std::path::Path;

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

/// What the sources define: types and functions.
fn defined() -> BTreeSet<String> {
    const BEFORE: [&str; 7] = [
        "struct ", "enum ", "trait ", "type ", "union ", "fn ", "const ",
    ];
    let mut found = BTreeSet::new();
    let paths = files("src").into_iter().chain(files("tests"));
    for path in paths.filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = read(&path);
        for before in BEFORE {
            let names = text.split(before).skip(1).map(|rest| {
                let is_name = |c: &char| *c == '_' || c.is_alphanumeric();
                rest.chars().take_while(is_name).collect::<String>()
            });
            found.extend(names);
        }
        // The variants of enums, and fields.
        for line in text.lines() {
            let name: String = line
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric())
                .collect();
            found.insert(name);
        }
    }
    found
}

/// Types are written with a capital letter in the middle or as one word, functions with brackets.
#[test]
fn every_type_and_function_of_the_architecture_is_there() {
    let known = defined();
    let page = super::pages_of(vec![Path::new("docs/architecture.md").to_owned()]).remove(0);
    let mut count = 0;
    for span in page.spans() {
        let names: Vec<_> = span.split("::").collect();
        let is_ident = |name: &&str| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        let last = names.last().copied().unwrap_or_default();
        let function = last.strip_suffix("()");
        let is_type = last.starts_with(|c: char| c.is_ascii_uppercase())
            && last.chars().any(|c| c.is_ascii_lowercase());
        if function.is_none() && !is_type {
            continue;
        }
        let checked = names
            .iter()
            .map(|name| name.strip_suffix("()").unwrap_or(name));
        for name in checked.filter(is_ident) {
            count += 1;
            let is_module = is_name(name) && function.is_none_or(|f| f != name);
            assert!(
                is_module || known.contains(name),
                "the architecture names {span}"
            );
        }
    }
    assert!(count > 40, "{count}");
}
