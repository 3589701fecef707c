//! What is said of each store is what the list of stores has of it.

use std::path::Path;

use genlock::STORES;

use super::read;
use crate::genlock::{genlock, output};

/// Without line breaks, and what a man page has for quotes and dashes.
fn plain(text: &str) -> String {
    let text = text.replace("\\(aq", "'").replace("\\-", "-");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_has_its_assumption() {
    for page in ["README.md", "docs/promise.md", "man/genlock.7"] {
        let text = plain(&read(Path::new(page)));
        for kind in STORES {
            let assumption = kind.capabilities.assumption;
            assert!(text.contains(assumption), "{page}: {assumption}");
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
