//! The message and the exit status where the command cannot be executed.

use std::io;
use std::path::Path;

use crate::cli::refusal;
use crate::cli::settings::RunOptions;
use crate::describe;
use crate::exit::{self, Exit};
use crate::stderr;

/// Says why the command cannot be executed, and gives the exit status.
pub(super) fn say(options: &RunOptions, error: &io::Error) -> Exit {
    let program = &options.command[0];
    let shown = describe::escape(&program.to_string_lossy());
    if error.raw_os_error() == Some(libc::ENOENT) {
        let path = Path::new(program);
        if program.is_empty() {
            stderr::complain(format_args!("'': the command is empty"));
        } else if path.components().count() > 1 && path.exists() {
            stderr::complain(format_args!("{shown}: its interpreter was not found"));
        } else {
            let hint = refusal::not_found(&options.words, &options.command);
            let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
            stderr::complain(format_args!("{shown}: command not found{hint}"));
        }
        return Exit::Status(exit::NOT_FOUND);
    }
    let why = describe::io_error(error);
    stderr::complain(format_args!("{shown}: cannot be executed: {why}"));
    Exit::Status(exit::NOT_EXECUTABLE)
}
