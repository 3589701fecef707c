//! What README shows to be typed, typed: in a fresh directory, with an environment to speak of
//! nothing, as the user that it is for.

mod examples;
mod installed;
mod recipes;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::genlock::{Finished, output};

const README: &str = include_str!("../../README.md");

/// The first line of every block of code, in README's order, and where it is run.
const BLOCKS: [(&str, &str); 18] = [
    ("genlock run /locks/backup -- ./backup.sh", "recipes"),
    ("tests/install build && cargo run --release", "recipes"),
    ("cargo build --locked --release", "installed"),
    ("cargo install --locked --path .", "installed"),
    ("sudo apt-get install etcd-server", "recipes"),
    ("tests/run", "itself"),
    ("endpoints = [", "recipes"),
    ("GENLOCK_ENDPOINTS=etcd1:2379", "installed"),
    ("genlock run --try /locks/reindex", "recipes"),
    ("genlock run --wait 10m", "recipes"),
    ("[Service]", "recipes"),
    ("genlock run --endpoints https://etcd1:2379", "recipes"),
    ("genlock doctor /locks/backup", "recipes"),
    ("use genlock::", "its documentation test"),
    ("genlock status /locks/backup", "recipes"),
    ("genlock run --ttl 60s", "recipes"),
    (
        "printf '%s\\n' \"create(",
        "recipes, and tests/faults/token.rs",
    ),
    ("UPDATE fence SET token", "tests/faults/token.rs"),
];

/// The blocks of code of a text.
fn blocks() -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in README.lines() {
        match (&mut block, line.starts_with("```")) {
            (None, true) => block = Some(String::new()),
            (Some(_), true) => blocks.extend(block.take()),
            (Some(block), false) => *block += &format!("{line}\n"),
            (None, false) => {}
        }
    }
    blocks
}

/// The block that begins so.
#[track_caller]
fn block(first: &str) -> String {
    assert!(BLOCKS.iter().any(|(known, _)| *known == first), "{first}");
    let found = blocks().into_iter().find(|block| block.starts_with(first));
    found.expect("the block")
}

#[test]
fn every_block_is_run_by_a_test() {
    let blocks = blocks();
    for block in &blocks {
        let line = block.lines().next().unwrap_or_default();
        let known = BLOCKS.iter().filter(|(first, _)| line.starts_with(first));
        assert_eq!(known.count(), 1, "no test runs what begins with {line}");
    }
    assert_eq!(blocks.len(), BLOCKS.len());
}

/// A user who has just installed genlock: nobody, if we are root, with an empty home.
struct Newcomer {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Newcomer {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let newcomer = Self {
            home,
            variables: Vec::new(),
        };
        fs::set_permissions(newcomer.home(), Permissions::from_mode(0o777)).expect("a mode");
        fs::create_dir(newcomer.path("bin")).expect("a directory");
        let mut install = Command::new("install");
        install.args(["-m755", env!("CARGO_BIN_EXE_genlock")]);
        // Not copied by us: see trust.rs.
        output_of(install.arg(newcomer.path("bin")));
        newcomer
    }

    /// One to whom genlock finds its etcd here.
    fn with_etcd(endpoints: &str) -> Self {
        let mut newcomer = Self::new();
        newcomer.set("GENLOCK_ENDPOINTS", endpoints);
        newcomer
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Puts a program there that says its name.
    fn program(&self, name: &str) {
        self.file(name, &format!("#!/bin/sh\necho {name} {}\n", "\"$@\""));
        fs::set_permissions(self.path(name), Permissions::from_mode(0o755)).expect("a mode");
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o644)).expect("a mode");
    }

    /// Files of the checkout, under their own names.
    fn checkout(&self, names: &[&str]) {
        for name in names {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            symlink(file, self.path(name)).expect("a link");
        }
    }

    /// These lines, typed.
    fn types(&self, script: &str) -> Command {
        self.of_shell(&["/bin/sh", "-c", script])
    }

    fn of_shell(&self, shell: &[&str]) -> Command {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            command.args(shell);
            command
        } else {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]);
            command
        };
        command.env_clear().current_dir(self.home());
        command.env("PATH", path).env("HOME", self.home());
        command.envs(self.variables.iter().cloned());
        command
    }

    /// What comes of them.
    fn typed(&self, script: &str) -> Finished {
        output(self.types(script))
    }
}

fn output_of(command: &mut Command) {
    let output = command.output().expect("a program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}
