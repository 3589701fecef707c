//! What supervision asks of the kernel that a sandbox (seccomp(2)) or an emulator (qemu-user) may
//! refuse, and what is missing then.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::PidfdFlags;
use rustix::time::{TimerfdClockId, TimerfdFlags};

use super::proc::Proc;
use super::{LeftoverPolicy, children};
use crate::error::plain;

/// What this host refuses, and what follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Orphans that the command leaves behind are not found.
    Subreaper(Errno),
    /// The command does not die when the watchdog does.
    DeathSignal(Errno),
    /// The watchdog looks at the time again and again.
    Timer(Errno),
    /// The watchdog looks at its children again and again.
    ChildEvents(Errno),
    /// A process is signalled by its number, which may be another's by then.
    Descriptors(Errno),
    /// There is no /proc of our PID namespace.
    Proc,
}

/// Whether the host refuses the call in general, and does not only lack memory, say.
pub(super) fn is_refused(error: Errno) -> bool {
    matches!(
        error,
        Errno::PERM | Errno::ACCESS | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP
    )
}

/// Makes orphans below this process its children (prctl(2)). Main does so for the time after the
/// watchdog's death: until then the watchdog is the nearer subreaper.
pub(super) fn become_subreaper() -> Result<(), Errno> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
}

/// Tries all of them. For a process that supervises nothing: it stays a subreaper.
pub(crate) fn missing() -> Vec<Missing> {
    let timer = rustix::time::timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC);
    let refused = [
        become_subreaper().err().map(Missing::Subreaper),
        death_signal().err().map(Missing::DeathSignal),
        timer.err().map(Missing::Timer),
        children::events().err().map(Missing::ChildEvents),
        descriptor().err().map(Missing::Descriptors),
        Proc::open().is_none().then_some(Missing::Proc),
    ];
    refused.into_iter().flatten().collect()
}

/// Whether there are signals for a parent's death. It sets the one that is in force anyway.
pub(super) fn death_signal() -> Result<(), Errno> {
    let signal = rustix::process::parent_process_death_signal()?;
    rustix::process::set_parent_process_death_signal(signal)
}

/// Whether there are pidfds.
fn descriptor() -> Result<OwnedFd, Errno> {
    rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
}

/// Whether the lock can be held for a command without a subreaper.
///
/// # Errors
/// What is missing, and the way out.
pub(super) fn can_do_without(leftovers: LeftoverPolicy, refusal: Errno) -> io::Result<()> {
    // When the watchdog is killed the command has to die of that, or main needs a pidfd to kill it by.
    let its_end = death_signal().is_ok() || descriptor().is_ok();
    let missing = match leftovers {
        LeftoverPolicy::Leave if its_end => return Ok(()),
        LeftoverPolicy::Stop if its_end => {
            ", without which not all that it starts is found: --leave-descendants covers its process \
             group alone"
        }
        _ => ", no death signals and no process descriptors (pidfd_open(2))",
    };
    let refusal = plain(&io::Error::from(refusal).to_string());
    let missing = format!("this host has no child subreaper (prctl(2): {refusal}){missing}");
    Err(io::Error::new(io::ErrorKind::Unsupported, missing))
}
