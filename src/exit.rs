//! The exit statuses of genlock itself. They are an interface: scripts branch on them.

use crate::ErrorKind;

/// How genlock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With this status.
    Status(u8),
    /// By this signal, so that a shell sees what it would have seen of the command itself.
    Signal(i32),
    /// By this signal, which the terminal sent to the command's process group, its foreground one. We
    /// send it to our own process group too: a script or pipeline that we are part of has to end on
    /// Ctrl-C as well.
    Interrupt(i32),
}

/// All is well.
pub(crate) const SUCCESS: u8 = 0;
/// `genlock status` and its like: nobody holds the lock.
pub(crate) const FREE: u8 = 1;
/// The options make no sense; `EX_USAGE` of sysexits.h.
pub(crate) const USAGE: u8 = 64;
/// The store cannot be reached or refused to work; `EX_UNAVAILABLE`.
pub(crate) const UNAVAILABLE: u8 = 69;
/// An error in genlock or its host; `EX_SOFTWARE`.
pub(crate) const INTERNAL: u8 = 70;
/// The lock is held by another; `EX_TEMPFAIL`, as of lckdo(1) and lockf(1).
pub(crate) const NOT_ACQUIRED: u8 = 75;
/// The store refused the credentials; `EX_NOPERM`.
pub(crate) const DENIED: u8 = 77;
/// The configuration cannot work; `EX_CONFIG`.
pub(crate) const CONFIG: u8 = 78;
/// The lock was lost and the command stopped. Free of sysexits.h, timeout(1), sh(1) and signals.
pub(crate) const LOST: u8 = 80;
/// `--max-runtime` was over, as of timeout(1).
pub(crate) const MAX_RUNTIME: u8 = 124;
/// The command cannot be executed, as of sh(1).
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The command was not found, as of sh(1).
pub(crate) const NOT_FOUND: u8 = 127;

/// The table, for help and man pages.
pub(crate) const TABLE: &str = "\
Exit status:
  the command's own, when it ran and ended. If it died of a signal, or genlock was interrupted
  while it waited, genlock dies of the same signal (128+n to a shell). Otherwise:
  64   usage; also a lock that a genlock around us holds already
  69   the store cannot be reached, or refused to work
  70   an internal error
  75   not acquired: held by another under --try, --wait ran out, or a newer one came (--queue
       latest); -E changes it
  77   the store refused the credentials
  78   bad configuration
  80   the lock was lost and the command stopped; --lost-exit-code changes it
  124  --max-runtime was over
  126  the command cannot be executed
  127  the command was not found
  A release that fails is a warning; the command's own status stands.";

impl Exit {
    /// The status for an error of the library.
    pub(crate) fn of_error(kind: ErrorKind) -> Self {
        Self::Status(match kind {
            ErrorKind::InvalidKey
            | ErrorKind::InvalidTtl
            | ErrorKind::AlreadyHeld
            | ErrorKind::Unsupported
            | ErrorKind::OtherMaxHolders => USAGE,
            ErrorKind::Superseded => NOT_ACQUIRED,
            ErrorKind::InvalidConfig => CONFIG,
            ErrorKind::Denied => DENIED,
            ErrorKind::Unavailable | ErrorKind::TimedOut => UNAVAILABLE,
            ErrorKind::OwnershipLost => LOST,
            ErrorKind::NotHeld | ErrorKind::Closed => INTERNAL,
        })
    }

    /// The status nearest to it, where one has to do: a signal becomes 128+n, as in sh(1).
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Status(status) => status,
            Self::Signal(signal) | Self::Interrupt(signal) => 128u8.saturating_add(signal as u8),
        }
    }
}
