//! How the last run of a key went, as gauges in a file for Prometheus: the textfile collector of its node
//! exporter reads all files of a directory that end in `.prom`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::FlockOperation;

use super::replace::replace;
use crate::report::{RunReport, Why, seconds};

/// Each metric and its help, which has to be the same in all files that one collector reads.
const METRICS: [(&str, &str); 7] = [
    (HELD, "How long the last run held the lock."),
    (LAST_LOSS, "When a run last lost the lock."),
    (LAST_RUN, "When a run last acquired the lock."),
    (
        LAST_SKIP,
        "When the command was last not run: busy, done or superseded.",
    ),
    (LAST_SUCCESS, "When the command last ended with 0."),
    (RUNNING, "Whether a run holds the lock."),
    (WAITED, "How long the last run waited for the lock."),
];

const HELD: &str = "genlock_held_seconds";
const LAST_LOSS: &str = "genlock_last_loss_timestamp_seconds";
const LAST_RUN: &str = "genlock_last_run_timestamp_seconds";
const LAST_SKIP: &str = "genlock_last_skip_timestamp_seconds";
const LAST_SUCCESS: &str = "genlock_last_success_timestamp_seconds";
const RUNNING: &str = "genlock_running";
const WAITED: &str = "genlock_waited_seconds";

/// So much of a file is read at most.
const READ: u64 = 1 << 20;

/// How often, and with which pause, others of this host are waited for that write into the same directory.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// What becomes of the metrics of a key; those that are not in it stay as they are.
pub(super) struct MetricsChange(Vec<(&'static str, f64)>);

impl MetricsChange {
    /// The lock was acquired at this time, after a wait of so many seconds.
    pub(super) fn granted(at: SystemTime, waited: Option<f64>) -> Self {
        let mut change = Self(vec![(RUNNING, 1.0), (LAST_RUN, timestamp(at))]);
        change.0.extend(waited.map(|waited| (WAITED, waited)));
        change
    }

    /// The lock is about to be released, after which another run may write here.
    pub(super) fn releasing(report: &RunReport) -> Self {
        let mut change = Self(vec![(RUNNING, 0.0)]);
        change
            .0
            .extend(report.held_seconds.map(|held| (HELD, held)));
        change
    }

    /// The run is over; nothing changes by one that came to nothing.
    pub(super) fn over(report: &RunReport) -> Self {
        let now = timestamp(SystemTime::now());
        Self(match report.why {
            None if report.status == Some(0) => vec![(LAST_SUCCESS, now)],
            Some(Why::Busy | Why::Done | Why::Superseded) => vec![(LAST_SKIP, now)],
            Some(Why::Lost | Why::TakenAway) => vec![(LAST_LOSS, now)],
            _ => Vec::new(),
        })
    }
}

/// Seconds since the epoch, to a thousandth.
fn timestamp(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    seconds(since.unwrap_or_default())
}

/// The metrics of a key, in a file.
pub(super) struct MetricsFile {
    path: PathBuf,
    key: String,
}

/// Values by metric, and by key.
type Values = BTreeMap<(&'static str, String), f64>;

impl MetricsFile {
    pub(super) fn new(path: PathBuf, key: &str) -> Self {
        Self {
            path,
            key: key.to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the change, and leaves everything else in the file as it is.
    pub(super) fn apply(&self, change: &MetricsChange) -> io::Result<()> {
        if change.0.is_empty() {
            return Ok(());
        }
        let _locked = self.lock_directory();
        let mut values = self.read()?;
        for (name, value) in &change.0 {
            values.insert((name, self.key.clone()), *value);
        }
        replace(&self.path, shown(&values).as_bytes())
    }

    /// Keeps others of this host from writing what they read before our change. Where it cannot be had the
    /// last who writes wins.
    fn lock_directory(&self) -> Option<File> {
        let parent = self.path.parent()?;
        let here = parent.as_os_str().is_empty();
        let directory = File::open(if here { Path::new(".") } else { parent }).ok()?;
        for _ in 0..TRIES {
            if rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
                return Some(directory);
            }
            thread::sleep(PAUSE);
        }
        None
    }

    /// What the file has, as far as we wrote it.
    fn read(&self) -> io::Result<Values> {
        match fs::metadata(&self.path) {
            Ok(there) if there.is_file() => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // A pipe would have to be waited for.
            _ => return Ok(Values::new()),
        }
        let mut text = Vec::new();
        File::open(&self.path)?.take(READ).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(text.lines().filter_map(sample).collect())
    }
}

/// The file's text.
fn shown(values: &Values) -> String {
    let mut text = String::new();
    for (name, help) in METRICS {
        let of_this = || values.iter().filter(|((other, _), _)| *other == name);
        if of_this().next().is_some() {
            text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        }
        for ((_, key), value) in of_this() {
            text += &format!("{name}{{key=\"{}\"}} {value}\n", escaped(key));
        }
    }
    text
}

/// What one of our lines says.
fn sample(line: &str) -> Option<((&'static str, String), f64)> {
    let (name, rest) = line.split_once("{key=\"")?;
    let (name, _) = METRICS.iter().find(|(known, _)| *known == name)?;
    let (key, value) = rest.rsplit_once("\"} ")?;
    let value = value.parse().ok()?;
    Some(((name, unescaped(key)), value))
}

/// As the format wants the value of a label.
fn escaped(key: &str) -> String {
    let key = key.replace('\\', "\\\\").replace('"', "\\\"");
    key.replace('\n', "\\n")
}

fn unescaped(text: &str) -> String {
    let mut key = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        key.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => break,
            },
            letter => letter,
        });
    }
    key
}

/// Whatever a file has, what is read of it is written so that it is read again, one line each.
#[cfg(any(test, fuzzing))]
pub(in crate::cli) fn keeps_metrics(data: &[u8]) {
    let read = |text: &str| text.lines().filter_map(sample).collect::<Values>();
    let values = read(&String::from_utf8_lossy(data));
    let text = shown(&values);
    let again = read(&text);
    assert!(
        values.iter().eq(again.iter()) || values.values().any(|value| value.is_nan()),
        "{text}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_whatever_the_key_has_in_it() {
        let keys = ["/k", "a\"} 7", "b\\n", "c\nd", "\\\\\"", "ä{key=\"x\"} 1"];
        let mut values = Values::new();
        for (at, key) in keys.iter().enumerate() {
            values.insert((RUNNING, (*key).to_owned()), at as f64);
            values.insert((LAST_RUN, (*key).to_owned()), 1_795_780_000.123);
        }
        let text = shown(&values);
        assert!(text.contains("key=\"/k\"} 1795780000.123\n"), "{text}");
        let read: Values = text.lines().filter_map(sample).collect();
        assert_eq!(read, values);
    }
}
