//! A wall clock that is wrong, by Debian's package faketime.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What replaces the C library's clocks.
pub(crate) fn library() -> Option<PathBuf> {
    let directories = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = directories.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|library| library.exists());
    if found.is_none() {
        eprintln!("skipped: no libfaketime here (Debian: faketime)");
    }
    found
}

/// Shows the command this wall clock (faketime(1)). Clocks that are never set stay right.
pub(crate) fn fake(command: &mut Command, library: &Path, clock: &str) {
    command.env("LD_PRELOAD", library).env("FAKETIME", clock);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
