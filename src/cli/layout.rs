//! The layout of help: usage, examples, arguments, options. The options of the connection, which every
//! verb has, are on a page of their own.

use std::ffi::OsString;

use clap::{Args, Command};

use super::args::{CONNECTION, ConnectionArgs};
use super::help;

const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}{all-args}{after-help}";

/// Whether these words ask for help, or are none, for which clap shows it.
pub(super) fn is_asked_for(words: &[OsString]) -> bool {
    let asks = |word: &OsString| word == "-h" || word == "--help";
    words.first().is_none_or(|word| word == "help") || words.iter().any(asks)
}

/// Whether these words ask for the page with the options of the connection.
pub(super) fn is_of_connection(words: &[OsString]) -> bool {
    matches!(words, [help, page] if help == "help" && page == "connection")
}

/// The page with the options of the connection.
pub(super) fn connection() -> String {
    let command = Command::new("genlock")
        .disable_help_flag(true)
        .help_template("{before-help}{options}{after-help}")
        .before_help(help::CONNECTION)
        .after_long_help(help::connection());
    let page = help::of_endpoints(ConnectionArgs::augment_args(command)).render_long_help();
    format!("{}\n", page.to_string().trim_end())
}

/// The definition with its help laid out.
pub(super) fn laid_out(command: Command) -> Command {
    let verbs = command.get_subcommands();
    let verbs: Vec<_> = verbs.map(|verb| verb.get_name().to_owned()).collect();
    let laid_out = verbs.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |verb| of_verb(verb, name))
    });
    laid_out.help_template(TEMPLATE)
}

fn of_verb(verb: Command, name: &str) -> Command {
    let long = verb.get_after_long_help().map(ToString::to_string);
    let long = format!(
        "{}\n\n{}",
        help::CONNECTION_ELSEWHERE,
        long.unwrap_or_default()
    );
    let hide = |arg: clap::Arg| match arg.get_help_heading() {
        Some(CONNECTION) => arg.hide_short_help(true).hide_long_help(true),
        _ => arg,
    };
    verb.help_template(TEMPLATE)
        .after_help(format!(
            "More: genlock {name} --help, genlock help connection"
        ))
        .after_long_help(long)
        .mut_args(hide)
}

/// The definition for -h, in which each option is one line.
pub(super) fn short(command: Command) -> Command {
    let verbs = command.get_subcommands();
    let verbs: Vec<_> = verbs.map(|verb| verb.get_name().to_owned()).collect();
    verbs.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |verb| {
            verb.mut_args(|arg| match arg.get_action().takes_values() {
                true => arg
                    .hide_env(true)
                    .hide_default_value(true)
                    .hide_possible_values(true),
                false => arg,
            })
        })
    })
}
