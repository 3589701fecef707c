//! Finding this process's children, with /proc and without.

use std::mem::MaybeUninit;

use super::proc::Proc;

/// The kernel's limit on process numbers (PID_MAX_LIMIT, proc(5)).
pub(super) const PID_MAX_LIMIT: i32 = 1 << 22;

/// A quick search asks so many numbers after our own, and so many from the lowest on.
const NEAR: i32 = 1 << 16;

/// How far descendants are looked for where there is no /proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Where they most likely are.
    Quick,
    /// Wherever they can be, which takes part of a second.
    Thorough,
}

/// Finds this process's children, and gives the /proc that names them; `None` where there is none.
pub(super) fn each_child(search: Search, mut found: impl FnMut(i32)) -> Option<Proc> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let proc = Proc::open().filter(|proc| proc.each_child(own, &mut found));
    if proc.is_none() {
        each_child_by_asking(search, found);
    }
    proc
}

/// Finds this process's children without /proc, by asking about every number there can be: for
/// any other, waitid(2) says at once that it is no child.
///
/// The kernel gives numbers in turn, and begins again at the lowest: what is younger than this
/// process follows on its number until many more processes were started on the host.
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
