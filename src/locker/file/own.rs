//! The user's own directory of lock files, for when no other is named: other users can neither hold
//! up a lock in it nor write to its file. Under `/tmp` another user can make a directory of its name
//! first: then every run is refused.

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Stat};
use rustix::process::Uid;

use super::refusal::unfit;
use crate::error::{Error, Result};

/// Root's. It is emptied when the host boots, and no lock outlives that.
const OF_ROOT: &str = "/run/genlock";

/// The mode that it is made with, less the umask.
pub(super) const MODE: Mode = Mode::RWXU
    .union(Mode::RGRP)
    .union(Mode::XGRP)
    .union(Mode::ROTH)
    .union(Mode::XOTH);

/// Where it is, whether it is there or not.
///
/// All that one user runs has to come to the same directory: cron's jobs have no `XDG_RUNTIME_DIR`,
/// or another's (a snap, a line in `.bashrc`), and `/run/user/UID` comes with the first login
/// (pam_systemd(8)). So where a directory under `/tmp` was made before that, it stays the one, and
/// the variable counts only where neither is there: those who differ in it do not meet then.
pub(super) fn path() -> PathBuf {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return OF_ROOT.into();
    }
    let last = PathBuf::from(format!("/tmp/genlock-{}", user.as_raw()));
    if is_own(&last, user) {
        return last;
    }
    let usual = PathBuf::from(format!("/run/user/{}", user.as_raw()));
    let given = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let given = given.filter(|given| given.is_absolute());
    [Some(usual), given]
        .into_iter()
        .flatten()
        .find(|path| is_own(path, user))
        .map_or(last, |path| path.join("genlock"))
}

/// Whether it is a directory of this user's, in which nobody else can write. It may be another user's:
/// su(1) leaves `XDG_RUNTIME_DIR` in the environment, and anybody can make one under `/tmp`.
fn is_own(path: &Path, user: Uid) -> bool {
    let stat = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && stat.st_uid == user.as_raw()
            && !others_write(&stat)
    })
}

/// Refuses a directory in which another user can make or replace files, or that another can replace.
pub(super) fn fit(path: &Path, stat: &Stat) -> Result<()> {
    let user = rustix::process::geteuid();
    let refused = |why: String| Err(with_way_out(unfit(path, &why)));
    if stat.st_uid != user.as_raw() {
        return refused(format!("it belongs to the user {}, not to us", stat.st_uid));
    }
    if others_write(stat) {
        return refused("others can write in it: chmod go-w it".to_owned());
    }
    if others_replace(path) {
        let parent = path.parent().unwrap_or(path).display();
        return refused(format!("others can replace it in {parent}"));
    }
    Ok(())
}

/// Whether a user other than root and ourselves can put another directory in its place.
pub(super) fn others_replace(path: &Path) -> bool {
    let parent = path.parent().unwrap_or(path);
    rustix::fs::stat(parent).is_ok_and(|stat| {
        let sticky = Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX);
        is_others(&stat) || (others_write(&stat) && !sticky)
    })
}

/// Whether it belongs to a user other than root and ourselves.
pub(super) fn is_others(stat: &Stat) -> bool {
    let owner = Uid::from_raw(stat.st_uid);
    !owner.is_root() && owner != rustix::process::geteuid()
}

pub(super) fn others_write(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

/// Another directory can be named.
pub(super) fn with_way_out(error: Error) -> Error {
    error.with_way_out("or name another directory with file:DIR")
}
