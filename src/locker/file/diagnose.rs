//! What an operator asks when locks in files do not work. Nothing is made or changed.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::refusal::{refused, unfit};
use super::{directory, name, own};
use crate::error::Result;

/// What was found out.
#[derive(Debug)]
pub(super) struct DirectoryDiagnosis {
    /// The directory.
    pub(super) path: PathBuf,
    /// What is there; `None` if there is nothing yet, or it cannot be looked at.
    pub(super) directory: Option<DirectoryMode>,
    /// Whether locks can be taken there.
    pub(super) fit: Result<()>,
}

/// A directory of lock files.
#[derive(Debug)]
pub(super) struct DirectoryMode {
    /// The number of the user that it belongs to.
    pub(super) owner: u32,
    /// Its permissions, as chmod(1) takes them.
    pub(super) mode: u32,
    /// Whether a user other than root and ourselves can make files in it, or put another directory
    /// in its place: such a user can hold up the locks in it, and write to their files.
    pub(super) others_write: bool,
    /// The file system that it is on.
    pub(super) filesystem: Filesystem,
}

/// What a directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filesystem {
    /// Its name, or that it is not known.
    pub(super) name: &'static str,
    /// Whether it is this host's alone, if that is known.
    pub(super) local: Option<bool>,
}

/// Looks at `directory`, or at the user's own, and at the lock file of `key` there.
pub(super) fn diagnose(directory: Option<&Path>, key: Option<&str>) -> DirectoryDiagnosis {
    let own = directory.is_none();
    let path = &*directory.map_or_else(own::path, Path::to_owned);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let flags = if own { flags | OFlags::NOFOLLOW } else { flags };
    let opened = rustix::fs::openat(CWD, path, flags, Mode::empty())
        .and_then(|fd| Ok((rustix::fs::fstat(&fd)?, filesystem(&fd)?)));
    let (directory, fit) = match opened {
        Ok((stat, filesystem)) => (
            Some(DirectoryMode {
                owner: stat.st_uid,
                mode: stat.st_mode & 0o7777,
                others_write: others_write(path, &stat),
                filesystem,
            }),
            fit(path, own, &stat, filesystem, key),
        ),
        Err(Errno::NOENT) => (None, makeable(path)),
        Err(errno) => (None, Err(refused(path, "cannot open the directory", errno))),
    };
    DirectoryDiagnosis {
        path: path.to_owned(),
        directory,
        fit,
    }
}

fn fit(
    path: &Path,
    own: bool,
    stat: &Stat,
    filesystem: Filesystem,
    key: Option<&str>,
) -> Result<()> {
    if own {
        own::fit(path, stat)?;
    } else {
        directory::fit(path, stat)?;
    }
    if filesystem.local == Some(false) {
        let why = format!(
            "it is on {}: locks in files are for one host, on a file system of its own",
            filesystem.name
        );
        return Err(unfit(path, &why));
    }
    accessible(path, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|errno| refused(path, "cannot make a lock file in it", errno))?;
    let Some(file) = key.map(|key| path.join(name::of(key))) else {
        return Ok(());
    };
    match accessible(&file, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(refused(&file, "cannot use the lock file", errno)),
    }
}

/// Whether a user other than root and ourselves can make files in it, in whatever way.
fn others_write(path: &Path, stat: &Stat) -> bool {
    // What a relative path or a link leads to has a parent of its own.
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    own::is_others(stat) || own::others_write(stat) || own::others_replace(&place)
}

/// It is made with the first lock, if the directory that it is in is there.
fn makeable(path: &Path) -> Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    accessible(
        parent.unwrap_or(Path::new(".")),
        Access::WRITE_OK | Access::EXEC_OK,
    )
    .map_err(|errno| refused(path, "cannot make the directory", errno))
}

fn accessible(path: &Path, access: Access) -> Result<(), Errno> {
    rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS)
}

/// By the numbers of linux/magic.h and statfs(2).
fn filesystem(fd: &rustix::fd::OwnedFd) -> Result<Filesystem, Errno> {
    let (name, local) = match rustix::fs::fstatfs(fd)?.f_type as u32 {
        0xef53 => ("ext4", Some(true)),
        0x5846_5342 => ("xfs", Some(true)),
        0x9123_683e => ("btrfs", Some(true)),
        0x0102_1994 => ("tmpfs", Some(true)),
        0x2fc1_2fc1 => ("zfs", Some(true)),
        0xf2f5_2010 => ("f2fs", Some(true)),
        0xca45_1a4e => ("bcachefs", Some(true)),
        0x794c_7630 => ("overlayfs", None),
        0x6573_5546 => ("FUSE", None),
        0x0102_1997 => ("9p", None),
        0x6969 => ("NFS", Some(false)),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => ("SMB", Some(false)),
        0x00c3_6400 => ("Ceph", Some(false)),
        0x0bd0_0bd0 => ("Lustre", Some(false)),
        0x0116_1970 => ("GFS2", Some(false)),
        0x7461_636f => ("OCFS2", Some(false)),
        0x5346_414f | 0x6b41_4653 => ("AFS", Some(false)),
        _ => ("an unknown file system", None),
    };
    Ok(Filesystem { name, local })
}
