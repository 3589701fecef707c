//! The files that the rules are about.

use std::fs;
use std::path::Path;

use crate::items::{Items, items};
use crate::tokens::{Token, tokens};

/// A file of Rust.
pub(crate) struct Source {
    /// Below the root of the repository.
    pub(crate) path: String,
    /// The module that it is, of the library: none for its root.
    pub(crate) module: Vec<String>,
    pub(crate) lines: usize,
    pub(crate) tokens: Vec<Token>,
    pub(crate) items: Items,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let tokens = tokens(text);
        Self {
            path: path.to_owned(),
            module: match module {
                "lib" => Vec::new(),
                _ => module.split('/').map(str::to_owned).collect(),
            },
            lines: text.lines().count(),
            items: items(&tokens),
            tokens,
        }
    }
}

/// All of Rust below a folder, in order; nothing if it is not there, as in what is published.
pub(crate) fn below(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return sources;
    };
    for entry in entries {
        let entry = entry.expect("an entry of a folder");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            sources.extend(below(&path));
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("a file's text");
            sources.push(Source::new(&path, &text));
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

/// The library and the tool, less the modules that are for tests only.
pub(crate) fn library() -> Vec<Source> {
    let mut sources = below("src");
    assert!(sources.len() > 100, "src is not read");
    let for_tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|source| {
            let inside = source.items.test_modules.iter();
            inside.map(|name| [source.module.as_slice(), std::slice::from_ref(name)].concat())
        })
        .collect();
    sources.retain(|source| !for_tests.iter().any(|one| source.module.starts_with(one)));
    sources
}
