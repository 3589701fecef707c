//! Every link that stays within the repository leads somewhere, to its heading too.

use std::path::{Component, Path, PathBuf};

use super::{Page, all_pages, read, root};

/// As in a path of a web page: without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(plain.pop(), "{path:?} leaves the repository"),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|heading| {
        let heading = heading.trim_start_matches('#').trim();
        let kept = heading
            .chars()
            .filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    });
    anchors.collect()
}

/// What stands in the round brackets of links and pictures.
fn targets(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let after = prose.split("](").skip(1);
    after
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

#[test]
fn every_link_resolves() {
    let mut count = 0;
    for page in all_pages() {
        for target in targets(&page) {
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = match file {
                "" => page.path.clone(),
                file => plain(&page.path.parent().unwrap_or(Path::new("")).join(file)),
            };
            assert!(root().join(&path).exists(), "{:?}: {target}", page.path);
            if !anchor.is_empty() {
                let found = anchors(&read(&path));
                assert!(
                    found.iter().any(|a| a == anchor),
                    "{:?}: {target}: {found:?}",
                    page.path
                );
            }
        }
    }
    assert!(count > 20, "{count}");
}
