//! One lock file: flock(2) on it is the lock, its first line the counter behind the fencing
//! tokens, the rest the holder's record and an operator's mark for the holder.
//!
//! A lock file is never removed: whoever waits for it has it open, and would wait for a file that
//! nobody else finds any more.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::counter::{self, LINE};
use super::directory::{LockDirectory, Sharing, same_file};
use super::probe::{self, Flocked};
use super::refusal::{refused, unfit};
use crate::error::{Error, Result};
use crate::locker::{Record, TakenAway};

/// How much of the record and the marks is read. A record has a few hundred bytes.
const RECORD_MAX: usize = 64 * 1024;
/// Attempts to open a file that others make or remove meanwhile.
const TRIES: u32 = 10;

/// Lock files are read and written by all who may lock them, and by nobody else.
pub(super) const OWN_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const GROUPS_FILE: Mode = OWN_FILE.union(Mode::RGRP).union(Mode::WGRP);
const SHARED_FILE: Mode = GROUPS_FILE.union(Mode::ROTH).union(Mode::WOTH);

/// An open lock file.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    place: Arc<LockPath>,
}

/// Where a lock file was found.
pub(super) struct LockPath {
    directory: Arc<LockDirectory>,
    name: String,
    stat: Stat,
}

/// What a holder has written.
#[derive(Clone, Copy)]
pub(super) struct Signed {
    pub(super) token: u64,
    /// How long the file is, if nobody else has written to it.
    pub(super) length: u64,
}

impl LockPath {
    /// Whether the name still leads to this file, so that others lock the same one.
    pub(super) fn is_current(&self) -> bool {
        self.length().is_some()
    }

    pub(super) fn directory(&self) -> &Arc<LockDirectory> {
        &self.directory
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The length of the file that the name leads to, if that is still this one.
    pub(super) fn length(&self) -> Option<u64> {
        let there = rustix::fs::statat(&*self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let same = there.ok().filter(|there| same_file(there, &self.stat))?;
        Some(same.st_size as u64)
    }
}

impl LockFile {
    /// Opens the file of this name, and makes it if it is absent.
    ///
    /// A file that is there is opened without `O_CREAT`: in a sticky directory that others may
    /// write to, the kernel refuses that for their files, to root as well (proc(5),
    /// `fs/protected_regular`).
    pub(super) async fn open(directory: &Arc<LockDirectory>, name: &str) -> Result<Self> {
        let path = directory.path_of(name);
        let flags =
            OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let make = flags | OFlags::CREATE | OFlags::EXCL;
        let shared = matches!(directory.sharing(), Sharing::Group(_) | Sharing::All);
        let mut last = Errno::AGAIN;
        for _ in 0..TRIES {
            let opened = match rustix::fs::openat(&**directory, name, flags, Mode::empty()) {
                Err(Errno::NOENT) => rustix::fs::openat(&**directory, name, make, OWN_FILE),
                opened => opened,
            };
            match opened {
                Ok(fd) => return Self::checked(fd.into(), path, directory, name),
                Err(Errno::LOOP) => return Err(strange(&path, "it is a symbolic link")),
                // Another has made it between our two attempts, or has not given it its mode yet.
                Err(errno @ (Errno::EXIST | Errno::ACCESS)) => last = errno,
                Err(errno) => return Err(refused(&path, "cannot open the lock file", errno)),
            }
            if last == Errno::ACCESS && !shared {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(refused(&path, "cannot open the lock file", last))
    }

    /// Refuses what another user may have planted, and sets the mode and group of the file.
    fn checked(
        file: File,
        path: PathBuf,
        directory: &Arc<LockDirectory>,
        name: &str,
    ) -> Result<Self> {
        let failed = |errno: Errno| refused(&path, "cannot use the lock file", errno);
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(strange(&path, "it is not a regular file"));
        }
        if stat.st_nlink > 1 {
            return Err(strange(&path, "the file has another name (hard link)"));
        }
        share(&file, &stat, directory.sharing()).map_err(failed)?;
        let place = LockPath {
            directory: directory.clone(),
            name: name.to_owned(),
            stat,
        };
        Ok(Self {
            file,
            path,
            place: Arc::new(place),
        })
    }

    /// Takes the lock if it is free, or `shared` by those only who share it too.
    pub(super) fn try_lock(&self, shared: bool) -> Result<bool> {
        let operation = match shared {
            true => FlockOperation::NonBlockingLockShared,
            false => FlockOperation::NonBlockingLockExclusive,
        };
        match rustix::fs::flock(&self.file, operation) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Err(errno) => Err(refused(&self.path, "cannot lock the file", errno)),
        }
    }

    /// Lets go of the lock, also for the copies of the descriptor in other processes.
    pub(super) fn unlock(&self) {
        // This cannot fail on an open file; and the lock ends at the latest when the file is closed.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }

    pub(super) fn place(&self) -> &Arc<LockPath> {
        &self.place
    }

    /// Opens the file of this name to look at it, or with `write` to add a mark; `None` if it is
    /// absent.
    pub(super) fn find(
        directory: &Arc<LockDirectory>,
        name: &str,
        write: bool,
    ) -> Result<Option<Self>> {
        let path = directory.path_of(name);
        let access = if write {
            OFlags::RDWR | OFlags::APPEND
        } else {
            OFlags::RDONLY
        };
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = match rustix::fs::openat(&**directory, name, flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(strange(&path, "it is a symbolic link")),
            Err(errno) => return Err(refused(&path, "cannot open the lock file", errno)),
        };
        let stat = rustix::fs::fstat(&file)
            .map_err(|errno| refused(&path, "cannot use the lock file", errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(strange(&path, "it is not a regular file"));
        }
        let place = LockPath {
            directory: directory.clone(),
            name: name.to_owned(),
            stat,
        };
        Ok(Some(Self {
            file,
            path,
            place: Arc::new(place),
        }))
    }

    /// Who holds the lock.
    pub(super) fn flocked(&self) -> Result<Flocked> {
        probe::flocked(&self.file, &self.place.stat)
            .map_err(|errno| refused(&self.path, "cannot look at the lock", errno))
    }

    /// Counts this acquisition and writes the record for others to read. For the holder of the lock.
    pub(super) fn sign(&self, record: &[u8]) -> Result<Signed> {
        let token = counter::next(self.count()?)
            .ok_or_else(|| strange(&self.path, "its counter has come to its end"))?;
        self.write(token, record).map_err(|error| {
            self.clear();
            let limit = error.kind() == std::io::ErrorKind::FileTooLarge;
            let refused = refused(&self.path, "cannot write the lock file", error);
            match limit {
                true => refused.with_way_out("raise the limit on files: ulimit -f"),
                false => refused,
            }
        })
    }

    /// Writes the counter and the record, in place of what is there.
    fn write(&self, token: u64, record: &[u8]) -> std::io::Result<Signed> {
        self.file.write_all_at(counter::line(token).as_bytes(), 0)?;
        self.file.write_all_at(record, LINE as u64)?;
        let length = (LINE + record.len()) as u64;
        self.file.set_len(length)?;
        Ok(Signed { token, length })
    }

    /// Writes the counter and the record anew if somebody has overwritten them: others know the
    /// holder by them. For the holder of the lock.
    pub(super) fn put_right(&self, signed: &Signed, record: &[u8]) {
        let there = self.read(LINE as u64, record.len());
        if self.count().ok() != Some(signed.token) || there.ok().as_deref() != Some(record) {
            // The next look tries again.
            let _ = self.write(signed.token, record);
        }
    }

    /// Takes the record away. For the holder of the lock.
    pub(super) fn clear(&self) {
        // If this fails the old record stays, which means nothing while nobody holds the lock.
        if self
            .file
            .metadata()
            .is_ok_and(|file| file.len() > LINE as u64)
        {
            let _ = self.file.set_len(LINE as u64);
        }
    }

    /// What stands for the holder with this token.
    pub(super) fn owner_key(&self, token: u64) -> String {
        format!("{}:{token}", self.path.display())
    }

    /// Who holds the lock, as far as it can be read.
    pub(super) fn record(&self) -> Option<Record> {
        self.values().next().and_then(Record::from_value)
    }

    /// Adds a mark for the holder with this token, behind its record. It changes nothing else
    /// (O_APPEND, open(2)); and if another holds the lock by now, the mark does not have its token.
    pub(super) fn take_away(&self, token: u64, by: &TakenAway) -> Result<()> {
        let mark = OperatorMark {
            token,
            taken_away: by.clone(),
        };
        // Strings and a number always serialise.
        let line = format!("\n{}\n", serde_json::to_string(&mark).unwrap_or_default());
        (&self.file)
            .write_all(line.as_bytes())
            .map_err(|error| refused(&self.path, "cannot write the lock file", error))
    }

    /// The mark for the holder with this token, if there is one.
    pub(super) fn taken_away(&self, token: u64) -> Option<TakenAway> {
        let values = self.values().skip(1);
        values
            .filter_map(|value| serde_json::from_value(value).ok())
            .find_map(|mark: OperatorMark| (mark.token == token).then_some(mark.taken_away))
    }

    /// The record and the marks behind it, up to what is not JSON.
    fn values(&self) -> impl Iterator<Item = serde_json::Value> + use<> {
        let text = self.read(LINE as u64, RECORD_MAX).unwrap_or_default();
        let values = serde_json::Deserializer::from_slice(&text).into_iter();
        let values: Vec<_> = values.map_while(Result::ok).collect();
        values.into_iter()
    }

    /// The last token, or 0 if it was lost. A file that begins with neither a counter nor a part of one
    /// is refused: it may be another program's.
    pub(super) fn count(&self) -> Result<u64> {
        let line = self
            .read(0, LINE)
            .map_err(|error| refused(&self.path, "cannot read the lock file", error))?;
        counter::last(&line).ok_or_else(|| strange(&self.path, "its first line is not a counter"))
    }

    /// Reads at most `length` bytes.
    fn read(&self, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let mut content = vec![0; length];
        let read = self.file.read_at(&mut content, offset)?;
        content.truncate(read);
        Ok(content)
    }
}

/// An operator's mark in a lock file: the lock of the holder with this token is taken away.
#[derive(Serialize, Deserialize)]
struct OperatorMark {
    token: u64,
    taken_away: TakenAway,
}

impl AsFd for LockFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Gives a lock file of this user's the mode and group that `sharing` needs, whatever the umask took
/// off. A file whose group cannot be changed stays its user's alone.
pub(super) fn share(file: &File, stat: &Stat, sharing: Sharing) -> Result<(), Errno> {
    let user = rustix::process::geteuid();
    if !user.is_root() && user.as_raw() != stat.st_uid {
        return Ok(());
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    match sharing {
        Sharing::Own if mode != OWN_FILE => rustix::fs::fchmod(file, OWN_FILE),
        Sharing::Group(group) if stat.st_gid != group.as_raw() => {
            match rustix::fs::fchown(file, None, Some(group)) {
                Ok(()) => rustix::fs::fchmod(file, GROUPS_FILE),
                Err(Errno::PERM) => Ok(()),
                Err(errno) => Err(errno),
            }
        }
        Sharing::Group(_) if !mode.contains(GROUPS_FILE) => rustix::fs::fchmod(file, GROUPS_FILE),
        Sharing::All if !mode.contains(SHARED_FILE) => rustix::fs::fchmod(file, SHARED_FILE),
        _ => Ok(()),
    }
}

fn strange(path: &Path, why: &str) -> Error {
    let why = format!("not a lock file of genlock: {why}; move it away if nothing else needs it");
    unfit(path, &why)
}
