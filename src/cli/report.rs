//! What a run tells those who look at it from outside: its events while it goes on, and a report of it at
//! the end, whatever that is. It is written beside the run, which neither waits for that nor fails by it.

mod account;
mod destination;
mod event_line;
mod metrics;
mod places;
mod replace;
mod teller;
mod words;

use std::cell::{Cell, OnceCell};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{ArgMatches, Args, ValueHint};
use serde::Serialize;

use super::environment::Around;
use crate::describe;
use crate::events::{Event, EventKind};
use crate::exit::Exit;
use crate::report::RunReport;
use crate::stderr;
use account::Account;
use destination::Destination;
#[cfg(any(test, fuzzing))]
pub(super) use metrics::keeps_metrics;
use metrics::{MetricsChange, MetricsFile};
use places::GivenPlaces;
use replace::replace;
use teller::{Places, Teller};
pub(super) use words::{stopping, without_command};

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

    /// Write what happens to FILE, as lines of JSON
    ///
    /// As it happens, with the times of both clocks: that it waits, holds the lock, renewed it, has trouble,
    /// that the command is stopped or has ended, that the lock is released. FILE is appended to; it may be a
    /// pipe, a FIFO, /dev/stderr or /dev/fd/N. The run waits for no reader: lines for which there is no room
    /// are dropped and counted. docs/scripting.md has their fields.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        env = "GENLOCK_EVENTS"
    )]
    events: Option<PathBuf>,

    /// Keep metrics of KEY in FILE, for Prometheus' textfile collector
    ///
    /// When it last ran, succeeded, was skipped, lost the lock; how long it waited and held; whether it runs.
    /// FILE ends in .prom, and is replaced at once. What this run does not change stays as it is in FILE.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        value_parser = PathBufValueParser::new().try_map(places::for_collector),
        env = "GENLOCK_METRICS_FILE"
    )]
    metrics_file: Option<PathBuf>,
}

/// Tells of one run.
pub(super) struct Reporter {
    account: Account,
    key: String,
    places: GivenPlaces,
    /// Begins with the first who reads events: until then a process can be forked.
    teller: OnceCell<Option<Arc<Teller>>>,
    /// All was told, or another process does it.
    is_over: Cell<bool>,
}

/// The report as it is written.
#[derive(Serialize)]
struct WrittenReport {
    #[serde(flatten)]
    run: RunReport,
    /// How many events could not be written; `None` if none were to be.
    events_dropped: Option<u64>,
}

impl Reporter {
    /// For the verb that was given these arguments.
    pub(super) fn of(given: &ArgMatches) -> Self {
        let given = given.subcommand().map(|(_, given)| given);
        let key = given.and_then(|given| given.try_get_one::<String>("key").ok()?);
        // Under `run --held` none is said.
        let around = || Some(Around::us()?.key);
        let key = key.cloned().or_else(around).unwrap_or_default();
        Self {
            account: Account::new(&key),
            key,
            places: given.map(GivenPlaces::of).unwrap_or_default(),
            teller: OnceCell::new(),
            is_over: Cell::new(false),
        }
    }

    /// Where it is to be told.
    pub(super) fn places(&self) -> &GivenPlaces {
        &self.places
    }

    /// Leaves it to another process to tell of it.
    pub(super) fn leave(&self) {
        self.is_over.set(true);
    }

    fn teller(&self) -> Option<&Arc<Teller>> {
        let start = || {
            let key = &self.key;
            let places = Places {
                events: self.places.events().map(Destination::new),
                metrics: self
                    .places
                    .metrics()
                    .map(|path| MetricsFile::new(path, key)),
            };
            let teller = Teller::start(key, places).unwrap_or_else(|error| {
                let why = describe::io_error(&error);
                stderr::complain(format_args!("warning: events are not written: {why}"));
                None
            });
            teller.map(Arc::new)
        };
        self.teller.get_or_init(start).as_ref()
    }

    /// What the run comes to.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// To be called with every event.
    pub(super) fn reader(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let (account, teller) = (self.account.clone(), self.teller().cloned());
        move |event| {
            account.read(event);
            let Some(teller) = &teller else {
                return;
            };
            teller.tell(event);
            if let EventKind::Granted { .. } = event.what {
                teller.change(MetricsChange::granted(
                    event.at,
                    account.begun().waited_seconds,
                ));
            }
        }
    }

    /// To be called before the lock is released, after which the next holder tells of itself, with what the
    /// run has come to: waits for a moment until all is written so far.
    pub(super) fn before_release(&self, run: &RunReport) {
        if let Some(teller) = self.teller() {
            self.tell_release(teller, run);
            teller.hand_over();
        }
    }

    fn tell_release(&self, teller: &Teller, run: &RunReport) {
        if self.account.releases() {
            teller.change(MetricsChange::releasing(run));
        }
    }

    /// To be called when all is over, and genlock is to end so, with this error: writes the report.
    /// Once that is done, nothing more is.
    pub(super) fn end(&self, exit: Exit, error: Option<&str>) {
        let report = self.places.report();
        if self.is_over.replace(true) || report.is_none() && self.teller().is_none() {
            return;
        }
        let run = match error {
            Some(error) => self.account.failed(exit, error),
            None => self.account.over(exit),
        };
        let events_dropped = self.teller().and_then(|teller| {
            self.tell_release(teller, &run);
            teller.change(MetricsChange::over(&run));
            teller.finish()
        });
        let Some(path) = report else {
            return;
        };
        let report = WrittenReport {
            run,
            events_dropped,
        };
        if let Err(error) = write_soon(path.clone(), report) {
            let path = describe::escape(&path.display().to_string());
            let why = describe::io_error(&error);
            stderr::complain(format_args!(
                "warning: the report was not written: {path}: {why}"
            ));
        }
    }
}

/// Writes the report by a thread, as the file may be on a disk that does not answer.
fn write_soon(path: PathBuf, report: WrittenReport) -> io::Result<()> {
    let (over, ended) = mpsc::channel();
    let write = move || {
        let mut json = serde_json::to_vec(&report)?;
        json.push(b'\n');
        replace(&path, &json)
    };
    thread::Builder::new().spawn(move || over.send(write()))?;
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    ended.recv_timeout(AT_THE_END).map_err(late)?
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::events::Observer;

    #[test]
    fn what_the_next_run_says_after_the_release_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("k.prom");
        let metrics = || Some(MetricsFile::new(path.clone(), "k"));
        let run = || {
            let places = Places {
                events: None,
                metrics: metrics(),
            };
            let teller = Teller::start("k", places).expect("a thread");
            let reporter = Reporter {
                account: Account::new("k"),
                key: "k".to_owned(),
                places: GivenPlaces::default(),
                teller: OnceCell::from(teller.map(Arc::new)),
                is_over: Cell::new(false),
            };
            let granted = EventKind::Granted {
                token: 7,
                index: None,
                deadline: None,
            };
            Observer::new(reporter.reader()).tell(Some("k"), granted);
            reporter
        };
        let running = || {
            let text = fs::read_to_string(&path).expect("metrics");
            let line = text
                .lines()
                .find(|line| line.starts_with("genlock_running"));
            line.and_then(|line| line.chars().last())
        };
        let first = run();
        let ended = EventKind::Ended(Some(0));
        Observer::new(first.reader()).tell(Some("k"), ended);
        first.before_release(&first.account().over(Exit::Status(0)));
        assert_eq!(running(), Some('0'));
        let next = run();
        next.teller().expect("one").hand_over();
        assert_eq!(running(), Some('1'));
        first.end(Exit::Status(0), None);
        assert_eq!(running(), Some('1'));
        let text = fs::read_to_string(&path).expect("metrics");
        assert!(
            text.contains("genlock_last_success_timestamp_seconds{"),
            "{text}"
        );
        next.end(Exit::Status(0), None);
        assert_eq!(running(), Some('0'));
    }
}
