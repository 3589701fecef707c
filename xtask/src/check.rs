//! What is looked at without a test: format, lints, least versions, documentation.

use crate::step::{Outcome, Step};

/// What cargo is asked, in this order.
const LINTS: [&str; 3] = [
    "fmt --all --check",
    "clippy --locked --workspace --all-targets -- -D warnings",
    "clippy --locked --lib --no-default-features -- -D warnings",
];

/// Ends at the first that fails.
pub(crate) fn run() -> Outcome {
    for line in LINTS {
        let words: Vec<&str> = line.split(' ').collect();
        Step::cargo(&words).run()?;
    }
    Step::script("tests/minimal").run()?;
    Step::cargo(&["doc", "--locked", "--no-deps"])
        .with("RUSTDOCFLAGS", "-D warnings")
        .run()
}
