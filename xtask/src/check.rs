//! The checks that are no tests: format, lints, features alone, minimal versions, documentation.

use crate::step::{Outcome, Step, below_root, read};

/// Runs the checks, up to the first that fails.
pub(crate) fn run() -> Outcome {
    Step::cargo(&["fmt", "--all", "--check"]).run()?;
    lints(&["--workspace", "--all-targets"])?;
    lints(&["--workspace", "--all-targets", "--all-features"])?;
    lints(&["--lib", "--tests", "--no-default-features"])?;
    let features = features()?;
    for feature in &features {
        let alone = ["--no-default-features", "--features", feature];
        lints(&[&["--lib", "--bins", "--tests"][..], &alone].concat())?;
    }
    absent(
        "file",
        &[
            "etcd-client",
            "h2",
            "hyper-util",
            "rustls",
            "tonic",
            "tower",
        ],
    )?;
    Step::script("tests/minimal").run()?;
    documentation(&[])?;
    // As docs.rs builds it: the library with all its features, without the tool.
    let of_library = features.into_iter().filter(|feature| feature != "cli");
    let of_library = of_library.collect::<Vec<_>>().join(",");
    documentation(&["--no-default-features", "--features", &of_library])
}

/// With this feature alone none of these crates is built.
fn absent(feature: &str, crates: &[&str]) -> Outcome {
    let of_library = [
        "tree",
        "--locked",
        "--package",
        "genlock",
        "--edges",
        "normal",
    ];
    let bare = ["--prefix", "none", "--no-default-features", "--features"];
    let step = Step::cargo(&of_library).and(&bare).and(&[feature]);
    let tree = step.output()?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    match names.into_iter().find(|name| crates.contains(name)) {
        Some(name) => Err(format!(
            "feature {feature}: it builds {name}, which is of no use to it"
        )),
        None => Ok(()),
    }
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

/// Each feature of genlock that somebody may want alone: not what is on without a word, nor what is
/// for stores over a network, and of no use without one.
fn features() -> Outcome<Vec<String>> {
    let manifest = read(&below_root("Cargo.toml"))?;
    let section = manifest.lines().skip_while(|line| *line != "[features]");
    let section = section.skip(1).take_while(|line| !line.starts_with('['));
    let lines = section.filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split_once(" = [").map(|(name, _)| name));
    let names: Vec<String> = names
        .filter(|name| !["default", "members", "net"].contains(name))
        .map(str::to_owned)
        .collect();
    match names.len() {
        0 => Err("Cargo.toml: no features are found".to_owned()),
        _ => Ok(names),
    }
}
