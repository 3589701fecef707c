//! The changelog: what is not released becomes a section of its version.

use super::version::Version;
use crate::step::Outcome;

const UNRELEASED: &str = "## Unreleased\n";

/// The changelog with a section for a version.
pub(super) struct Cut {
    /// All of it.
    pub(super) text: String,
    /// What is new, without the heading.
    pub(super) section: String,
}

/// Makes what is not released a section of this version and date.
pub(super) fn cut(text: &str, version: Version, date: &str) -> Outcome<Cut> {
    let heading = format!("\n{UNRELEASED}");
    let (before, after) = text
        .split_once(&heading)
        .ok_or("CHANGELOG.md: no section Unreleased")?;
    let end = after.find("\n## ").map_or(after.len(), |end| end + 1);
    let section = &after[..end];
    if !section.lines().any(|line| line.starts_with("- ")) {
        return Err("CHANGELOG.md: the section Unreleased is empty".to_owned());
    }
    Ok(Cut {
        text: format!("{before}{heading}\n## {version} - {date}\n{after}"),
        section: section.trim().to_owned(),
    })
}

/// The versions that have a section.
pub(super) fn released(text: &str) -> impl Iterator<Item = Version> {
    let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
    let names = headings.filter_map(|heading| heading.split(' ').next());
    names.filter_map(|name| Version::parse(name).ok())
}
