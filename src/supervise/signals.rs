//! The signals that genlock is sent, as events; and dying of one.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net;

use rustix::process::{Resource, Rlimit, Signal};
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1,
    SIGUSR2, SIGWINCH, SIGXCPU,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::{dispositions, inherited};

/// The signals that genlock passes on to the command. Among them are those of a timer set before
/// exec(3) (SIGALRM), of a limit on CPU time (SIGXCPU) and of a service manager's watchdog (SIGABRT),
/// which would otherwise end genlock before it has released the lock.
const PASSED_ON: [i32; 11] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM, SIGXCPU,
    SIGABRT,
];

/// The signals that genlock was sent and has not looked at yet.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    pending: VecDeque<i32>,
}

impl Signals {
    /// Listens, for the rest of the process's life. What is ignored stays ignored, so that
    /// nohup(1) keeps its meaning, for genlock and for the command; but SIGCONT continues whoever
    /// ignores it (signal(7)), and the command has to be continued too.
    pub(crate) fn listen() -> io::Result<Self> {
        let (read, write) = net::UnixStream::pair()?;
        read.set_nonblocking(true)?;
        let read = UnixStream::from_std(read)?;
        let passed_on = PASSED_ON
            .into_iter()
            .filter(|&signal| signal == SIGCONT || !dispositions::is_ignored(signal));
        let wanted = passed_on.chain([SIGCHLD]);
        Ok(Self {
            delivery: SignalDelivery::with_pipe(read, write, SignalOnly, wanted)?,
            pending: VecDeque::new(),
        })
    }

    /// Makes SIGTSTP an event (Ctrl-Z, where genlock and not the command has the terminal), unless
    /// it is ignored, until [`Signals::leave_stops`].
    pub(crate) fn catch_stops(&self) {
        if !dispositions::is_ignored(SIGTSTP) {
            // If that fails Ctrl-Z stops genlock alone, as it does without this.
            let _ = self.delivery.handle().add_signal(SIGTSTP);
        }
    }

    /// Lets SIGTSTP stop genlock from now on.
    pub(crate) fn leave_stops(&self) {
        if !dispositions::is_ignored(SIGTSTP) {
            dispositions::set_disposition(SIGTSTP, libc::SIG_DFL);
        }
    }

    /// The next signal. Cancel-safe.
    pub(crate) async fn next(&mut self) -> i32 {
        loop {
            if let Some(signal) = self.pending.pop_front() {
                return signal;
            }
            if self.delivery.get_read().readable().await.is_err() {
                std::future::pending().await
            }
            self.pending.extend(self.delivery.pending());
            // signal-hook has emptied the socket, of which tokio knows nothing: clear its readiness.
            let empty = || -> io::Result<()> { Err(io::ErrorKind::WouldBlock.into()) };
            let _ = self.delivery.get_read().try_io(Interest::READABLE, empty);
        }
    }

    /// The next signal whose default is to end the process. Cancel-safe.
    pub(crate) async fn next_that_ends(&mut self) -> i32 {
        loop {
            let signal = self.next().await;
            if ends(signal) {
                return signal;
            }
        }
    }
}

/// Ends this process by SIGPIPE, when the reader of its output has gone away; returns if genlock was
/// started with that ignored. genlock itself always ignores it, or a store that breaks a connection
/// would end it too.
pub(crate) fn die_of_closed_pipe() {
    if !inherited::sigpipe_was_ignored() {
        die_by(libc::SIGPIPE);
    }
}

/// Stops this process as an uncaught SIGTSTP does. The kernel does not stop it in an orphaned process
/// group, which no shell would continue (setpgid(2)).
pub(super) fn stop() {
    dispositions::with_disposition(SIGTSTP, libc::SIG_DFL, || {
        // SAFETY: the disposition is the default, so that no code of ours runs.
        unsafe { libc::raise(SIGTSTP) };
    });
}

/// Whether its default is to end the process.
pub(crate) fn ends(signal: i32) -> bool {
    ![SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH].contains(&signal)
}

/// Ends this process by `signal`, without a core file, so that a shell sees what it would have seen of
/// the command. Returns if the signal does not end it, as with the first process of a PID namespace
/// (pid_namespaces(7)).
pub(crate) fn die_by(signal: i32) {
    let_it_end_us(signal);
    // SAFETY: the disposition is the default, so that no code of ours runs.
    unsafe { libc::raise(signal) };
}

/// [`die_by`], and the rest of our process group gets the signal too.
pub(crate) fn die_with_group(signal: i32) {
    let_it_end_us(signal);
    if let Some(named) = Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_current_process_group(named);
    }
}

/// Gives a signal its default disposition, unblocked and without a core file.
fn let_it_end_us(signal: i32) {
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(Resource::Core, no_core);
    dispositions::set_disposition(signal, libc::SIG_DFL);
    dispositions::unblock(signal);
}
