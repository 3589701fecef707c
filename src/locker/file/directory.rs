//! The directory of lock files: one's own, or the one that all users of a host share.
//!
//! In a shared directory any user can put anything, so nothing is reached through a path but the
//! directory itself: it is opened once, no link followed, looked at through its descriptor, and
//! everything in it is opened relative to that.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use crate::error::{Error, ErrorKind, Result, plain};

/// Read, write and search for all, and files are removed only by who owns them.
const SHARED: Mode = Mode::RWXU
    .union(Mode::RWXG)
    .union(Mode::RWXO)
    .union(Mode::SVTX);

/// Lock files are read and written by all who may lock them, and by nobody else: who can open one
/// can lock it, and it has the holder's command line.
const OWN_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const GROUPS_FILE: Mode = OWN_FILE.union(Mode::RGRP).union(Mode::WGRP);
const SHARED_FILE: Mode = GROUPS_FILE.union(Mode::ROTH).union(Mode::WOTH);

/// An open directory that was found fit for lock files.
pub(super) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether every user may make files here, which then every user may lock.
    shared: bool,
    files: Mode,
}

impl Directory {
    /// Opens one's own directory, and makes it, for this user only, if it is absent. Who may
    /// write to it is the user's business, but for what cannot be safe.
    pub(super) fn own(path: PathBuf) -> Result<Self> {
        let (fd, stat) = open(&path, OFlags::empty(), Mode::RWXU)
            .map_err(|errno| refused(&path, "cannot open the directory", errno))?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        let shared = mode.contains(Mode::WOTH);
        fit_to_own(&path, &stat)?;
        // A relative path means something else in another working directory.
        let path = path.canonicalize().unwrap_or(path);
        let files = if shared {
            SHARED_FILE
        } else if mode.contains(Mode::WGRP) {
            GROUPS_FILE
        } else {
            OWN_FILE
        };
        Ok(Self {
            fd,
            path,
            shared,
            files,
        })
    }

    /// Opens a directory that all users of the host share, and makes it if it is absent.
    pub(super) fn shared(path: PathBuf) -> Result<Self> {
        let (fd, stat) = open(&path, OFlags::NOFOLLOW, SHARED)
            .map_err(|errno| refused(&path, "cannot open the shared lock directory", errno))
            .map_err(|error| with_way_out(error, &path))?;
        let stat = put_right(&fd, stat)
            .map_err(|errno| refused(&path, "cannot take over the shared lock directory", errno))?;
        fit_to_share(&path, &stat)
            .and_then(|()| in_place(&path, &stat))
            .map_err(|error| with_way_out(error, &path))?;
        Ok(Self {
            fd,
            path,
            shared: true,
            files: SHARED_FILE,
        })
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared
    }

    /// For whom its files are: for those who may make files in it.
    pub(super) fn file_mode(&self) -> Mode {
        self.files
    }

    /// The names in it.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let failed = |errno| refused(&self.path, "cannot read the directory", errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A name that is not UTF-8 is none of ours.
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        Ok(names)
    }

    /// The path of a file in it, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl AsFd for Directory {
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

/// Gives a shared directory the mode that it needs, against the umask, if it is ours, and if we
/// are root the owner too: whoever owns it can replace every file in it.
fn put_right(fd: &OwnedFd, stat: Stat) -> Result<Stat, Errno> {
    let user = rustix::process::geteuid();
    let owner = Uid::from_raw(stat.st_uid);
    let take = user.is_root() && !owner.is_root();
    if take {
        rustix::fs::fchown(fd, Some(Uid::ROOT), Some(Gid::ROOT))?;
    }
    if (take || owner == user) && Mode::from_raw_mode(stat.st_mode) != SHARED {
        rustix::fs::fchmod(fd, SHARED)?;
    }
    rustix::fs::fstat(fd)
}

/// Refuses a directory of one's own in which any user can replace a file.
pub(super) fn fit_to_own(path: &Path, stat: &Stat) -> Result<()> {
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
        let why = "any user can replace the lock files in it (world-writable without the \
                   sticky bit): chmod +t it, or use another directory";
        return Err(unfit(path, why));
    }
    Ok(())
}

/// Refuses a directory in which a user other than root, or than ourselves, can replace a file.
pub(super) fn fit_to_share(path: &Path, stat: &Stat) -> Result<()> {
    let owner = Uid::from_raw(stat.st_uid);
    if !owner.is_root() && owner != rustix::process::geteuid() {
        let why = format!(
            "it belongs to the user {}, who can replace the lock files in it",
            stat.st_uid
        );
        return Err(unfit(path, &why));
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX) {
        let why = "others can replace the lock files in it (writable without the sticky bit)";
        return Err(unfit(path, why));
    }
    Ok(())
}

/// Refuses a directory that was moved away while it was looked at: who owned it could do that.
fn in_place(path: &Path, stat: &Stat) -> Result<()> {
    match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) if same_file(&there, stat) => Ok(()),
        _ => Err(unfit(path, "it was replaced while it was opened")),
    }
}

/// Whether both are of one file.
pub(super) fn same_file(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

pub(super) fn unfit(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("{}: {why}", path.display()),
    )
}

pub(super) fn with_way_out(error: Error, path: &Path) -> Error {
    let message = format!(
        "{error}; as root, put that right with `install -d -m 1777 -o root {}`, or choose a \
         directory of your own with file:DIR",
        path.display()
    );
    Error::new(error.kind(), message).with_source(error)
}

/// What the system refused about `path`, of the kind that tells who can do something about it.
pub(super) fn refused(path: &Path, what: &str, why: impl Into<io::Error>) -> Error {
    let why = why.into();
    let kind = match Errno::from_io_error(&why) {
        Some(Errno::ACCESS | Errno::PERM) => ErrorKind::Denied,
        Some(
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::ISDIR
            | Errno::LOOP
            | Errno::ROFS
            | Errno::NXIO
            | Errno::NAMETOOLONG
            | Errno::INVAL,
        ) => ErrorKind::InvalidConfig,
        _ => ErrorKind::Unavailable,
    };
    let message = format!("{}: {what}: {}", path.display(), plain(&why.to_string()));
    Error::new(kind, message).with_source(why)
}
