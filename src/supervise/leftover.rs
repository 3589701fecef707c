//! What a command leaves behind when it ends: found before it is sent SIGTERM, so that it can be
//! named afterwards.

use std::mem::MaybeUninit;

use super::descendants::Descendants;
use super::proc::{NAME, Proc};

/// One of the processes that a command has left behind, and how many others there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(super) pid: i32,
    pub(super) others: i32,
    /// Its name as the kernel keeps it, ended by a NUL byte (PR_SET_NAME, prctl(2)).
    pub(super) name: [u8; NAME],
}

impl Leftover {
    pub(super) const SIZE: usize = 4 + NAME;

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn others(&self) -> i32 {
        self.others
    }

    pub(crate) fn name(&self) -> String {
        let name = self.name.split(|&byte| byte == 0).next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }

    /// As bytes, without the process number.
    pub(super) fn encode(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.others.to_ne_bytes());
        bytes[4..].copy_from_slice(&self.name);
        bytes
    }

    pub(super) fn decode(pid: i32, [a, b, c, d, name @ ..]: &[u8; Self::SIZE]) -> Self {
        Self {
            pid,
            others: i32::from_ne_bytes([*a, *b, *c, *d]),
            name: *name,
        }
    }

    /// Looks below this process. `None` if nothing lives there, or there is no /proc to see it in.
    pub(super) fn find(descendants: &mut Descendants) -> Option<Self> {
        // Most commands leave nothing, and cost this one system call.
        if !has_living_child() {
            return None;
        }
        let proc = Proc::open()?;
        let mut living = descendants.all_living(&proc);
        let pid = living.next()?;
        Some(Self {
            pid,
            others: living.count() as i32,
            name: proc.name(pid),
        })
    }
}

/// Whether a child of this process lives: without WEXITED waitid(2) does not count those that have
/// ended and only were not reaped (wait_consider_task() in the kernel's kernel/exit.c).
fn has_living_child() -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` has room for what waitid(2) writes.
    unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) == 0 }
}
