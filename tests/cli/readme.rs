//! What README and `docs/` show to be typed, typed: in a fresh directory, with an environment to speak
//! of nothing, as the user that it is for.

mod ci;
mod cron;
mod examples;
mod failover;
mod history;
mod installed;
mod leader;
mod moving;
mod once;
mod operating;
mod recipes;
mod redis;
mod several;
mod units;
mod wanted;
mod zookeeper;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docs::{Block, Page, pages, read};
use crate::genlock::{Finished, output};

/// The first line of every block of code that is neither marked nor of a language that has a test for
/// all of it, and where it is run.
const BLOCKS: &[(&str, &str)] = &[
    ("genlock run /locks/backup -- ./backup.sh", "recipes"),
    ("tests/install build && cargo run --release", "recipes"),
    ("cargo build --locked --release", "installed"),
    ("cargo install --locked --path .", "installed"),
    ("sudo apt-get install etcd-server", "recipes"),
    ("endpoints = [\"https://", "recipes"),
    ("etcdctl role add backup", "recipes"),
    ("genlock run --try /locks/reindex", "recipes"),
    (
        "genlock run --wait 10m --max-runtime 1h /locks/deploy",
        "recipes",
    ),
    (
        "genlock run --wait 10m --max-runtime 2h /locks/migrate",
        "recipes",
    ),
    ("genlock run --wait 10m /locks/migrate", "recipes"),
    (
        "genlock run --wait 30m --max-runtime 1h /locks/integration",
        "recipes",
    ),
    ("genlock wait -w 10m /locks/migrate", "recipes"),
    (
        "genlock run --endpoints file: --try /locks/backup",
        "recipes",
    ),
    ("genlock run --endpoints https://etcd1:2379", "recipes"),
    ("genlock run --reason 'audit until noon", "operating"),
    ("genlock run --once \"$VERSION\"", "failover"),
    ("genlock run --once OPS-17", "failover"),
    ("# by hand", "failover"),
    ("genlock run -q --once-per day", "failover"),
    ("genlock run -q --ttl 10s /locks/scheduler", "leader"),
    ("genlock status --json /locks/scheduler", "leader"),
    ("genlock break /locks/scheduler", "leader"),
    ("genlock run -q /locks/scheduler", "leader"),
    ("genlock doctor /locks/backup", "operating"),
    ("genlock status /locks/backup", "operating"),
    ("genlock run --once-per day /locks/backup --", "once"),
    ("genlock run --ttl 60s", "recipes"),
    ("genlock acquire --pid none --for 2h", "operating"),
    ("genlock acquire --wait 30m --pid none", "wanted"),
    ("genlock run --max-holders 4", "several"),
    ("genlock run --max-holders 2", "several"),
    ("genlock run --shared /locks/db", "several"),
    ("genlock run --also /locks/db2", "several"),
    ("exec 9>/run/lock/collect", "moving"),
    ("# with genlock", "moving"),
    ("(  # with flock", "moving"),
    ("genlock run -w 60 /locks/collect", "moving"),
    ("genlock run --reason 'moving the disks'", "moving"),
    ("while :; do etcdctl lock /locks/daemon", "moving"),
    ("while :; do genlock run -q /locks/daemon", "moving"),
    ("while :; do genlock run -q /locks/leader", "moving"),
    ("genlock ls --json", "operating"),
    ("genlock run --history 20", "history"),
    ("genlock history --svg", "history"),
    ("genlock history --json", "history"),
    ("genlock watch --json /locks/", "operating"),
    (
        "printf '%s\\n' \"create(",
        "recipes, and tests/faults/token.rs",
    ),
    ("UPDATE fence SET token", "tests/faults/token.rs"),
    ("appendonly yes", "redis"),
    ("redis-cli -h redis1 ACL SETUSER backup", "redis"),
    ("endpoints = [\"redis://", "redis"),
    ("genlock doctor /locks/report && genlock run", "redis"),
    ("genlock run --endpoints redis+sentinel://", "redis"),
    ("min-replicas-to-write 1", "redis"),
    ("sentinel down-after-milliseconds main", "redis"),
    ("genlock run --try --endpoints redis://redis1", "redis"),
    ("#!/bin/sh", "tests/faults/redis/by_hand.rs"),
    ("genlock run --endpoints zk://", "zookeeper"),
    ("genlock run --endpoints 'zk://", "zookeeper"),
    ("try (CuratorFramework client", "zookeeper"),
    ("client = KazooClient(", "zookeeper"),
    ("genlock doctor --endpoints zk://", "zookeeper"),
    ("maxSessionTimeout=120000", "zookeeper"),
];

/// Languages of which a test types every block.
fn has_a_test(page: &Page, block: &Block) -> bool {
    let is_included = || {
        let line = format!("include_str!(\"../{}\")", page.path.display());
        read(Path::new("src/lib.rs")).contains(&line)
    };
    match block.language.as_str() {
        // YAML in readme::ci.
        "crontab" | "ini" | "yaml" => true,
        // A picture.
        "text" => true,
        // As parts of the example: see docs::stores.
        "rust" if page.path == Path::new("docs/writing-a-store.md") => true,
        // As a documentation test.
        language if language.starts_with("rust") => is_included(),
        _ => false,
    }
}

/// Every block of code.
fn blocks() -> Vec<Block> {
    pages().iter().flat_map(Page::blocks).collect()
}

/// The block that begins so; the first, where more do.
#[track_caller]
fn block(first: &str) -> String {
    assert!(BLOCKS.iter().any(|(known, _)| *known == first), "{first}");
    let found = blocks()
        .into_iter()
        .find(|block| block.text.starts_with(first));
    found.expect("the block").text
}

#[test]
fn every_block_is_run_by_a_test_or_says_why_not() {
    let mut used = vec![false; BLOCKS.len()];
    for page in pages() {
        for block in page.blocks() {
            let line = block.text.lines().next().unwrap_or_default();
            let known = BLOCKS.iter().position(|(first, _)| line.starts_with(first));
            if let Some(at) = known {
                used[at] = true;
            }
            let ways = [known.is_some(), block.is_marked, has_a_test(&page, &block)];
            let ways = ways.iter().filter(|way| **way).count();
            assert_eq!(ways, 1, "{:?}: what begins with {line}", page.path);
        }
    }
    assert!(used.iter().all(|used| *used), "{used:?}");
}

/// What cannot be run here is at least a script.
#[test]
fn every_script_that_is_marked_is_one() {
    for block in blocks() {
        if block.is_marked && block.language == "sh" {
            let mut shell = Command::new("sh");
            output_of(shell.args(["-n", "-c", &block.text]));
        }
    }
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
