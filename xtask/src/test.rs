//! Runs one test, or a few, by name. Only the test programs that may have them are built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::step::{Outcome, Step, below_root};

/// A test program.
struct Program {
    /// The options with which cargo builds it.
    flags: Vec<String>,
    /// Where its source is.
    folders: Vec<PathBuf>,
}

impl Program {
    fn cargo(&self) -> Step {
        Step::cargo(&["test", "--locked"]).and(&self.flags)
    }

    /// Whether it may have a test of this name: each part of the name is in the source, or in the name of
    /// one of its files.
    fn may_have(&self, name: &str) -> io::Result<bool> {
        let mut text = String::new();
        for folder in &self.folders {
            read(folder, &mut text)?;
        }
        Ok(name.split("::").all(|word| text.contains(word)))
    }

    /// Whether it has a test whose name contains this one.
    fn has(&self, name: &str) -> Outcome<bool> {
        let list = self.cargo().and(&["--", "--list", name]).output()?;
        Ok(list.lines().any(|line| line.ends_with(": test")))
    }
}

/// The library's own tests, and each folder of tests/ that is a program.
fn programs() -> io::Result<Vec<Program>> {
    let mut programs = vec![Program {
        flags: vec!["--lib".into()],
        folders: vec![below_root("src")],
    }];
    for entry in fs::read_dir(below_root("tests"))? {
        let entry = entry?;
        if entry.path().join("main.rs").exists() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mut flags = vec!["--test".into(), name.clone()];
            let mut folders = vec![entry.path()];
            // The tests of stores are also in the library, for which this feature is needed.
            if name == "locker" {
                flags.extend(["--features".into(), "testing".into()]);
                folders.push(below_root("src/testing"));
            }
            programs.push(Program { flags, folders });
        }
    }
    programs.sort_by(|one, other| one.flags.cmp(&other.flags));
    Ok(programs)
}

/// Adds the text of all files below a folder, and their names.
fn read(folder: &Path, text: &mut String) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        *text += &path.file_stem().unwrap_or_default().to_string_lossy();
        *text += "\n";
        if path.is_dir() {
            read(&path, text)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &fs::read_to_string(&path)?;
        }
    }
    Ok(())
}

/// `NAME... [-- ARG...]`, as libtest takes them.
pub(crate) fn run(words: &[String]) -> Outcome {
    let split = words.iter().position(|word| word == "--");
    let (names, args) = words.split_at(split.unwrap_or(words.len()));
    let args = args.get(1..).unwrap_or_default();
    let programs = programs().map_err(|error| format!("the tests: {error}"))?;
    let mut found = vec![false; names.len()];
    for program in programs {
        let mut here = Vec::new();
        for (name, found) in names.iter().zip(&mut found) {
            let may_have = program.may_have(name);
            if may_have.map_err(|error| error.to_string())? && program.has(name)? {
                *found = true;
                here.push(name.clone());
            }
        }
        if !here.is_empty() {
            program.cargo().and(&["--"]).and(&here).and(args).run()?;
        }
    }
    match names.iter().zip(&found).find(|(_, found)| !**found) {
        Some((name, _)) => Err(format!("no test has {name} in its name")),
        None => Ok(()),
    }
}
