//! Whether somebody holds flock(2) on a file, seen from outside.

use std::os::fd::AsFd;

use rustix::fs::{FlockOperation, Stat, major, minor};
use rustix::io::Errno;

/// Who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flocked {
    /// Nobody.
    No,
    /// A lock that this process took; others may have inherited it, and it may be gone.
    By(i32),
    /// Somebody, whom the kernel does not tell: of another PID namespace, say.
    Yes,
}

/// Looks at the kernel's list first, since that disturbs nobody. What is not on it may be held all
/// the same: file systems that stand on others have numbers of their own there, and processes of
/// other PID namespaces are left out (proc(5)). So it is tried, for a moment, with a lock that only
/// keeps away who tries in that moment; genlock itself tries twice.
pub(super) fn flocked(file: &impl AsFd, stat: &Stat) -> Result<Flocked, Errno> {
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    if let Some(pid) = holder(&locks, stat) {
        return Ok(Flocked::By(pid));
    }
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            rustix::fs::flock(file, FlockOperation::Unlock)?;
            Ok(Flocked::No)
        }
        Err(Errno::WOULDBLOCK) => Ok(Flocked::Yes),
        Err(errno) => Err(errno),
    }
}

/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`; a line with `->` is one who waits.
fn holder(locks: &str, stat: &Stat) -> Option<i32> {
    let place = format!(
        "{:02x}:{:02x}:{}",
        major(stat.st_dev),
        minor(stat.st_dev),
        stat.st_ino
    );
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        (fields.next()? == "FLOCK").then_some(())?;
        let pid = fields.nth(2)?;
        (fields.next()? == place).then(|| pid.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_kernel_knows_who_holds_it() {
        let path = tempfile::NamedTempFile::new().expect("a file");
        let open = || File::open(path.path()).expect("a file");
        let (holder, other) = (open(), open());
        let stat = rustix::fs::fstat(&other).expect("a file");
        assert_eq!(flocked(&other, &stat), Ok(Flocked::No));
        rustix::fs::flock(&holder, FlockOperation::LockExclusive).expect("a lock");
        let ours = Flocked::By(std::process::id() as i32);
        let seen = flocked(&other, &stat).expect("an answer");
        assert!(seen == ours || seen == Flocked::Yes, "{seen:?}");
        rustix::fs::flock(&holder, FlockOperation::Unlock).expect("no lock");
        assert_eq!(flocked(&other, &stat), Ok(Flocked::No));
    }

    #[test]
    fn who_waits_does_not_hold() {
        let path = tempfile::NamedTempFile::new().expect("a file");
        let stat = rustix::fs::stat(path.path()).expect("a file");
        let (device, inode) = (stat.st_dev, stat.st_ino);
        let place = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
        let held = format!("1: FLOCK  ADVISORY  WRITE 12 {place} 0 EOF\n");
        let waits = format!("1: -> FLOCK  ADVISORY  WRITE 13 {place} 0 EOF\n");
        let another = format!("2: POSIX  ADVISORY  WRITE 14 {place} 0 EOF\n");
        assert_eq!(holder(&format!("{another}{waits}{held}"), &stat), Some(12));
        assert_eq!(holder(&format!("{waits}{another}"), &stat), None);
    }
}
