//! Finding this process's children, with /proc and without.

use std::mem::MaybeUninit;

use super::proc::Proc;

/// The kernel's limit on process numbers (PID_MAX_LIMIT, proc(5)).
pub(super) const PID_MAX_LIMIT: i32 = 1 << 22;

/// How many numbers a quick search asks about from our own on, and how many from the lowest on.
const NEAR: i32 = 1 << 16;

/// Among how many numbers children are sought where there is no /proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Those that children most likely have.
    Quick,
    /// All that there can be, which takes part of a second.
    Thorough,
}

/// Finds this process's children, and gives the /proc that has them; `None` where there is none.
pub(super) fn each_child(search: Search, mut found: impl FnMut(i32)) -> Option<Proc> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let proc = Proc::open().filter(|proc| proc.each_child(own, &mut found));
    if proc.is_none() {
        each_child_by_asking(search, found);
    }
    proc
}

/// Finds this process's children without /proc, by asking waitid(2) about one number after the other:
/// it fails at once for what is no child.
///
/// The kernel gives out ascending numbers, and then begins again at the lowest. So younger processes
/// have the numbers after ours until very many were started on the host.
fn each_child_by_asking(search: Search, mut found: impl FnMut(i32)) {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let ranges = match search {
        Search::Quick => [own..own.saturating_add(NEAR), 1..own.min(NEAR)],
        Search::Thorough => [1..PID_MAX_LIMIT, 0..0],
    };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    for number in ranges.into_iter().flatten() {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        let id = number as libc::id_t;
        // SAFETY: `info` has room for what waitid(2) writes.
        if unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) } == 0 {
            found(number);
        }
    }
}
