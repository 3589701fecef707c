//! Signal dispositions and the signal mask of this process (signal(7)).

use std::mem::MaybeUninit;
use std::ptr;

/// Whether this process ignores `signal`.
pub(super) fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null new action, sigaction(2) only fills `action`, which all zeroes are
    // valid for.
    unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: initialised above, by zeroes or by the call.
    let action = unsafe { action.assume_init() };
    action.sa_sigaction == libc::SIG_IGN
}

/// Sets SIG_DFL or SIG_IGN.
pub(super) fn set_disposition(signal: libc::c_int, disposition: libc::sighandler_t) {
    // SAFETY: neither of the two runs any code of ours.
    unsafe { libc::signal(signal, disposition) };
}

/// Runs `action` while a signal has this disposition in place of its own.
pub(super) fn with_disposition<T>(
    signal: libc::c_int,
    disposition: libc::sighandler_t,
    action: impl FnOnce() -> T,
) -> T {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null new action this only fills `before`, which all zeroes are valid for.
    unsafe { libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) };
    set_disposition(signal, disposition);
    let result = action();
    // SAFETY: what was in force before, which sigaction(2) gave.
    unsafe { libc::sigaction(signal, before.as_ptr(), ptr::null_mut()) };
    result
}

/// Blocks every signal, and gives the mask from before.
pub(super) fn block_signals() -> libc::sigset_t {
    let before = mask();
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset(3) initialises the set.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: initialised above.
    set_mask(&unsafe { all.assume_init() });
    before
}

/// The signal mask of this thread.
pub(super) fn mask() -> libc::sigset_t {
    let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: with a null new set this only fills `mask`, which all zeroes are valid for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, ptr::null(), mask.as_mut_ptr()) };
    // SAFETY: initialised above, by zeroes or by the call.
    unsafe { mask.assume_init() }
}

/// Sets the signal mask of this thread.
pub(super) fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: `mask` is a valid set; the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask, ptr::null_mut()) };
}

/// Lets one signal through.
pub(super) fn unblock(signal: libc::c_int) {
    let mut mask = mask();
    // SAFETY: the set is initialised.
    unsafe { libc::sigdelset(&mut mask, signal) };
    set_mask(&mask);
}
