//! The archive: what goes below /usr/local, or wherever one likes.

use std::path::Path;

use super::{Dist, copy, files, stage, third_party, write};
use crate::step::{Outcome, Step, below_root};

/// Files, and folders of them, of the repository, and where they are in the archive. A folder's name at the
/// end of the second is made by the first's.
const CONTENT: [(&str, &str); 11] = [
    (
        "completions/genlock.bash",
        "share/bash-completion/completions/genlock",
    ),
    (
        "completions/genlock.fish",
        "share/fish/vendor_completions.d/genlock.fish",
    ),
    ("completions/_genlock", "share/zsh/site-functions/_genlock"),
    (
        "completions/_genlock.ps1",
        "share/doc/genlock/completions/_genlock.ps1",
    ),
    (
        "completions/genlock.elv",
        "share/doc/genlock/completions/genlock.elv",
    ),
    (
        "completions/genlock.nu",
        "share/doc/genlock/completions/genlock.nu",
    ),
    (
        "packaging/Containerfile",
        "share/doc/genlock/examples/Containerfile",
    ),
    (
        "packaging/tmpfiles.conf",
        "share/doc/genlock/examples/tmpfiles.conf",
    ),
    (
        "examples/config.toml",
        "share/doc/genlock/examples/config.toml",
    ),
    ("LICENSE-APACHE", "share/doc/genlock/LICENSE-APACHE"),
    ("LICENSE-MIT", "share/doc/genlock/LICENSE-MIT"),
];

/// Makes `genlock-VERSION-ARCHITECTURE-linux.tar.gz`.
pub(super) fn make(dist: &Dist) -> Outcome {
    let architecture = dist.target.split('-').next().unwrap_or_default();
    let name = format!("genlock-{}-{architecture}-linux", dist.version);
    fill(dist, &dist.stage.join(&name))?;
    // Names in their order, nobody's, of one time: the same bytes whoever makes it.
    let archive = dist.dist.join(format!("{name}.tar.gz"));
    let time = format!("--mtime=@{}", dist.time);
    let same = [
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--format=gnu",
    ];
    let step = Step::program("tar")
        .and(&same)
        .and(&[&time, "--mode=u=rwX,go=rX"]);
    let step = step.and(&["--use-compress-program=gzip --best --no-name"]);
    let step = step.and(&["--create", "--file"]).and(&[&archive]);
    step.within(&dist.stage).and(&[&name]).run()
}

fn fill(dist: &Dist, to: &Path) -> Outcome {
    copy(&dist.binary, &to.join("bin/genlock"))?;
    for page in files("man")? {
        let section = page.rsplit('.').next().unwrap_or_default();
        let page = below_root(&page);
        let name = page.file_name().unwrap_or_default();
        let folder = to.join(format!("share/man/man{section}"));
        copy(&page, &folder.join(name))?;
    }
    for (from, path) in CONTENT {
        copy(&below_root(from), &to.join(path))?;
    }
    let documents = to.join("share/doc/genlock");
    for document in stage::documents()? {
        copy(&below_root(&document), &documents.join(document))?;
    }
    copy(&below_root("CHANGELOG.md"), &documents.join("CHANGELOG.md"))?;
    write(
        &documents.join("third-party.txt"),
        &third_party::text(dist)?,
    )
}
