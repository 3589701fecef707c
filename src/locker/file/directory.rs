//! The directory of lock files: the one that is named, whose mode and group say who else may lock in
//! it, or else the user's own.
//!
//! Where others can write they can put anything, so nothing is reached through a path but the
//! directory itself: it is opened once, looked at through its descriptor, and everything in it is
//! opened relative to that.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::Gid;

use super::own;
use super::refusal::{refused, unfit};
use crate::error::Result;

/// An open directory that was found fit for lock files.
pub(super) struct LockDirectory {
    fd: OwnedFd,
    path: PathBuf,
    sharing: Sharing,
}

/// Who may open the lock files of a directory, and so hold up a lock, write to its file, and read the
/// holder's command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// This user alone, whatever a file's mode was.
    Own,
    /// Whoever each file's mode says; new ones are for their user alone.
    AsIs,
    /// The group that may make files in the directory.
    Group(Gid),
    /// All users, who may make files in it.
    All,
}

impl LockDirectory {
    /// Opens a directory that was named, and makes it, for this user only, if it is absent. Who may
    /// write to it is the user's choice, unless any user could replace the files.
    pub(super) fn named(path: PathBuf) -> Result<Self> {
        let (fd, stat) = open(&path, OFlags::empty(), Mode::RWXU)
            .map_err(|errno| refused(&path, "cannot open the directory", errno))?;
        fit(&path, &stat)?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        let sharing = if mode.contains(Mode::WOTH) {
            Sharing::All
        } else if mode.contains(Mode::WGRP) {
            Sharing::Group(Gid::from_raw(stat.st_gid))
        } else {
            Sharing::AsIs
        };
        Ok(Self::opened(fd, path, sharing))
    }

    /// Opens the user's own directory, and makes it if it is absent.
    pub(super) fn own() -> Result<Self> {
        let path = own::path();
        let (fd, stat) = open(&path, OFlags::NOFOLLOW, own::MODE)
            .map_err(|errno| refused(&path, "cannot open the directory", errno))
            .map_err(own::with_way_out)?;
        own::fit(&path, &stat)?;
        Ok(Self::opened(fd, path, Sharing::Own))
    }

    fn opened(fd: OwnedFd, path: PathBuf, sharing: Sharing) -> Self {
        // The same for every process, since owner keys contain it and are compared: a relative path
        // means something else in another working directory.
        let path = path.canonicalize().unwrap_or(path);
        Self { fd, path, sharing }
    }

    pub(super) fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// The names in it.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let failed = |errno| refused(&self.path, "cannot read the directory", errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // No lock file's name is anything but UTF-8.
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        Ok(names)
    }

    /// The path of a file in it, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl AsFd for LockDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opens the directory, after making it with `mode`, less the umask, if it is absent.
fn open(path: &Path, flags: OFlags, mode: Mode) -> Result<(OwnedFd, Stat), Errno> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            match rustix::fs::mkdirat(CWD, path, mode) {
                // Another made it in the meantime.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            rustix::fs::openat(CWD, path, flags, Mode::empty())?
        }
        opened => opened?,
    };
    let stat = rustix::fs::fstat(&fd)?;
    Ok((fd, stat))
}

/// Refuses a directory in which any user can replace a file.
pub(super) fn fit(path: &Path, stat: &Stat) -> Result<()> {
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
        let why = "any user can replace the lock files in it (world-writable without the \
                   sticky bit): chmod +t it, or use another directory";
        return Err(unfit(path, why));
    }
    Ok(())
}

/// Whether both are of one file.
pub(super) fn same_file(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}
