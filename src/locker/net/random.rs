//! Random numbers of the kernel's.

use crate::error::{Error, ErrorKind, Result};

pub(crate) fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        let flags = rustix::rand::GetRandomFlags::empty();
        match rustix::rand::getrandom(&mut bytes[filled..], flags) {
            Ok(read) => filled += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the kernel gives no random numbers",
                )
                .with_source(error));
            }
        }
    }
    Ok(u64::from_ne_bytes(bytes))
}
