//! `genlock forget`: what was done once may be done again.

use clap::Args;

use super::args::ConnectionArgs;
use super::operate::{operate, print};
use super::settings::Settings;
use super::{help, once};
use crate::describe;
use crate::exit::{self, Exit};
use crate::stderr;

/// Delete the mark that NAME was done under the lock KEY, so that it is done again.
///
/// Without NAME all marks of KEY. They are those of run --once and --once-per; genlock status shows the
/// last one.
#[derive(Args)]
#[command(before_help = help::FORGET_EXAMPLES, after_long_help = help::forget())]
pub(super) struct ForgetArgs {
    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    /// What is done: the name, or a slot as genlock status shows it
    #[arg(value_name = "NAME", value_parser = once::name)]
    name: Option<String>,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Runs the verb.
pub(super) fn run(options: &ForgetArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        let removed = store.forget(&options.key, options.name.as_deref()).await?;
        let key = describe::escape(&options.key);
        let name = options.name.as_deref().map(describe::escape);
        if removed == 0 {
            let what = name.map_or("nothing is".to_owned(), |name| format!("{name} is not"));
            stderr::complain(format_args!("{key}: {what} marked as done"));
            return Ok(Exit::Status(exit::FREE));
        }
        let what = match (name, removed) {
            (Some(name), _) => name,
            (None, 1) => "1 mark".to_owned(),
            (None, marks) => format!("{marks} marks"),
        };
        print(&format!("{key}: {what} forgotten\n"))?;
        Ok(Exit::Status(0))
    })
}
