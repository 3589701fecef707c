//! The parts of the definition's text that take time to put together. A run does without them.

use clap::Command;

use super::{genlock, run, stores};

/// The definition with the text that takes time to put together, which only help shows.
pub(in crate::cli) fn explained(command: Command) -> Command {
    let verbs = command.get_subcommands();
    let verbs: Vec<_> = verbs.map(|verb| verb.get_name().to_owned()).collect();
    let command = verbs.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |verb| of_run(of_endpoints(verb)))
    });
    command.after_long_help(genlock())
}

/// The help of `--endpoints`.
pub(in crate::cli) fn of_endpoints(verb: Command) -> Command {
    verb.mut_args(|arg| match arg.get_id().as_str() {
        "endpoints" => arg.help(stores::endpoints()),
        _ => arg,
    })
}

/// That of `genlock run`; with `--held` it has its own.
fn of_run(verb: Command) -> Command {
    if verb.get_name() != "run" || verb.get_after_long_help().is_some() {
        return verb;
    }
    verb.before_long_help(stores::run_examples())
        .after_long_help(run())
}
