//! What a service manager is told of its unit (sd_notify(3)).

use std::os::unix::ffi::OsStrExt;

use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};

use crate::describe;

/// Names the socket; with an @ at the beginning it is an abstract one (unix(7)).
const SOCKET: &str = "NOTIFY_SOCKET";

/// The lock is held.
pub(super) fn ready(key: &str) {
    tell(&format!("READY=1\nSTATUS=holds {}", describe::escape(key)));
}

/// The lock is about to be let go of.
pub(super) fn stopping() {
    tell("STOPPING=1");
}

/// Sends it, if anybody wants to know. That nobody listens is no reason to fail.
fn tell(state: &str) {
    let Some(name) = std::env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
        return;
    };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name),
        None => SocketAddrUnix::new(&*name),
    };
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None);
    if let (Ok(address), Ok(socket)) = (address, socket) {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let _ = sendto(&socket, state.as_bytes(), flags, &address);
    }
}
