//! Marks beside the lock files, a file each: written under another name and renamed, so that nobody reads
//! half of one. They may be written by whom the lock files may be. What is over is removed when a later
//! one is written.

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::FileStore;
use super::lockfile::{OWN_FILE, share};
use super::name;
use super::refusal::refused;
use crate::error::Result;
use crate::locker::limits::check_key;
use crate::locker::marks::{check_held, check_name, not_held};
use crate::locker::operator::Remaining;
use crate::locker::{BoxFuture, Held, Mark, Marks, Operator};

/// How much of a mark is read. It has a few hundred bytes.
const MARK_MAX: u64 = 64 * 1024;

/// When a mark was set, as its file says: among those of one token.
type SetAt = (i64, i64);

/// The file of a mark, and what is in it: nothing if that is over, or was not finished.
type MarkFile = (String, Option<(SetAt, Mark)>);

impl FileStore {
    /// The files of the marks of `key`. What cannot be read, such as another user's in a shared directory,
    /// is passed over.
    fn marks_of(&self, key: &str) -> Result<Vec<MarkFile>> {
        let names = self.directory.names()?.into_iter();
        let own = names.filter(|name| name::is_mark_of(name, key));
        let read = own.filter_map(|name| match name::is_new_mark(&name) {
            true => Some((name, None)),
            false => Some((name.clone(), self.read_mark(&name).ok()?)),
        });
        Ok(read.collect())
    }

    /// Reads a mark, if there is one that is not over. What no genlock wrote is none.
    fn read_mark(&self, name: &str) -> Result<Option<(SetAt, Mark)>> {
        let path = self.directory.path_of(name);
        let failed = |errno: Errno| refused(&path, "cannot read the mark", errno);
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = match rustix::fs::openat(&*self.directory, name, flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        let mut json = Vec::new();
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            let read = file.take(MARK_MAX).read_to_end(&mut json);
            read.map_err(|error| refused(&path, "cannot read the mark", error))?;
        }
        let set_at = (stat.st_mtime as i64, stat.st_mtime_nsec as i64);
        let mark = Mark::from_json(&json).filter(|mark| !mark.is_over());
        Ok(mark.map(|mark| (set_at, mark)))
    }

    /// Writes a mark under a name of its own, for [`FileStore::set`] to give it the one that counts.
    fn write_mark(&self, fresh: &str, json: &[u8]) -> Result<()> {
        let path = self.directory.path_of(fresh);
        let failed = |errno: Errno| refused(&path, "cannot write the mark", errno);
        self.unlink(fresh)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&*self.directory, fresh, flags, OWN_FILE);
        let mut file: File = made.map_err(failed)?.into();
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        share(&file, &stat, self.directory.sharing()).map_err(failed)?;
        let written = file.write_all(json).and_then(|()| file.sync_data());
        written.map_err(|error| refused(&path, "cannot write the mark", error))?;
        rustix::fs::futimens(&file, &now()).map_err(failed)
    }

    async fn set(&self, held: &Held, mark: &Mark, keep: Duration) -> Result<()> {
        let name = name::of_mark(held.key(), &mark.slot);
        let fresh = name::of_new_mark(held.key(), held.token());
        self.write_mark(&fresh, &mark.to_json(keep))?;
        let owner_key = held.owner_key().unwrap_or_default();
        let held_now = match self.left(owner_key, held.token()).await {
            Ok(Remaining::Nothing) => Err(not_held(held)),
            Ok(_) => check_held(held),
            Err(error) => Err(error),
        };
        let set = held_now.and_then(|()| {
            let renamed = rustix::fs::renameat(&*self.directory, &fresh, &*self.directory, &name);
            let path = self.directory.path_of(&name);
            renamed.map_err(|errno| refused(&path, "cannot write the mark", errno))
        });
        match set {
            Ok(()) => self.clean(held.key()),
            // Nobody reads it, and who marks next removes it.
            Err(_) => drop(self.unlink(&fresh)),
        }
        set
    }

    /// Removes what is over, and what another that was killed has not finished. For the holder of the
    /// lock. What cannot be removed, such as another user's in a shared directory, stays.
    fn clean(&self, key: &str) {
        for (name, mark) in self.marks_of(key).unwrap_or_default() {
            if mark.is_none() {
                let _ = self.unlink(&name);
            }
        }
    }

    /// Removes a file. Whether it was there.
    fn unlink(&self, name: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&*self.directory, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => {
                let path = self.directory.path_of(name);
                Err(refused(&path, "cannot remove the mark", errno))
            }
        }
    }

    fn forget_now(&self, key: &str, name: Option<&str>) -> Result<u64> {
        check_key(key)?;
        let mut removed = 0;
        if let Some(name) = name {
            check_name(name)?;
            let file = name::of_mark(key, name);
            let there = self.read_mark(&file)?.is_some();
            removed += u64::from(self.unlink(&file)? && there);
        } else {
            for (file, mark) in self.marks_of(key)? {
                removed += u64::from(self.unlink(&file)? && mark.is_some());
            }
        }
        Ok(removed)
    }
}

impl Marks for FileStore {
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            check_key(key)?;
            check_name(name)?;
            let read = self.read_mark(&name::of_mark(key, name));
            let read = read.map_err(|error| error.of_key(key))?;
            Ok(read.map(|(_, mark)| mark))
        })
    }

    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            check_key(key)?;
            let all = self.marks_of(key).map_err(|error| error.of_key(key))?;
            let marks = all.into_iter().filter_map(|(_, mark)| mark);
            let last = marks.max_by_key(|(set_at, mark)| (mark.token, *set_at));
            Ok(last.map(|(_, mark)| mark))
        })
    }

    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_name(&mark.slot)?;
            check_held(held)?;
            self.set(held, mark, keep).await
        })
    }

    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        let forgotten = self.forget_now(key, name);
        Box::pin(std::future::ready(forgotten))
    }
}

/// This moment, finer than the kernel's own stamps.
fn now() -> Timestamps {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let now = Timespec {
        tv_sec: since.as_secs() as _,
        tv_nsec: since.subsec_nanos() as _,
    };
    Timestamps {
        last_access: now,
        last_modification: now,
    }
}
