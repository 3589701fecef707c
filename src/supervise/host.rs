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

/// Something that this host does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// What the command starts and leaves cannot be found.
    Subreaper(Errno),
    /// The command does not die of the watchdog's death.
    DeathSignal(Errno),
    /// The time is looked at again and again.
    Timer(Errno),
    /// News of children is looked for again and again.
    ChildEvents(Errno),
    /// A process is signalled by its number.
    Descriptors(Errno),
    /// There is no /proc of our PID namespace.
    Proc,
}

/// Whether the call is not to be had here, rather than short of something.
pub(super) fn is_refused(error: Errno) -> bool {
    matches!(
        error,
        Errno::PERM | Errno::ACCESS | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP
    )
}

/// Becomes who is given what is orphaned below it: after the watchdog's death main, until then the
/// watchdog (prctl(2)).
pub(super) fn become_subreaper() -> Result<(), Errno> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
}

/// Looks for all of it. For a process that has no children to lose.
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

/// Whether a process can be made to die of its parent's death. Sets what is in force.
pub(super) fn death_signal() -> Result<(), Errno> {
    let signal = rustix::process::parent_process_death_signal()?;
    rustix::process::set_parent_process_death_signal(signal)
}

/// Whether a process can be held on to.
fn descriptor() -> Result<OwnedFd, Errno> {
    rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
}

/// Whether the lock can be held for a command without a subreaper.
///
/// # Errors
/// What is missing, and the way out.
pub(super) fn can_do_without(leftovers: LeftoverPolicy, refusal: Errno) -> io::Result<()> {
    // A command that is left alone by its watchdog has to die of that, or to be found.
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
