//! What the README says is shown by a test is shown by one that is there.

use std::fs;
use std::path::Path;

/// The text of every file of tests under `directory`, with its module's name.
fn modules(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            modules(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let stem = path.file_stem().expect("a name").to_string_lossy();
            found.push((stem.into_owned(), fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn every_test_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("a README");
    let mut found = Vec::new();
    modules(&root.join("tests"), &mut found);
    let mut named = 0;
    for claim in readme.split('`').skip(1).step_by(2) {
        let Some((module, test)) = claim.split_once("::") else {
            continue;
        };
        // A path of Rust's or Go's own begins otherwise.
        if test.contains("::") || !module.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        named += 1;
        let wanted = match test {
            "*" => "fn ".to_owned(),
            test => format!("fn {test}("),
        };
        let shown = |(name, text): &(String, String)| name == module && text.contains(&wanted);
        assert!(found.iter().any(shown), "README.md names {claim}");
    }
    assert!(named > 20, "{named} claims were found");
}
