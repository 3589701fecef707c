//! The files that a run is told of in, as they were given.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::times::Usage;

/// What is a process' own, and not the same for any other.
const OF_A_PROCESS: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];

/// The files that were given.
#[derive(Default)]
pub(in crate::cli) struct GivenPlaces {
    report: Option<GivenPlace>,
    events: Option<GivenPlace>,
    metrics: Option<GivenPlace>,
    /// The directory of the caller, who goes on without us.
    left: OnceCell<PathBuf>,
    /// Nobody sees the lock's end.
    is_endless: Cell<bool>,
}

struct GivenPlace {
    path: PathBuf,
    option: &'static str,
    /// By an option, and not by the environment, which may be meant for others.
    is_typed: bool,
}

impl GivenPlaces {
    pub(super) fn of(given: &ArgMatches) -> Self {
        let place = |name, option| {
            let path = given.try_get_one::<PathBuf>(name).ok()??.clone();
            let is_typed = given.value_source(name) == Some(ValueSource::CommandLine);
            Some(GivenPlace {
                path,
                option,
                is_typed,
            })
        };
        Self {
            report: place("report", "--report"),
            events: place("events", "--events"),
            metrics: place("metrics_file", "--metrics-file"),
            ..Self::default()
        }
    }

    /// For a process that lets go of what its caller has open, and leaves its directory. A place that is the
    /// caller's own is none then.
    ///
    /// # Errors
    /// Such a place was asked for; there is no working directory.
    pub(in crate::cli) fn leave_caller(&self) -> anyhow::Result<()> {
        let all = [&self.report, &self.events, &self.metrics];
        if all.into_iter().any(Option::is_some) {
            let _ = self.left.set(std::env::current_dir()?);
        }
        let mut given = all.into_iter().flatten();
        if let Some(place) = given.find(|place| place.is_typed && is_of_a_process(&place.path)) {
            let (option, path) = (place.option, place.path.display());
            return Err(Usage::new(format!(
                "{option} {path}: the keeper has nothing of its caller's open: name a file"
            ))
            .into());
        }
        Ok(())
    }

    /// For a lock that is left to the store: that it ended nobody would write into metrics.
    ///
    /// # Errors
    /// They were asked for.
    pub(in crate::cli) fn leave_to_store(&self) -> Result<(), Usage> {
        self.is_endless.set(true);
        match &self.metrics {
            Some(place) if place.is_typed => Err(Usage::new(
                "--metrics-file: with --pid none no process sees the end of the lock",
            )),
            _ => Ok(()),
        }
    }

    pub(in crate::cli) fn report(&self) -> Option<PathBuf> {
        self.path(self.report.as_ref()?)
    }

    pub(super) fn events(&self) -> Option<PathBuf> {
        self.path(self.events.as_ref()?)
    }

    pub(super) fn metrics(&self) -> Option<PathBuf> {
        self.path(self.metrics.as_ref().filter(|_| !self.is_endless.get())?)
    }

    fn path(&self, place: &GivenPlace) -> Option<PathBuf> {
        match self.left.get() {
            None => Some(place.path.clone()),
            Some(_) if is_of_a_process(&place.path) => None,
            Some(directory) => Some(directory.join(&place.path)),
        }
    }
}

/// Reads the value of `--metrics-file`: the collector passes over all other files.
pub(super) fn for_collector(path: PathBuf) -> Result<PathBuf, &'static str> {
    let is_file = !path.starts_with("/dev");
    if is_file && path.extension().is_none_or(|extension| extension != "prom") {
        return Err("a file whose name ends in .prom: the collector reads no other");
    }
    Ok(path)
}

fn is_of_a_process(path: &Path) -> bool {
    OF_A_PROCESS.iter().any(|of| path.starts_with(of))
}
