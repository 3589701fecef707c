//! What happened, a JSON line each, of all who took part: the workers, each run's genlock (`--events`), its
//! section, and the nemesis.
//!
//! Each line has two times. `boottime_seconds` is CLOCK_BOOTTIME, which nobody can set and all processes of
//! this host share: what was before what is told by it alone. `at` is the wall clock, by which the logs of
//! the stores and of the host are read beside this one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::section;
use crate::genlock::copy_for_all;
use crate::sections::now;

/// The file with the lines.
pub(super) const HISTORY: &str = "history";

/// The directory in which each section says when it lived last.
pub(super) const BEATS: &str = "beats";

/// Of each key: the number that its sections count on, and who was in it last.
pub(super) const VALUE: &str = "value";
pub(super) const LAST: &str = "last";

/// What lives beats all the time; what has not for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) struct History {
    directory: PathBuf,
    lines: File,
    is_kept: AtomicBool,
    /// When the beats were collected last, in seconds.
    collected: AtomicU64,
}

impl History {
    /// One of these keys: in this directory, and kept, or in a scratch directory that is kept only if
    /// something is wrong.
    pub(super) fn new(keep: Option<PathBuf>, keys: &[String]) -> Self {
        let is_kept = AtomicBool::new(keep.is_some());
        let directory = keep.unwrap_or_else(|| {
            let scratch = tempfile::Builder::new().prefix("genlock-soak-").tempdir();
            scratch.expect("a directory").keep()
        });
        let file = directory.join(HISTORY);
        fs::create_dir_all(directory.join(BEATS)).expect("a directory");
        for key in keys {
            fs::create_dir(of_key(&directory, key))
                .expect("a directory without an earlier history");
        }
        fs::write(directory.join("section"), section::script()).expect("a script");
        // What is built meanwhile is not run.
        copy_for_all(&directory);
        let lines = OpenOptions::new().append(true).create(true).open(file);
        Self {
            directory,
            lines: lines.expect("a file"),
            is_kept,
            collected: AtomicU64::new(0),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The genlock of this soak.
    pub(super) fn program(&self) -> PathBuf {
        self.directory.join("program")
    }

    /// Has it stay there, and says where it is.
    pub(super) fn keep(&self) -> &Path {
        self.is_kept.store(true, Ordering::Relaxed);
        &self.directory
    }

    /// Adds a line: who says that it happened, of which run, and what belongs to it. The time is that of
    /// now.
    pub(super) fn note(&self, by: &str, event: &str, run: Option<&str>, fields: &Value) {
        let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let mut line = json!({
            "by": by,
            "event": event,
            "boottime_seconds": now().as_secs_f64(),
            "at": at,
        });
        if let Some(run) = run {
            line["run"] = run.into();
        }
        for (name, value) in fields.as_object().into_iter().flatten() {
            line[name] = value.clone();
        }
        self.add(&line.to_string());
    }

    /// Notes whom the faults that go on concern: a host those on the way to the store, and a run those of
    /// runs. One of which nothing is noted concerns all.
    pub(super) fn hit(&self, whom: &str, which: &Value) {
        self.note("nemesis", "hits", None, &json!({ whom: which }));
    }

    /// Where the genlock of this run writes its events.
    pub(super) fn events(&self, run: &str) -> PathBuf {
        self.directory.join(format!("events.{run}"))
    }

    /// Adds the events of a run that is over. The last line of one that was killed may be half written.
    pub(super) fn add_events(&self, run: &str) {
        let file = self.events(run);
        let events = match fs::read_to_string(&file) {
            // It ended before there was anything to tell.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            events => events.expect("events"),
        };
        let whole = events.split_inclusive('\n');
        for line in whole.filter_map(|line| line.strip_prefix('{')?.strip_suffix('\n')) {
            self.add(&format!(r#"{{"by":"genlock","run":"{run}",{line}"#));
        }
        fs::remove_file(file).expect("a file");
        self.collect(SILENCE);
    }

    /// Notes the last beat of each section that has been silent for so long.
    pub(super) fn collect(&self, silent: Duration) {
        let seconds = now().as_secs();
        let last = self.collected.load(Ordering::Relaxed);
        if !silent.is_zero() && seconds < last + 5 {
            return;
        }
        self.collected.store(seconds, Ordering::Relaxed);
        for entry in fs::read_dir(self.directory.join(BEATS)).expect("a directory") {
            let path = entry.expect("a file").path();
            let modified = path.metadata().and_then(|file| file.modified());
            // Another worker may be at it.
            let Some(age) = modified.ok().map(|at| at.elapsed().unwrap_or_default()) else {
                continue;
            };
            let beat = fs::read_to_string(&path).unwrap_or_default();
            if age < silent || fs::remove_file(&path).is_err() {
                continue;
            }
            let run = path.file_name().and_then(|name| name.to_str());
            // One that was killed before its first has none.
            if let Ok(last) = beat.trim().parse::<f64>() {
                let last = json!({ "boottime_seconds": last, "at": null });
                self.note("history", "last", run, &last);
            }
        }
    }

    /// The run that was in the lock of this key last: most likely it holds it.
    pub(super) fn last_run(&self, key: &str) -> Option<String> {
        let last = of_key(&self.directory, key).join(LAST);
        let run = fs::read_to_string(last).ok()?;
        Some(run.strip_suffix('\n')?.to_owned())
    }

    /// Where sections of this key write.
    pub(super) fn value(&self, key: &str) -> PathBuf {
        of_key(&self.directory, key).join(VALUE)
    }

    /// All lines.
    pub(super) fn text(&self) -> String {
        self.collect(Duration::ZERO);
        fs::read_to_string(self.directory.join(HISTORY)).expect("a file")
    }

    fn add(&self, line: &str) {
        // In one piece: others append to it too.
        let line = format!("{line}\n");
        (&self.lines).write_all(line.as_bytes()).expect("a file");
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if !self.is_kept.load(Ordering::Relaxed) && !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// The directory of a key, as the section finds it too.
fn of_key(directory: &Path, key: &str) -> PathBuf {
    directory.join(key.replace('/', "_"))
}
