//! What others write, at random, each target for a while.

use std::fs;
use std::io;

use crate::step::{Outcome, Step, below_root};

/// How long each target runs unless said.
const SECONDS: u64 = 60;

/// Of what a target is given no more than some kilobytes come in: who takes so much at once has believed a
/// length that it was told.
const AT_ONCE: &str = "-malloc_limit_mb=64";
const IN_ALL: &str = "-rss_limit_mb=1024";
/// In seconds.
const EACH: &str = "-timeout=10";

/// `[SECONDS] [TARGET...]`
pub(crate) fn run(words: &[String]) -> Outcome {
    let (seconds, names) = match words.split_first() {
        Some((first, rest)) if first.parse::<u64>().is_ok() => (first.clone(), rest),
        _ => (SECONDS.to_string(), words),
    };
    let all = targets().map_err(|error| format!("fuzz/seeds: {error}"))?;
    if let Some(other) = names.iter().find(|name| !all.contains(name)) {
        return Err(format!("{other}: the targets are {}", all.join(" ")));
    }
    nightly(&["--version"]).output().map_err(
        |_| "it takes rustup toolchain install nightly, and cargo install --locked cargo-fuzz",
    )?;
    let names = if names.is_empty() { &all[..] } else { names };
    for name in names {
        nightly(&["build", name]).run()?;
    }
    for name in names {
        let corpus = below_root("fuzz/corpus").join(name);
        fs::create_dir_all(&corpus).map_err(|error| format!("fuzz/corpus: {error}"))?;
        let seeds = below_root("fuzz/seeds").join(name);
        let words = below_root("fuzz/words.dict");
        let limits = [AT_ONCE, IN_ALL, EACH, "-print_final_stats=1"];
        nightly(&["run", name])
            .and(&[corpus, seeds])
            .and(&["--", &format!("-max_total_time={seconds}")])
            .and(&[format!("-dict={}", words.display())])
            .and(&limits)
            .run()?;
    }
    Ok(())
}

/// Each has a folder with its seeds.
fn targets() -> io::Result<Vec<String>> {
    let folders = fs::read_dir(below_root("fuzz/seeds"))?;
    let names = folders.map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// `cargo fuzz` as nightly has it: what has started us is the stable one.
fn nightly(args: &[&str]) -> Step {
    Step::program("rustup")
        .and(&["run", "nightly", "cargo", "fuzz"])
        .and(args)
}
