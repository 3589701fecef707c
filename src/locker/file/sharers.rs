//! Those who share a lock, in a file beside the lock's: a line of JSON each. Whether the lock is held the
//! kernel says; this says by whom. What a killed one has left here is passed over, and removed by the next.
//!
//! flock(2) on this file is for who changes it, or counts in the lock's file: several hold the lock, and
//! two of them must not have one token. It is held for a moment.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::directory::LockDirectory;
use super::lockfile::{LockFile, Signed};
use super::name;
use super::probe::{self, Flocked};
use super::refusal::{refused, subject};
use crate::error::{Error, ErrorKind, Result};
use crate::locker::{Record, TakenAway};

/// How much of the file is read: others may write to it, as to lock files.
const LONGEST: u64 = 4 << 20;

/// Attempts to be the one who changes it, and the pause between them.
const TRIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// The same for one who lets go, which is not to take long.
const TRIES_AT_END: u32 = 20;
const PAUSE_AT_END: Duration = Duration::from_millis(1);

/// One of those who share a lock.
#[derive(Serialize, Deserialize)]
pub(super) struct Sharer {
    pub(super) token: u64,
    pub(super) record: Record,
}

/// The file of those who share one lock.
#[derive(Clone)]
pub(super) struct Sharers {
    directory: Arc<LockDirectory>,
    name: String,
}

impl Sharers {
    /// That of the lock with this file.
    pub(super) fn of(file: &LockFile) -> Self {
        let place = file.place();
        Self {
            directory: place.directory().clone(),
            name: name::of_sharers(place.name()),
        }
    }

    /// All that are written there, also those who are gone.
    pub(super) fn all(&self) -> Vec<Sharer> {
        let found = LockFile::find(&self.directory, &self.name, false);
        let file = found.ok().flatten().and_then(|file| opened(&file).ok());
        file.map_or_else(Vec::new, |file| read(&file))
    }

    /// Counts this acquisition in the lock's `file`, and writes who it is. For one who shares the lock.
    pub(super) async fn sign(&self, file: &LockFile, record: &[u8]) -> Result<Signed> {
        let own = Record::from_json(record).unwrap_or_default();
        let turn = self.turn().await?;
        let stat = rustix::fs::fstat(file).ok();
        // Where nobody is listed all stay: a closer look would let go of our own lock.
        let listed = stat.and_then(|stat| probe::listed(&stat));
        let is_there = |one: &Sharer| listed.as_ref().is_none_or(|by| is_by(&one.record, by));
        let signed = file.sign(&[])?;
        self.write(&turn, |all| {
            all.retain(is_there);
            all.push(Sharer {
                token: signed.token,
                record: own,
            });
        })?;
        Ok(signed)
    }

    /// Removes the one with this token, for itself. If this fails it is passed over once its process is
    /// gone.
    pub(super) fn leave(&self, token: u64) {
        self.soon(|all| all.retain(|one| one.token != token));
    }

    /// The mark for the one with this token, if there is one. If it is not there at all, since somebody has
    /// removed it, it is written anew.
    pub(super) fn look(&self, token: u64, record: &[u8]) -> Option<TakenAway> {
        let mut all = self.all().into_iter();
        if let Some(own) = all.find(|one| one.token == token) {
            return own.record.taken_away;
        }
        let record = Record::from_json(record)?;
        self.soon(|all| {
            if all.iter().all(|one| one.token != token) {
                all.push(Sharer { token, record });
            }
        });
        None
    }

    /// Marks the one with this token.
    pub(super) async fn take_away(&self, token: u64, by: &TakenAway) -> Result<()> {
        let turn = self.turn().await?;
        self.write(&turn, |all| {
            let own = all.iter_mut().find(|one| one.token == token);
            if let Some(own) = own {
                own.record.taken_away = Some(by.clone());
            }
        })
    }

    /// The file, which nobody else changes until this is dropped.
    async fn turn(&self) -> Result<LockFile> {
        let file = LockFile::open(&self.directory, &self.name).await?;
        for _ in 0..TRIES {
            if file.try_lock(false)? {
                return Ok(file);
            }
            tokio::time::sleep(PAUSE).await;
        }
        let why = "it is locked by another";
        let path = self.directory.path_of(&self.name);
        Err(Error::new(ErrorKind::Unavailable, why).of(subject(&path)))
    }

    /// Changes the file, if that can be done soon.
    fn soon(&self, change: impl FnOnce(&mut Vec<Sharer>)) {
        let found = LockFile::find(&self.directory, &self.name, true);
        let Ok(Some(file)) = found else {
            return;
        };
        for _ in 0..TRIES_AT_END {
            match file.try_lock(false) {
                Ok(true) => {
                    let _ = self.write(&file, change);
                    return;
                }
                Ok(false) => std::thread::sleep(PAUSE_AT_END),
                Err(_) => return,
            }
        }
    }

    /// Changes the file, in place: in a sticky directory nobody may replace another's.
    fn write(&self, file: &LockFile, change: impl FnOnce(&mut Vec<Sharer>)) -> Result<()> {
        let path = self.directory.path_of(&self.name);
        let failed = |error| refused(&path, "cannot write the file", error);
        let mut all = read(&opened(file).map_err(failed)?);
        change(&mut all);
        let mut text = Vec::new();
        for one in &all {
            // A number, strings and a map of strings always serialise.
            text.extend(serde_json::to_vec(one).unwrap_or_default());
            text.push(b'\n');
        }
        let file = opened(file).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        file.write_all_at(&text, 0).map_err(failed)
    }
}

/// Whether the record may be that of a process that has taken the lock. If the kernel names others, it is
/// an earlier holder's that was killed.
pub(super) fn is_by(record: &Record, flocked: &Flocked) -> bool {
    let here = Record::host_name() == record.host;
    match flocked {
        Flocked::No => false,
        Flocked::Yes => true,
        Flocked::By(pid) => !here || *pid as u32 == record.pid,
        Flocked::Shared(pids) => {
            !here || pids.is_empty() || pids.iter().any(|&pid| pid as u32 == record.pid)
        }
    }
}

/// The file by a descriptor of its own, to read and write.
fn opened(file: &LockFile) -> io::Result<File> {
    Ok(file.as_fd().try_clone_to_owned()?.into())
}

/// What is no line of ours is passed over.
fn read(file: &File) -> Vec<Sharer> {
    let lines = BufReader::new(file.take(LONGEST))
        .split(b'\n')
        .map_while(io::Result::ok);
    lines
        .filter_map(|line| serde_json::from_slice(&line).ok())
        .collect()
}
