//! What packages have that is not in the repository as it is.

use super::{Dist, copy, files, maintainer, third_party, write};
use crate::step::{Outcome, Step, below_root, read};

/// What is read: the first page, what it leads to, and what that shows.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "SECURITY.md",
    "benches/table.svg",
    "docs",
    "examples/genlock-backup.service",
    "examples/genlock-backup.timer",
];

/// Where the documents say that the tool is, and where packages have it.
const LOCAL: &str = "/usr/local/bin/genlock";
const PACKAGED: &str = "/usr/bin/genlock";

/// Fills target/stage.
pub(super) fn fill(dist: &Dist) -> Outcome {
    manual(dist)?;
    for document in documents()? {
        let text = read(&below_root(&document))?.replace(LOCAL, PACKAGED);
        write(&dist.stage.join("doc").join(document), &text)?;
    }
    let example = "doc/examples/config.toml";
    copy(
        &below_root("examples/config.toml"),
        &dist.stage.join(example),
    )?;
    write(
        &dist.stage.join("doc/third-party.txt"),
        &third_party::text(dist)?,
    )?;
    changelog(dist)
}

/// All files that are documents: paths from the root.
pub(super) fn documents() -> Outcome<Vec<String>> {
    let found = DOCUMENTS.into_iter().map(files);
    Ok(found.collect::<Outcome<Vec<_>>>()?.concat())
}

/// The manual's pages, compressed.
fn manual(dist: &Dist) -> Outcome {
    let mut pages = Vec::new();
    for page in files("man")? {
        let to = dist.stage.join(&page);
        copy(&below_root(&page), &to)?;
        pages.push(to);
    }
    let step = Step::program("gzip").and(&["--best", "--no-name", "--"]);
    step.and(&pages).quietly()
}

/// What Debian wants to know of the package; what is new in genlock is in CHANGELOG.md.
fn changelog(dist: &Dist) -> Outcome {
    let at = format!("--date=@{}", dist.time);
    let date = Step::program("date").and(&["-u", "-R", &at]).output()?;
    let text = format!(
        "genlock ({}-1) unstable; urgency=medium\n\n  * What is new is in changelog.gz, beside this file.\n\n -- {}  {}",
        dist.version,
        maintainer(),
        date
    );
    write(&dist.stage.join("changelog.Debian"), &text)
}
