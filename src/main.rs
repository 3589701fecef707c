//! `genlock`: runs a command while holding a distributed lock.

use std::process::ExitCode;

fn main() -> ExitCode {
    genlock::cli::main()
}
