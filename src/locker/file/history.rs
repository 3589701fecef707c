//! The last runs under a lock, in a file beside the lock file: a line of JSON each, the oldest first. It
//! is shared as lock files are. What a crash has torn, or another wrote there, is passed over.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::lockfile::LockFile;
use super::refusal::refused;
use super::{FileStore, name};
use crate::error::{Error, ErrorKind, Result};
use crate::locker::history::{MOST_KEPT, surplus};
use crate::locker::limits::check_key;
use crate::locker::{BoxFuture, History, PastRun};

/// How much of the file is read: others may write to it, as to lock files.
const LONGEST: u64 = 16 << 20;

/// Attempts to be the one who writes, and the pause between them: a writer takes milliseconds.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

impl History for FileStore {
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        Box::pin(self.change(&run.report.key, move |runs| {
            if !runs.iter().any(|one| one.token() == run.token()) {
                runs.push(run.clone());
            }
            surplus(runs.iter().map(PastRun::token), keep)
        }))
    }

    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.change(&run.report.key, move |runs| {
            runs.retain(|one| one.token() != run.token() && !surplus.contains(&one.token()));
            runs.push(run.clone());
            runs.sort_by_key(PastRun::token);
        }))
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        Box::pin(async move {
            check_key(key)?;
            let name = name::of_history(key);
            let found = LockFile::find(&self.directory, &name, false);
            let Some(file) = found.map_err(|error| error.of_key(key))? else {
                return Ok(Vec::new());
            };
            let read = opened(&file).and_then(|file| runs_in(&file));
            read.map_err(|error| self.failed(key, "cannot read the history", error))
        })
    }
}

impl FileStore {
    /// Changes the runs of `key` while nobody else does.
    async fn change<T>(
        &self,
        key: &str,
        change: impl FnOnce(&mut Vec<PastRun>) -> T + Send,
    ) -> Result<T> {
        check_key(key)?;
        let name = name::of_history(key);
        let file = LockFile::open(&self.directory, &name).await;
        let file = file.map_err(|error| error.of_key(key))?;
        let mut tries = 1;
        // It is unlocked when it is closed.
        while !file.try_lock(false).map_err(|error| error.of_key(key))? {
            if tries == TRIES {
                let why = "the history is locked by another";
                return Err(Error::new(ErrorKind::Unavailable, why).of_key(key));
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
        let failed = |error| self.failed(key, "cannot write the history", error);
        let file = opened(&file).map_err(failed)?;
        let mut runs = runs_in(&file).map_err(failed)?;
        let changed = change(&mut runs);
        write(&file, &runs).map_err(failed)?;
        Ok(changed)
    }

    fn failed(&self, key: &str, what: &str, error: io::Error) -> Error {
        let path = self.directory.path_of(&name::of_history(key));
        refused(&path, what, error)
    }
}

/// The file by a descriptor of its own, to read and write.
fn opened(file: &LockFile) -> io::Result<File> {
    Ok(file.as_fd().try_clone_to_owned()?.into())
}

fn runs_in(file: &File) -> io::Result<Vec<PastRun>> {
    let mut runs = VecDeque::new();
    for line in BufReader::new(file.take(LONGEST)).split(b'\n') {
        runs.extend(PastRun::from_json(&line?));
        if runs.len() > MOST_KEPT as usize {
            runs.pop_front();
        }
    }
    Ok(runs.into())
}

/// In place: in a sticky directory nobody may replace another's file.
fn write(file: &File, runs: &[PastRun]) -> io::Result<()> {
    let mut text = Vec::new();
    for run in runs {
        text.extend(run.to_json());
        text.push(b'\n');
    }
    file.write_all_at(&text, 0)?;
    file.set_len(text.len() as u64)
}
