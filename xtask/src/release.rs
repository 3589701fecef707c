//! `cargo xtask release VERSION [--dry-run]`: sets the version, cuts the changelog, has all tests run, commits
//! and tags. Nothing leaves the machine: to push, to publish and to sign is for whoever releases
//! (docs/releasing.md).

mod changelog;
mod version;

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::{Outcome, Step, read};
use changelog::Cut;
use version::Version;

const CHANGELOG: &str = "CHANGELOG.md";
const MANIFEST: &str = "Cargo.toml";

/// Releases what is in the repository that we are in, or shows what would be done.
pub(crate) fn run(words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (version, dry_run) = match words[..] {
        [version] => (version, false),
        ["--dry-run", version] | [version, "--dry-run"] => (version, true),
        _ => return Err("usage: cargo xtask release VERSION [--dry-run]".to_owned()),
    };
    let version = Version::parse(version)?;
    let root = Step::program("git").within(Path::new("."));
    let root = root.and(&["rev-parse", "--show-toplevel"]).output()?;
    let root = Path::new(root.trim_end());
    let cut = refuse(root, version)?;
    if dry_run {
        return show(root, version, &cut);
    }
    edit(root, version, &cut)?;
    let tests = Step::program(root.join("tests/run")).within(root);
    tests.run().map_err(|error| {
        // The tree was clean: what is changed is ours.
        let taken_back = git(root, &["restore", "."]).run();
        let and = taken_back.map_or_else(|error| error, |()| "nothing was released".to_owned());
        format!("tests/{error}; {and}")
    })?;
    git(root, &["commit", "--quiet", "--all", "--message"])
        .and(&[format!("Release {version}")])
        .run()?;
    // Git signs it if tag.gpgSign says so. Headings of the changelog are no comments.
    let annotated = ["tag", "--annotate", "--cleanup=whitespace", "--message"];
    git(root, &annotated)
        .and(&[message(version, &cut), tag(version)])
        .quietly()?;
    println!(
        "\n{} is tagged; nothing was pushed or published: docs/releasing.md tells what is next",
        tag(version)
    );
    Ok(())
}

/// Refuses what must not be released; else gives the changelog with this version in it.
fn refuse(root: &Path, version: Version) -> Outcome<Cut> {
    let dirty = git(root, &["status", "--porcelain"]).output()?;
    if let Some(first) = dirty.lines().next() {
        return Err(format!(
            "the tree has changes that are not committed: {first}"
        ));
    }
    let tag = tag(version);
    if !git(root, &["tag", "--list", &tag]).output()?.is_empty() {
        return Err(format!("there is a tag {tag}"));
    }
    let text = read(&root.join(CHANGELOG))?;
    let now = current(root)?;
    // What is in the manifest but not yet in the changelog is not yet released.
    let newest = changelog::released(&text).max();
    if version < now || newest.is_some_and(|newest| version <= newest) {
        let than = newest.map_or(now, |newest| newest.max(now));
        return Err(format!("{version} is not newer than {than}"));
    }
    let date = Step::program("date").and(&["-u", "+%F"]).output()?;
    changelog::cut(&text, version, date.trim())
}

/// The same in a clone that is thrown away, without the tests: what would be changed.
fn show(root: &Path, version: Version, cut: &Cut) -> Outcome {
    let scratch = Scratch::new()?;
    let place = scratch.0.as_path();
    let clone = ["clone", "--quiet", "--shared", "--no-tags", "."];
    git(root, &clone).and(&[place]).quietly()?;
    let old = current(place)?;
    edit(place, version, cut)?;
    print!("{}", git(place, &["--no-pager", "diff"]).output()?);
    if old != version {
        // Docs may say since when something is there; all else is to be looked at.
        let named = ["grep", "--line-number", "--fixed-strings", "--word-regexp"];
        let elsewhere = ["--", ".", ":!CHANGELOG.md", ":!*Cargo.lock"];
        let old = old.to_string();
        // It fails where there are none.
        let named = git(place, &named).and(&[&old]).and(&elsewhere).output();
        println!("\n{old} stays in:\n{}", named.unwrap_or_default());
    }
    println!(
        "\nwould run tests/run, commit this as \"Release {version}\", and tag it {}:\n",
        tag(version)
    );
    println!("{}", message(version, cut));
    Ok(())
}

/// Sets the version everywhere, and cuts the changelog.
fn edit(root: &Path, version: Version, cut: &Cut) -> Outcome {
    let old = current(root)?;
    let package = |version| format!("name = \"genlock\"\nversion = \"{version}\"");
    replace(&root.join(MANIFEST), &package(old), &package(version))?;
    for lock in tracked(root, "*Cargo.lock")? {
        replace(&lock, &package(old), &package(version))?;
    }
    // As `cargo xtask generate` would make them, which a test of tests/run holds.
    let header = |version| format!("\"genlock {version}\"");
    for page in tracked(root, "man/*")? {
        replace(&page, &header(old), &header(version))?;
    }
    write(&root.join(CHANGELOG), &cut.text)
}

fn replace(path: &Path, from: &str, to: &str) -> Outcome {
    let text = read(path)?;
    if !text.contains(from) {
        return Err(format!("{}: there is no {from}", path.display()));
    }
    write(path, &text.replacen(from, to, 1))
}

/// The version in the manifest.
pub(crate) fn current(root: &Path) -> Outcome<Version> {
    let manifest = read(&root.join(MANIFEST))?;
    let package = manifest.lines().skip_while(|line| *line != "[package]");
    let version = package
        .into_iter()
        .find_map(|line| line.strip_prefix("version = "));
    Version::parse(version.unwrap_or_default().trim_matches('"'))
}

fn tag(version: Version) -> String {
    format!("v{version}")
}

fn message(version: Version, cut: &Cut) -> String {
    format!("genlock {version}\n\n{}", cut.section)
}

/// The files of the repository that match.
fn tracked(root: &Path, pattern: &str) -> Outcome<Vec<PathBuf>> {
    let files = git(root, &["ls-files", "--", pattern]).output()?;
    Ok(files.lines().map(|file| root.join(file)).collect())
}

fn git(root: &Path, args: &[&str]) -> Step {
    Step::program("git").within(root).and(args)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A folder that vanishes in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        let path = Step::program("mktemp").and(&["--directory"]).output()?;
        Ok(Self(path.trim().into()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
