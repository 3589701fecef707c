//! The completions and man pages that are committed are those of the options.

use std::path::Path;

#[path = "../../examples/generate/main.rs"]
mod generate;

#[test]
fn the_committed_files_are_those_of_the_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in generate::files() {
        let committed = std::fs::read_to_string(root.join(&path)).unwrap_or_default();
        assert!(
            committed == text,
            "{} is out of date: cargo xtask generate",
            path.display()
        );
    }
}
