//! Writes `completions/` and `man/`: `cargo xtask generate`. A test compares the committed files with what
//! this would write.

use std::io;
use std::path::{Path, PathBuf};

mod completions;
mod concepts;
mod man;
mod roff;

/// A generated file: its path below the repository, and its text.
pub(crate) type File = (PathBuf, String);

/// Every generated file.
pub(crate) fn files() -> Vec<File> {
    let mut command = genlock::cli::command();
    command.build();
    let mut files = completions::files(&command);
    files.extend(man::files(&command));
    files
}

#[allow(dead_code)] // The test that includes this file only wants `files`.
fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in files() {
        let path = root.join(path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
