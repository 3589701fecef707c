//! What a run leaves for those who look at it from outside: a report of it, for every end. It is written
//! beside the run, which neither waits for that nor fails by it.

mod account;
mod replace;
mod words;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args, ValueHint};

use crate::describe;
use crate::exit::Exit;
use crate::report::RunReport;
use crate::stderr;
pub(super) use account::Account;
use replace::replace;
pub(super) use words::stopping;

/// How long the end of the process waits for what is written then.
const AT_THE_END: Duration = Duration::from_secs(1);

/// Where a run is told of.
#[derive(Args)]
pub(super) struct ReportArgs {
    /// Write how the run ended to FILE, as JSON
    ///
    /// Whatever the end is: whether the command ran, or why not, its status, how long it waited and held, the
    /// token, who was ahead. FILE is replaced at once, when all is over. Only where the words of the command
    /// line are wrong there is none. docs/scripting.md has its fields.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_REPORT"
    )]
    report: Option<PathBuf>,
}

/// Tells of one run.
pub(super) struct Reporter {
    account: Account,
    report: Option<PathBuf>,
}

impl Default for Reporter {
    /// Of a run that nobody asks about.
    fn default() -> Self {
        Self {
            account: Account::new(""),
            report: None,
        }
    }
}

impl Reporter {
    /// For the verb that was given these arguments.
    pub(super) fn of(given: &ArgMatches) -> Self {
        let given = given.subcommand().map(|(_, given)| given);
        let path = |name| given?.try_get_one::<PathBuf>(name).ok()?.cloned();
        let key = given.and_then(|given| given.try_get_one::<String>("key").ok()?);
        Self {
            account: Account::new(key.map_or("", String::as_str)),
            report: path("report"),
        }
    }

    /// What the run comes to.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// To be called when all is over, and genlock is to end so, with this error: writes the report.
    pub(super) fn end(&self, exit: Exit, error: Option<&str>) {
        let Some(path) = self.report.clone() else {
            return;
        };
        let report = match error {
            Some(error) => self.account.failed(exit, error),
            None => self.account.over(exit),
        };
        // By a thread, as the file may be on a disk that does not answer.
        let (over, ended) = mpsc::channel();
        let shown = path.clone();
        let thread = thread::Builder::new().spawn(move || over.send(write(&path, &report)));
        let written = thread.and_then(|_| {
            let late = |_| std::io::Error::other("it takes too long");
            ended.recv_timeout(AT_THE_END).map_err(late)?
        });
        if let Err(error) = written {
            let (path, why) = (shown.display().to_string(), describe::io_error(&error));
            let path = describe::escape(&path);
            stderr::complain(format_args!(
                "warning: the report was not written: {path}: {why}"
            ));
        }
    }
}

fn write(path: &Path, report: &RunReport) -> std::io::Result<()> {
    let mut json = serde_json::to_vec(report)?;
    json.push(b'\n');
    replace(path, &json)
}
