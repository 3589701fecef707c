//! Writes a file in one piece: who reads it finds all of what was there, or all of what is there now.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::destination::WITHOUT_WAIT;
use crate::clock::Instant;

/// Puts this in place of what is in the file, if there is one, with the mode of a new file. What is no
/// file, such as a pipe or /dev/null, is written to, as far as that takes no wait.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let real = match fs::metadata(path) {
        // Through links, of which /dev/fd has some: a link is not replaced by a file.
        Ok(there) if there.is_file() => fs::canonicalize(path)?,
        Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(_) => return open(path)?.write_all(text),
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let fresh = fresh(&real);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&fresh)?;
    let written = file
        .write_all(text)
        .and_then(|()| fs::rename(&fresh, &real));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// The file of the same directory that is written first. Its name does not end as the other's does: whoever
/// reads all of the files that end so does not find it.
fn fresh(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or(OsStr::new("")));
    name.push(format!(
        ".{}-{}",
        std::process::id(),
        Instant::now().since_boot().as_nanos()
    ));
    path.with_file_name(name)
}

/// Opens what is no file for writing, without a wait for its reader.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .custom_flags(WITHOUT_WAIT)
        .open(path)
}
