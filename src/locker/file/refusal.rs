//! Why a directory or a file is not used.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Subject, plain};
use crate::secrets;

/// A path that was configured, as it may be shown.
pub(super) fn subject(path: &Path) -> Subject {
    Subject::File(secrets::path(&path.to_string_lossy()).into())
}

/// What was configured is no place for locks, for this reason.
pub(super) fn unfit(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, why).of(subject(path))
}

/// What the system refused about `path`, of the kind that tells who can do something about it.
pub(super) fn refused(path: &Path, what: &str, why: impl Into<io::Error>) -> Error {
    let why = why.into();
    let kind = match Errno::from_io_error(&why) {
        Some(Errno::ACCESS | Errno::PERM) => ErrorKind::Denied,
        Some(
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::ISDIR
            | Errno::LOOP
            | Errno::ROFS
            | Errno::NXIO
            | Errno::NAMETOOLONG
            | Errno::INVAL,
        ) => ErrorKind::InvalidConfig,
        _ => ErrorKind::Unavailable,
    };
    let reason = format!("{what}: {}", plain(&why.to_string()));
    Error::new(kind, reason).of(subject(path)).with_source(why)
}
