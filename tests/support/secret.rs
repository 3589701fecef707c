//! Files that nobody else can read, as those with a password have to be.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes the file, which is not there yet, for its owner only, whatever our umask is.
pub(crate) fn secret(path: impl AsRef<Path>, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).expect("a file of its own");
    file.write_all(text.as_bytes()).expect("a file");
}
