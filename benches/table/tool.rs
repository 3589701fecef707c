//! The tools that are compared. Each runs a command under a lock.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

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
            Self::Genlock => genlock(env!("CARGO_BIN_EXE_genlock"), endpoint, key),
            Self::Build(path) => genlock(path, endpoint, key),
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
                let mut tool = Command::new(std::env::current_exe().expect("this program"));
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

fn genlock(path: &str, endpoint: &str, key: &str) -> Command {
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
