//! `cargo xtask`: the commands for working on genlock.

mod binary;
mod check;
mod dist;
mod fuzz;
mod release;
mod sbom;
mod step;
mod test;

use std::process::ExitCode;

use step::Step;

const HELP: &str = "\
usage: cargo xtask TASK

  check                     format, lints, documentation: all of tests/run but the tests
  generate                  completions/ and man/ anew, from the options
  picture                   docs/picture.svg anew, from a session on terminals; as root
  test NAME... [-- ARG...]  the tests whose names contain NAME, of whichever program has them
  bench [ARG...]            the table of costs, quickly; cargo bench makes the full one
  soak [--store STORE] [--keep DIRECTORY] [SECONDS] [SEED]
                            faults at random, for a minute unless said
  fuzz [SECONDS] [TARGET...]
                            what others write at random, a minute each unless said
  binary [TARGET]           the tool as it is published: the same bytes wherever it is built
  sbom [TARGET]             what is in it, as CycloneDX's JSON; needs cargo-cyclonedx
  dist [TARGET]             packages, an archive, what is in it, and the sums: target/dist
  release VERSION [--dry-run]
                            the version set, the changelog cut, tests/run, a commit and a tag

tests/run does all that has to pass.
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let outcome = match (task.as_str(), rest.len()) {
        ("" | "help" | "-h" | "--help", _) => {
            print!("{HELP}");
            Ok(())
        }
        ("check", 0) => check::run(),
        ("generate", 0) => {
            Step::cargo(&["run", "--quiet", "--locked", "--example", "generate"]).run()
        }
        // Of the genlock beside it, which cargo does not build for an example.
        ("picture", 0) => Step::cargo(&["build", "--locked", "--bin", "genlock"])
            .run()
            .and_then(|()| Step::cargo(&["run", "--locked", "--example", "picture"]).run()),
        ("test", 1..) => test::run(&rest),
        ("bench", _) => Step::cargo(&["bench", "--locked", "--", "--quick"])
            .and(&rest)
            .run(),
        ("fuzz", _) => fuzz::run(&rest),
        ("soak", _) => Step::script("tests/soak").and(&rest).run(),
        ("binary", 0 | 1) => binary::build(rest.first().map(String::as_str))
            .map(|path| println!("{}", path.display())),
        ("sbom", 0 | 1) => sbom::run(rest.first().map(String::as_str)),
        ("dist", 0 | 1) => dist::run(rest.first().map(String::as_str)),
        ("release", 1..) => release::run(&rest),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
