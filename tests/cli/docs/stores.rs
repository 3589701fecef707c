//! What is said of each store is what the list of stores has of it.

use std::path::{Path, PathBuf};

use genlock::STORES;

use super::{files, pages, read};
use crate::genlock::{genlock, output};

/// Without line breaks, and what a man page has for quotes and dashes.
fn plain(text: &str) -> String {
    let text = text.replace("\\(aq", "'").replace("\\-", "-");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_has_its_assumption() {
    for page in [
        "README.md",
        "docs/promise.md",
        "docs/stores.md",
        "man/genlock.7",
    ] {
        let text = plain(&read(Path::new(page)));
        for kind in STORES {
            let assumption = kind.capabilities.assumption;
            assert!(text.contains(assumption), "{page}: {assumption}");
        }
    }
}

/// What is more than a line of the assumption.
#[test]
fn what_a_redis_can_do_to_a_lock_is_told_everywhere() {
    for page in [
        "README.md",
        "docs/promise.md",
        "docs/stores.md",
        "man/genlock.7",
    ] {
        let text = plain(&read(Path::new(page)));
        for words in [
            "server's clock",
            "min-replicas-to-write",
            "token still orders",
        ] {
            assert!(text.contains(words), "{page}: {words}");
        }
    }
}

/// Help is made of the list.
#[test]
fn each_is_in_help() {
    let help = |words: &[&str]| {
        let mut help = genlock();
        help.args(words);
        plain(output(help).silent(0).text())
    };
    let (run, connection) = (help(&["run", "--help"]), help(&["help", "connection"]));
    for kind in STORES {
        for (name, _) in kind.variables {
            assert!(run.contains(name), "{name}");
        }
        for text in [&run, &connection] {
            assert!(text.contains(kind.help.about[0]), "{}", kind.name());
            assert!(text.contains(kind.capabilities.assumption), "{text}");
        }
        let endpoints = kind.help.endpoints;
        assert!(connection.contains(endpoints), "{endpoints}");
    }
}

/// The names and variables that a script meets.
#[test]
fn each_is_in_the_page_for_scripts() {
    let page = read(Path::new("docs/scripting.md"));
    let row = page.lines().find(|line| line.starts_with("| `store` |"));
    let row = row.expect("a row");
    for kind in STORES {
        assert!(row.contains(&format!("`{}`", kind.name())), "{row}");
        for (variable, _) in kind.variables {
            assert!(page.contains(&format!("| `{variable}` |")), "{variable}");
        }
    }
}

/// Without the depth at which it stands.
fn flat(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    lines.map(|line| format!("{line}\n")).collect()
}

/// What docs/writing-a-store.md shows of a store is the example's, which the contract holds.
#[test]
fn the_code_that_is_shown_is_that_of_the_example() {
    let mut sources = files("examples/store");
    sources.push(PathBuf::from("tests/locker/board.rs"));
    let sources: Vec<_> = sources.iter().map(|path| flat(&read(path))).collect();
    let page = pages()
        .into_iter()
        .find(|page| page.path.ends_with("writing-a-store.md"));
    let blocks = page.expect("docs/writing-a-store.md").blocks();
    let code: Vec<_> = blocks
        .iter()
        .filter(|block| block.language == "rust")
        .collect();
    for block in &code {
        let shown = flat(&block.text);
        let is_there = sources.iter().any(|source| source.contains(&shown));
        assert!(is_there, "no longer in the example:\n{}", block.text);
    }
    assert!(code.len() > 5, "{}", code.len());
}
