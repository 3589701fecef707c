//! What is looked at without a test: format, lints, features, least versions, documentation.

use std::fs;

use crate::step::{Outcome, Step, below_root};

/// Ends at the first that fails.
pub(crate) fn run() -> Outcome {
    Step::cargo(&["fmt", "--all", "--check"]).run()?;
    lints(&["--workspace", "--all-targets"])?;
    lints(&["--test", "locker", "--features", "testing"])?;
    lints(&["--lib", "--no-default-features"])?;
    let features = features()?;
    for feature in &features {
        lints(&["--lib", "--no-default-features", "--features", feature])?;
    }
    Step::script("tests/minimal").run()?;
    documentation(&[])?;
    // As docs.rs makes it: of the library.
    let of_library = features.into_iter().filter(|feature| feature != "cli");
    let of_library = of_library.collect::<Vec<_>>().join(",");
    documentation(&["--no-default-features", "--features", &of_library])
}

fn lints(of: &[&str]) -> Outcome {
    let all = [&["clippy", "--locked"], of, &["--", "-D", "warnings"]].concat();
    Step::cargo(&all).run()
}

fn documentation(of: &[&str]) -> Outcome {
    let all = [&["doc", "--locked", "--no-deps"], of].concat();
    let step = Step::cargo(&all).with("RUSTDOCFLAGS", "-D warnings");
    step.run()
}

/// Each feature of genlock that builds alone has to: all but those that are on without a word.
fn features() -> Outcome<Vec<String>> {
    let manifest = fs::read_to_string(below_root("Cargo.toml"));
    let manifest = manifest.map_err(|error| format!("Cargo.toml: {error}"))?;
    let section = manifest.lines().skip_while(|line| *line != "[features]");
    let section = section.skip(1).take_while(|line| !line.starts_with('['));
    let lines = section.filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split_once(" = [").map(|(name, _)| name));
    let names: Vec<String> = names
        .filter(|name| *name != "default")
        .map(str::to_owned)
        .collect();
    match names.len() {
        0 => Err("Cargo.toml: no features are found".to_owned()),
        _ => Ok(names),
    }
}
