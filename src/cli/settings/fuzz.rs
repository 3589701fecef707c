//! A configuration file with anything in it.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, Mode};

use super::file;
use super::keys::KEYS;

/// Reads it as a file that was named: what it sets, or why not.
pub(in crate::cli) fn read(data: &[u8]) -> Result<usize, String> {
    let made = rustix::fs::memfd_create("configuration", MemfdFlags::CLOEXEC);
    let mut memory = File::from(made.expect("memory"));
    // As it is made everybody may write to it, for which it would be refused.
    rustix::fs::fchmod(&memory, Mode::RUSR | Mode::WUSR).expect("its owner's");
    memory.write_all(data).expect("room");
    let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
    static COMMAND: OnceLock<clap::Command> = OnceLock::new();
    let command = COMMAND.get_or_init(crate::cli::command);
    let run = command.find_subcommand("run").expect("the verb");
    let all = file::all(Some(&path), run).map_err(|error| error.to_string())?;
    let values = all.into_iter().flat_map(|one| one.values);
    let mut count = 0;
    for (name, value, line) in values {
        let key = KEYS.iter().find(|key| key.name == name).expect("a key");
        assert!(key.check(&value).is_ok() && line > 0, "{name}");
        count += 1;
    }
    Ok(count)
}
