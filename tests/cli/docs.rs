//! README and `docs/`: what they name is there, and what is there is told. See `readme` for what
//! they show to be typed.

mod fields;
mod links;
mod names;
mod options;
mod picture;
mod stores;

use std::fs;
use std::path::{Path, PathBuf};

/// Before a block of code that no test can type here, with the reason.
const MARKER: &str = "<!-- not typed: ";

/// A page of Markdown.
pub(crate) struct Page {
    /// Below the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A block of code.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    /// Whether it says that it is not typed.
    pub(crate) is_marked: bool,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a directory of the repository, with paths below the repository.
pub(crate) fn files(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root().join(directory)];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(root()).expect("below").to_owned());
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// README and everything below `docs/`: what users read.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = vec![PathBuf::from("README.md")];
    paths.extend(files("docs"));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages_of(paths)
}

/// Those, and what those who work on genlock read.
fn all_pages() -> Vec<Page> {
    let others = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let mut all = pages();
    all.extend(pages_of(others.map(PathBuf::from).to_vec()));
    all
}

fn pages_of(paths: Vec<PathBuf>) -> Vec<Page> {
    let page = |path: PathBuf| Page {
        text: read(&path),
        path,
    };
    paths.into_iter().map(page).collect()
}

impl Page {
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut block: Option<Block> = None;
        let mut before = "";
        for line in self.text.lines() {
            match (&mut block, line.strip_prefix("```")) {
                (None, Some(language)) => {
                    block = Some(Block {
                        language: language.to_owned(),
                        text: String::new(),
                        is_marked: before.starts_with(MARKER),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(block.take()),
                (Some(block), None) => block.text += &format!("{line}\n"),
                (None, None) => {}
            }
            before = line;
        }
        blocks
    }

    /// The lines outside of blocks of code.
    fn prose(&self) -> String {
        let mut is_code = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        });
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// What is between two backticks.
    pub(crate) fn spans(&self) -> Vec<String> {
        let prose = self.prose();
        let spans = prose.split('`').skip(1).step_by(2);
        // In a table a bar is written so.
        let spans = spans.map(|span| span.replace("\\|", "|"));
        spans
            .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }
}

#[test]
fn the_first_page_is_short() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(
        lines <= 150,
        "README.md has {lines} lines; the rest is for docs/"
    );
}

/// A lock over a network can promise as much as its limits say, and no more.
#[test]
fn no_page_guarantees_anything() {
    for page in pages() {
        let text = page.text.replace('\n', " ");
        let claims = text.matches("guarantee").count();
        let denials = text.matches("not guarantee").count();
        assert_eq!(claims, denials, "{:?}", page.path);
    }
}

/// An odd one would turn the words between spans into spans.
#[test]
fn every_backtick_has_its_other() {
    for page in all_pages() {
        for paragraph in page.prose().split("\n\n") {
            let count = paragraph.matches('`').count();
            assert_eq!(count % 2, 0, "{:?}: {paragraph}", page.path);
        }
    }
}
