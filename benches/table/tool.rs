//! The tools that are compared. Each runs a command under a lock.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::floor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// As cargo has built it for this bench.
    Genlock,
    /// Another build of it, at this path.
    Build(&'static str),
    Etcdctl,
    Floor,
    /// The floor as a waiter.
    Waiter,
}

/// Where copies of genlock and of this program are.
static INSTALLED: OnceLock<PathBuf> = OnceLock::new();

/// Copies genlock and this program there, to be run from there, as what is installed is a copy. The file
/// that a linker has written is in small pieces in the kernel's memory (page cache): each run of it takes
/// up to 0.4 ms longer, until the file is read from the disk anew.
pub(crate) fn install(directory: &Path) {
    let this = std::env::current_exe().expect("this program");
    for (program, name) in [
        (Path::new(env!("CARGO_BIN_EXE_genlock")), "genlock"),
        (&this, "floor"),
    ] {
        std::fs::copy(program, directory.join(name)).expect("a copy");
    }
    INSTALLED.set(directory.to_owned()).expect("one stage");
}

fn installed(name: &str) -> PathBuf {
    INSTALLED.get().expect("a stage").join(name)
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Genlock | Self::Build(_) => "genlock",
            Self::Etcdctl => "etcdctl lock",
            Self::Floor => "floor",
            Self::Waiter => "bare waiter",
        }
    }

    /// `command` under the lock of `key` at this endpoint; those beside genlock know etcd at `http://` only.
    pub(crate) fn lock(self, endpoint: &str, key: &str, command: &[&OsStr]) -> Command {
        let mut tool = match self {
            Self::Genlock => genlock(&installed("genlock"), endpoint, key),
            Self::Build(path) => genlock(Path::new(path), endpoint, key),
            Self::Etcdctl => {
                let mut tool = Command::new("etcdctl");
                tool.env("ETCDCTL_API", "3");
                tool.args(["--endpoints", endpoint, "lock", key]);
                tool
            }
            Self::Floor | Self::Waiter => {
                let role = if self == Self::Floor {
                    floor::ROLE
                } else {
                    floor::WAITER
                };
                let mut tool = Command::new(installed("floor"));
                let address = endpoint.trim_start_matches("http://");
                tool.args([role, address, key]);
                tool
            }
        };
        tool.args(command);
        quiet(&mut tool);
        tool
    }
}

fn genlock(path: &Path, endpoint: &str, key: &str) -> Command {
    let mut tool = Command::new(path);
    tool.args(["run", "--endpoints", endpoint, key]);
    tool
}

/// The command, with the files that TLS with a client certificate needs.
pub(crate) fn over_tls(tool: Tool, files: &Path, mut command: Command) -> Command {
    let prefix = match tool {
        Tool::Etcdctl => "ETCDCTL",
        _ => "GENLOCK",
    };
    for (option, file) in [
        ("CACERT", "ca.pem"),
        ("CERT", "client.pem"),
        ("KEY", "client.key"),
    ] {
        command.env(format!("{prefix}_{option}"), files.join(file));
    }
    command
}

/// Removes the tools' variables from the command's environment, and connects it to /dev/null.
pub(crate) fn quiet(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("GENLOCK_") || name.starts_with("ETCDCTL_") && name != "ETCDCTL_API" {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
}
