//! What is linked into the tool, and the licences that have to go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Dist;
use crate::binary;
use crate::sbom;
use crate::step::{Outcome, below_root, read};

const INTRODUCTION: &str = "\
genlock is linked with what is named here, which others have written.

- Rust's standard library: MIT or Apache-2.0.
- libgcc: GPL-3.0 with the GCC Runtime Library Exception.
- The GNU C library: LGPL-2.1 or newer, the last text below. Its source is that of the distribution on which
  genlock was built. Whoever wants another in its place builds genlock from its source, which is all there is,
  or links it dynamically (docs/install.md).
- These crates:
";

/// The names that licences have.
const LICENCES: [&str; 5] = ["copying", "licence", "license", "notice", "unlicense"];

/// The list, and each text once.
pub(super) fn text(dist: &Dist) -> Outcome<String> {
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    let mut list = INTRODUCTION.to_owned();
    for (name, licence) in crates(dist)? {
        list += &format!("  - {name}: {licence}\n");
        for text in licences(&source(&name)?)? {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    for (text, names) in texts {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        list += &format!("\n{:=<80}\n{names}\n\n{text}\n", "");
    }
    let of_library = read(&below_root("packaging/LGPL-2.1"))?;
    Ok(format!(
        "{list}\n{:=<80}\nThe GNU C library\n\n{of_library}",
        ""
    ))
}

/// The crates that are in the tool, as `NAME-VERSION`, with their licences' names.
fn crates(dist: &Dist) -> Outcome<BTreeMap<String, String>> {
    let linked = sbom::linked(&dist.target)?.into_iter();
    let others = linked.filter(|one| one.name != "genlock");
    Ok(others
        .map(|one| (format!("{}-{}", one.name, one.version), one.licence))
        .collect())
}

/// Where a crate's source is.
fn source(name: &str) -> Outcome<PathBuf> {
    let of_all = binary::registry();
    let failed = |error| format!("{}: {error}", of_all.display());
    for registry in fs::read_dir(&of_all).map_err(failed)? {
        let source = registry.map_err(failed)?.path().join(name);
        if source.is_dir() {
            return Ok(source);
        }
    }
    Err(format!("{name}: its source is not in cargo's registry"))
}

/// The texts of its licences, without blanks at the ends of lines.
fn licences(source: &Path) -> Outcome<Vec<String>> {
    let mut paths = Vec::new();
    let failed = |error| format!("{}: {error}", source.display());
    for entry in fs::read_dir(source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        if path.is_file() && LICENCES.iter().any(|licence| name.starts_with(licence)) {
            paths.push(path);
        }
    }
    paths.sort();
    let texts = paths.iter().map(|path| read(path));
    let lines = |text: String| {
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    };
    texts
        .map(|text| text.map(|text| lines(text).trim_matches('\n').to_owned()))
        .collect()
}
