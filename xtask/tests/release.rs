//! `cargo xtask release`, in a repository of the files that know the version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Newer than any.
const NEXT: &str = "999.0.0";
const NEWS: &str = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n";

struct Repository(TempDir);

impl Repository {
    /// With this changelog, and tests that end so.
    fn new(changelog: &str, tests: &str) -> Self {
        let repository = Self(TempDir::new().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for file in ["Cargo.toml", "Cargo.lock"] {
            fs::copy(root.join(file), repository.path(file)).unwrap();
        }
        for folder in ["man", "tests"] {
            fs::create_dir(repository.path(folder)).unwrap();
        }
        for page in fs::read_dir(root.join("man")).unwrap() {
            let page = page.unwrap();
            let name = page.file_name().into_string().unwrap();
            fs::copy(page.path(), repository.path("man").join(name)).unwrap();
        }
        fs::write(repository.path("CHANGELOG.md"), changelog).unwrap();
        let script = repository.path("tests/run");
        fs::write(&script, format!("#!/bin/sh\n{tests}\n")).unwrap();
        repository.run("chmod", &["+x", "tests/run"]);
        repository.git(&["init", "--quiet"]);
        for (name, value) in [
            ("user.name", "Somebody"),
            ("user.email", "somebody@example.org"),
            ("commit.gpgSign", "false"),
            ("tag.gpgSign", "false"),
        ] {
            repository.git(&["config", name, value]);
        }
        repository.git(&["add", "."]);
        repository.git(&["commit", "--quiet", "--message", "All of it"]);
        repository
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program)
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        self.run("git", args)
    }

    fn release(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("release")
            .args(words)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// The commit, the tags, and what is not committed.
    fn state(&self) -> [String; 3] {
        [
            self.git(&["rev-parse", "HEAD"]),
            self.git(&["tag"]),
            self.git(&["status", "--porcelain"]),
        ]
    }

    /// The release is refused with this reason, and nothing is changed by it.
    fn refuses(&self, words: &[&str], reason: &str) {
        let before = self.state();
        let output = self.release(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(reason), "{said}");
        assert_eq!(self.state(), before);
    }
}

fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The version that is in the manifest.
fn current(repository: &Repository) -> String {
    let manifest = repository.read("Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("version ="));
    line.unwrap().split('"').nth(1).unwrap().to_owned()
}

#[test]
fn a_dry_run_shows_what_would_change_and_changes_nothing() {
    let repository = Repository::new(NEWS, "touch .git/run");
    let before = repository.state();
    let shown = stdout(repository.release(&[NEXT, "--dry-run"]));
    for line in [
        "+version = \"999.0.0\"",
        "+## 999.0.0 - 20",
        "would run tests/run, commit this as \"Release 999.0.0\", and tag it v999.0.0:",
    ] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    let pages = fs::read_dir(repository.path("man")).unwrap().count();
    let shown = shown.lines().filter(|line| line.starts_with("+.TH "));
    assert_eq!(shown.count(), pages);
    assert_eq!(repository.state(), before);
    assert!(!repository.path(".git/run").exists());
}

#[test]
fn a_release_is_a_commit_that_passes_the_tests_and_an_annotated_tag() {
    let with_version = "grep -q 'genlock 999.0.0' man/genlock.1 && touch .git/run";
    let repository = Repository::new(NEWS, with_version);
    stdout(repository.release(&[NEXT]));
    assert!(repository.path(".git/run").exists());
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(
        repository.git(&["log", "-1", "--format=%s"]),
        "Release 999.0.0\n"
    );
    assert_eq!(current(&repository), NEXT);
    // Of the lock, the line of the package alone.
    let lock = repository.git(&["show", "--numstat", "--format=", "--", "Cargo.lock"]);
    assert_eq!(lock, "1\t1\tCargo.lock\n");
    let changelog = repository.read("CHANGELOG.md");
    let cut = "## Unreleased\n\n## 999.0.0 - ";
    assert!(changelog.contains(cut), "{changelog}");
    assert_eq!(repository.git(&["cat-file", "-t", "v999.0.0"]), "tag\n");
    let tag = repository.git(&["tag", "--list", "--format=%(contents)"]);
    assert!(
        tag.starts_with("genlock 999.0.0\n\n### Added\n\n- A thing."),
        "{tag}"
    );
    repository.refuses(&[NEXT], "there is a tag v999.0.0");
    repository.refuses(&["999.0.1"], "the section Unreleased is empty");
}

#[test]
fn what_cannot_be_released_is_refused() {
    let repository = Repository::new(NEWS, "exit 1");
    repository.refuses(&["0.0.0"], "0.0.0 is not newer than");
    for word in ["1.2", "v1.2.3", "1.02.3", "1.2.3-rc.1", "--dry-run"] {
        repository.refuses(&[word], &format!("{word}: not a version"));
    }
    for words in [[NEXT, "1000.0.0"], [NEXT, "--force"]] {
        repository.refuses(&words, "usage: cargo xtask release VERSION [--dry-run]");
    }
    // Its tests do not pass.
    repository.refuses(&[NEXT], "tests/run: exit status: 1; nothing was released");
    fs::write(repository.path("new"), "").unwrap();
    repository.refuses(&[NEXT, "--dry-run"], "not committed: ?? new");
}

#[test]
fn a_version_that_nobody_has_seen_is_released_as_it_is() {
    let repository = Repository::new(NEWS, "exit 0");
    let first = current(&repository);
    stdout(repository.release(&[&first]));
    assert_eq!(current(&repository), first);

    let released = format!("{NEWS}\n## {first} - 2026-01-02\n\n- The first.\n");
    let repository = Repository::new(&released, "exit 0");
    let not_newer = format!("{first} is not newer than {first}");
    repository.refuses(&[&first], &not_newer);
}
