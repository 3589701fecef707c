//! `cargo xtask dist [TARGET]`: what genlock is installed from, in target/dist: a package for dpkg, one for rpm, an
//! archive, what is in it, and the sums of all. The same source gives the same bytes.

mod archive;
mod stage;
mod third_party;

use std::fs;
use std::path::{Path, PathBuf};

use crate::binary;
use crate::release;
use crate::sbom;
use crate::step::{Outcome, Step, below_root};

/// What packages and the archive are made for and of.
struct Dist {
    /// As rustc calls it.
    target: String,
    version: String,
    /// The time of everything, in seconds since 1970: `SOURCE_DATE_EPOCH`, or that of the last commit.
    time: String,
    /// The built tool.
    binary: PathBuf,
    /// What is made on the way.
    stage: PathBuf,
    /// What is made.
    dist: PathBuf,
}

/// Builds the tool, and packages it.
pub(crate) fn run(target: Option<&str>) -> Outcome {
    for tool in ["deb", "generate-rpm", "cyclonedx"] {
        let has = Step::cargo(&[tool, "--version"]).output();
        has.map_err(|why| format!("{why}; it comes with: cargo install --locked cargo-{tool}"))?;
    }
    let target = match target {
        Some(target) => target.to_owned(),
        None => binary::host()?,
    };
    let dist = Dist {
        binary: binary::build(Some(&target))?,
        target,
        version: release::current(&below_root(""))?.to_string(),
        time: binary::time()?,
        stage: emptied("target/stage")?,
        dist: emptied("target/dist")?,
    };
    stage::fill(&dist)?;
    dist.deb()?;
    dist.rpm()?;
    archive::make(&dist)?;
    let bill = format!("genlock-{}.cdx.json", dist.version);
    sbom::make(
        &dist.binary,
        &dist.target,
        &dist.time,
        &dist.dist.join(bill),
    )?;
    sums(&dist.dist)
}

impl Dist {
    fn deb(&self) -> Outcome {
        let made = ["deb", "--locked", "--no-build", "--no-strip"];
        let step = Step::cargo(&made).and(&["--target", &self.target]);
        let step = step.and(&["--maintainer", &maintainer(), "--output"]);
        let step = step.and(&[&self.dist]);
        step.with("SOURCE_DATE_EPOCH", &self.time).run()
    }

    fn rpm(&self) -> Outcome {
        let step = Step::cargo(&["generate-rpm", "--target", &self.target, "--output"]);
        let step = step.and(&[&self.dist]);
        step.with("SOURCE_DATE_EPOCH", &self.time).run()
    }
}

/// Who publishes the packages, as Debian's tools are told; without a word, nobody in particular.
fn maintainer() -> String {
    let told = |name: &str, other: &str| match std::env::var(name) {
        Ok(told) if !told.is_empty() => told,
        _ => other.to_owned(),
    };
    let name = told("DEBFULLNAME", "genlock developers");
    let address = told("DEBEMAIL", "developers@genlock.invalid");
    format!("{name} <{address}>")
}

/// `SHA256SUMS` of all that is in the folder.
fn sums(dist: &Path) -> Outcome {
    let mut names = Vec::new();
    for entry in fs::read_dir(dist).map_err(|error| format!("{}: {error}", dist.display()))? {
        let entry = entry.map_err(|error| format!("{}: {error}", dist.display()))?;
        names.push(entry.file_name());
    }
    names.sort();
    let step = Step::program("sha256sum").within(dist);
    let sums = step.and(&["--"]).and(&names).output()?;
    write(&dist.join("SHA256SUMS"), &sums)?;
    println!("\n{}\n{sums}", dist.display());
    Ok(())
}

/// A folder below the root with nothing in it.
fn emptied(path: &str) -> Outcome<PathBuf> {
    let path = below_root(path);
    let failed = |error| format!("{}: {error}", path.display());
    if path.exists() {
        fs::remove_dir_all(&path).map_err(failed)?;
    }
    fs::create_dir_all(&path).map_err(failed)?;
    Ok(path)
}

/// Writes a file, in a folder that is made.
fn write(path: &Path, text: &str) -> Outcome {
    let failed = |error| format!("{}: {error}", path.display());
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

/// Copies a file, to a folder that is made.
fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |error| format!("{}: {error}", from.display());
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(failed)?;
    fs::copy(from, to).map(drop).map_err(failed)
}

/// The files in a folder of the repository, and in those below it: paths from the root.
fn files(path: &str) -> Outcome<Vec<String>> {
    let found = Step::program("git")
        .and(&["ls-files", "--", path])
        .output()?;
    match found.lines().map(str::to_owned).collect::<Vec<_>>() {
        files if files.is_empty() => Err(format!("{path}: no such file in the repository")),
        files => Ok(files),
    }
}
