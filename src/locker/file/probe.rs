//! Whether somebody holds flock(2) on a file, seen from outside.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use rustix::fs::{FlockOperation, Stat, major, minor};
use rustix::io::Errno;

/// Who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flocked {
    /// Nobody.
    No,
    /// Several share it, or one that would. These processes took the lock, as far as the kernel names them.
    Shared(Vec<i32>),
    /// This process took the lock alone. It may have ended since, and others may have inherited the lock.
    By(i32),
    /// Somebody alone whom the kernel does not name, as in another PID namespace.
    Yes,
}

/// Looks at /proc/locks first, which disturbs nobody. A lock that is not listed may be held all the
/// same: stacked file systems (overlayfs) are listed by another device number, and holders in other
/// PID namespaces are left out (proc(5)). So then it tries to take a shared lock, and an exclusive one, for
/// a moment. That can fail only somebody who tries without waiting in this very moment; genlock itself tries
/// twice. Not by a descriptor that has the lock: it would let go of it.
pub(super) fn flocked(file: &impl AsFd, stat: &Stat) -> Result<Flocked, Errno> {
    if let Some(listed) = listed(stat) {
        return Ok(listed);
    }
    let free = |operation| match rustix::fs::flock(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    };
    if !free(FlockOperation::NonBlockingLockShared)? {
        return Ok(Flocked::Yes);
    }
    let alone = free(FlockOperation::NonBlockingLockExclusive);
    rustix::fs::flock(file, FlockOperation::Unlock)?;
    Ok(match alone? {
        true => Flocked::No,
        false => Flocked::Shared(Vec::new()),
    })
}

/// What /proc/locks says, which also who has the lock may ask; `None` if nobody is listed.
pub(super) fn listed(stat: &Stat) -> Option<Flocked> {
    let (mut locks, pieces) = list().unwrap_or_default();
    if pieces > 1 {
        locks += &list().unwrap_or_default().0;
    }
    in_list(&locks, stat)
}

/// The list, and in how many pieces the kernel gave it: a page at most in each. Where others lock and let go
/// between two of them, lines are left out, or said twice.
fn list() -> io::Result<(String, usize)> {
    let mut file = File::open("/proc/locks")?;
    let (mut list, mut pieces, mut piece) = (Vec::new(), 0, [0; 8192]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((String::from_utf8_lossy(&list).into_owned(), pieces)),
            length => list.extend_from_slice(&piece[..length]),
        }
        pieces += 1;
    }
}

/// Reads `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`, or READ of one who shares it; a line with `->`
/// is a waiter's.
fn in_list(locks: &str, stat: &Stat) -> Option<Flocked> {
    let place = format!(
        "{:02x}:{:02x}:{}",
        major(stat.st_dev),
        minor(stat.st_dev),
        stat.st_ino
    );
    let holders = locks.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        (fields.next()? == "FLOCK").then_some(())?;
        let (kind, pid) = (fields.nth(1)?, fields.next()?);
        (fields.next()? == place).then(|| Some((kind, pid.parse().ok()?)))?
    });
    let holders: Vec<(_, i32)> = holders.collect();
    match holders.first()? {
        &("WRITE", pid) => Some(Flocked::By(pid)),
        _ => {
            let mut pids: Vec<_> = holders.into_iter().map(|(_, pid)| pid).collect();
            pids.sort_unstable();
            pids.dedup();
            Some(Flocked::Shared(pids))
        }
    }
}

#[cfg(test)]
mod tests {
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
        rustix::fs::flock(&holder, FlockOperation::LockShared).expect("a lock");
        let seen = flocked(&other, &stat).expect("an answer");
        assert!(matches!(seen, Flocked::Shared(_)), "{seen:?}");
        rustix::fs::flock(&holder, FlockOperation::Unlock).expect("no lock");
        assert_eq!(flocked(&other, &stat), Ok(Flocked::No));
    }

    #[test]
    fn a_waiter_is_no_holder() {
        let path = tempfile::NamedTempFile::new().expect("a file");
        let stat = rustix::fs::stat(path.path()).expect("a file");
        let (device, inode) = (stat.st_dev, stat.st_ino);
        let place = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
        let held = format!("1: FLOCK  ADVISORY  WRITE 12 {place} 0 EOF\n");
        let waits = format!("1: -> FLOCK  ADVISORY  WRITE 13 {place} 0 EOF\n");
        let another = format!("2: POSIX  ADVISORY  WRITE 14 {place} 0 EOF\n");
        let seen = in_list(&format!("{another}{waits}{held}"), &stat);
        assert_eq!(seen, Some(Flocked::By(12)));
        assert_eq!(in_list(&format!("{waits}{another}"), &stat), None);
        let shared = [
            held.replace("WRITE", "READ "),
            held.replace("WRITE 12", "READ 15"),
        ]
        .concat();
        // A list that was read twice.
        let seen = in_list(&format!("{shared}{waits}{shared}"), &stat);
        assert_eq!(seen, Some(Flocked::Shared(vec![12, 15])));
    }
}
