//! Which name services the C library asks for the address of a host.

use std::ffi::{c_char, c_int};
#[cfg(target_env = "gnu")]
use std::sync::Once;

unsafe extern "C" {
    /// In glibc's nss.h: the database's services, as a line of /etc/nsswitch.conf has them.
    #[cfg(target_env = "gnu")]
    fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
}

/// Has a statically linked genlock find hosts by /etc/hosts and DNS, which are built in, and load no
/// library for another service that /etc/nsswitch.conf names: one of another glibc than it was linked
/// with can crash it. To be called before each look-up.
pub(crate) fn bind() {
    #[cfg(target_env = "gnu")]
    BOUND.call_once(|| {
        if is_static() {
            // SAFETY: both are C strings, which it copies what it needs of.
            unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
        }
    });
}

/// It is done once, before there is a thread that looks up.
#[cfg(target_env = "gnu")]
static BOUND: Once = Once::new();

/// Whether no interpreter, the dynamic linker, was loaded (getauxval(3), AT_BASE).
#[cfg(target_env = "gnu")]
fn is_static() -> bool {
    // SAFETY: it only looks a number up.
    unsafe { libc::getauxval(libc::AT_BASE) == 0 }
}
