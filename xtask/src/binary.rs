//! The tool as it is published: the same bytes from the same source, in whichever folder it is built.
//!
//! What differs from folder to folder are paths: those of panics, in the crates and in code that their
//! build scripts write. A profile cannot map them with a stable compiler (`trim-paths`), flags can. aws-lc
//! maps those of its C by itself; all else is the compilers' and the C library's, which have to be the same.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::{Outcome, Step, below_root};

/// Builds the tool for this target, or for the machine it is built on, and gives its path.
pub(crate) fn build(target: Option<&str>) -> Outcome<PathBuf> {
    let target = match target {
        Some(target) => target.to_owned(),
        None => host()?,
    };
    // Only what is there can be mapped: sources are unpacked first.
    Step::cargo(&["fetch", "--locked", "--target", &target]).run()?;
    let flags = mapped(&registry())?.join("\u{1f}");
    let build = ["build", "--locked", "--release", "--package", "genlock"];
    // With a target, flags are not those of build scripts, and what is built is in a folder of its own.
    let of = ["--bin", "genlock", "--target", &target];
    let step = Step::cargo(&build).and(&of);
    step.with("CARGO_ENCODED_RUSTFLAGS", &flags).run()?;
    let path = format!("target/{target}/release/genlock");
    Ok(below_root(&path))
}

/// The target of the machine that we are on.
pub(crate) fn host() -> Outcome<String> {
    let version = Step::program("rustc").and(&["-vV"]).output()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// The time of all that is made of a source, in seconds since 1970: `SOURCE_DATE_EPOCH`, else that of the last commit.
pub(crate) fn time() -> Outcome<String> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(time);
    }
    let time = Step::program("git")
        .and(&["log", "-1", "--format=%ct"])
        .output()?;
    Ok(time.trim().to_owned())
}

/// Where cargo unpacks the sources of registries, each in a folder with a name of its own.
pub(crate) fn registry() -> PathBuf {
    let of_user = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    let home = std::env::var_os("CARGO_HOME").map_or_else(of_user, PathBuf::from);
    home.join("registry/src")
}

/// The flags by which paths are the same everywhere. A registry's mirror has another folder, and is mapped to
/// the same.
fn mapped(registry: &Path) -> Outcome<Vec<String>> {
    let found = fs::read_dir(registry).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| format!("{}: {error}", registry.display()))?;
    let mut folders: Vec<_> = found.into_iter().map(|entry| entry.path()).collect();
    folders.sort();
    let mut flags = vec![map(&below_root(""), "/genlock")];
    flags.extend(folders.iter().map(|folder| map(folder, "/registry")));
    Ok(flags)
}

fn map(from: &Path, to: &str) -> String {
    let from = from.to_string_lossy();
    format!("--remap-path-prefix={}={to}", from.trim_end_matches('/'))
}
