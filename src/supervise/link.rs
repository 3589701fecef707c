//! The link between main and the watchdog: a socket pair that keeps messages whole, and whose
//! end says that the other side is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::left::Left;
use super::{Leftovers, PATIENCE, Terms, Why};
use crate::clock::Instant;

/// The largest message: the variables that are added to the command's environment, of which the
/// kernel takes 128 KiB each (MAX_ARG_STRLEN, execve(2)). Below what a socket holds (wmem_default,
/// socket(7)).
pub(super) const MAX_MESSAGE: usize = 160 * 1024;

/// As much of it as the environment may take.
pub(super) const MAX_ENVIRONMENT: usize = MAX_MESSAGE - 64;

/// From main to the watchdog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order<'a> {
    /// Start the command. A descriptor for it to inherit may come along.
    Start {
        terms: Terms,
        /// Of how many of the words that the watchdog was given the command is.
        command: usize,
        leftovers: Leftovers,
        /// The command takes the terminal's foreground.
        foreground: bool,
        /// `NAME=value`, each ended by a NUL byte.
        environment: &'a [u8],
    },
    /// The command must be dead by then.
    Deadline(Instant),
    /// Pass a signal to the command's process group.
    Signal(i32),
    /// Continue the command after a stop.
    Continue,
    /// Stop the command: SIGTERM, then SIGKILL after the grace.
    Stop,
}

/// From the watchdog to main.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// It was too late to start the command: another order may come.
    TooLate,
    /// The command runs: its process, which leads its process group.
    Started(i32),
    /// The command could not be executed: the errno.
    NotExecuted(i32),
    /// The command was stopped by this signal.
    Stopped(i32),
    /// The watchdog is stopping the command, of its own accord, and why.
    Ending(Why),
    /// The command itself has ended with this wait status. What it started may live.
    Ended(i32),
    /// What it started lives, and is being stopped.
    Left(Left),
    /// Nothing of the command lives any more, and why it ended.
    Gone(Why),
}

/// A connected pair: main's end and the watchdog's.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?)
}

/// Main's end, which does not block the lock client.
pub(super) struct MainEnd(UnixStream);

impl MainEnd {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixStream::from_std(socket.into()).map(Self)
    }

    /// Sends an order, with a descriptor if one is given. False if the link is full, and stays so:
    /// the watchdog has not taken some hundreds of orders. One that is gone is no error here:
    /// [`MainEnd::report`] tells.
    pub(super) async fn order(&self, order: &Order<'_>, pass: Option<BorrowedFd<'_>>) -> bool {
        let message = order.encode();
        let send = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let descriptors = pass.map(|fd| [fd]);
            if let Some(descriptors) = &descriptors {
                ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
            }
            rustix::net::sendmsg(
                &self.0,
                &[IoSlice::new(&message)],
                &mut ancillary,
                SendFlags::NOSIGNAL,
            )
            .map_err(io::Error::from)
        };
        let sent = self.0.async_io(Interest::WRITABLE, send);
        tokio::time::timeout(PATIENCE, sent).await.is_ok()
    }

    /// The next report; `None` when the watchdog is gone. Cancel-safe.
    pub(super) async fn report(&self) -> Option<Report> {
        let mut message = [0; Report::SIZE];
        loop {
            let receive = || {
                rustix::net::recv(&self.0, &mut message[..], RecvFlags::empty())
                    .map(|(_, length)| length)
                    .map_err(io::Error::from)
            };
            match self.0.async_io(Interest::READABLE, receive).await {
                Ok(length) if length > 0 => return Report::decode(message),
                // The watchdog ended with an order unread. Its last reports come after this.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                _ => return None,
            }
        }
    }
}

/// What the watchdog finds on its end.
pub(super) enum Received<'a> {
    Order(Order<'a>, Option<OwnedFd>),
    /// No whole message is there.
    Nothing,
    /// Main is gone.
    Closed,
}

/// Receives without waiting and without allocating.
pub(super) fn receive<'a>(socket: BorrowedFd<'_>, buffer: &'a mut [u8]) -> Received<'a> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(buffer)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    );
    let length = match received {
        Ok(message) if message.bytes > 0 => message.bytes,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Received::Nothing,
        _ => return Received::Closed,
    };
    let mut passed = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            passed = descriptors.into_iter().next();
        }
    }
    match Order::decode(&buffer[..length]) {
        Some(order) => Received::Order(order, passed),
        None => Received::Nothing,
    }
}

/// Sends a report. If main is gone there is nobody to tell.
pub(super) fn send(socket: BorrowedFd<'_>, report: Report) {
    // A full socket would mean that main is frozen with hundreds of reports unread.
    let _ = rustix::net::send(socket, &report.encode(), SendFlags::NOSIGNAL);
}

const NEVER: u64 = u64::MAX;

fn nanoseconds(time: Option<Duration>) -> u64 {
    time.map_or(NEVER, |time| {
        u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1)
    })
}

fn duration(nanoseconds: u64) -> Option<Duration> {
    (nanoseconds != NEVER).then(|| Duration::from_nanos(nanoseconds))
}

impl<'a> Order<'a> {
    fn encode(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(32);
        match self {
            Self::Start {
                terms,
                command,
                leftovers,
                foreground,
                environment,
            } => {
                message.push(b's');
                for at in [terms.start_by, terms.deadline] {
                    let at = nanoseconds(at.map(Instant::since_boot));
                    message.extend(at.to_ne_bytes());
                }
                message.extend(nanoseconds(Some(terms.grace)).to_ne_bytes());
                message.extend(nanoseconds(terms.max_runtime).to_ne_bytes());
                message.extend((*command as u64).to_ne_bytes());
                message.push(u8::from(*leftovers == Leftovers::Leave));
                message.push(u8::from(*foreground));
                message.extend_from_slice(environment);
            }
            Self::Deadline(deadline) => {
                message.push(b'd');
                message.extend(nanoseconds(Some(deadline.since_boot())).to_ne_bytes());
            }
            Self::Signal(signal) => {
                message.push(b'k');
                message.extend(signal.to_ne_bytes());
            }
            Self::Continue => message.push(b'c'),
            Self::Stop => message.push(b't'),
        }
        message
    }

    fn decode(message: &'a [u8]) -> Option<Self> {
        let (tag, rest) = message.split_first()?;
        Some(match tag {
            b's' => {
                let (start_by, rest) = rest.split_first_chunk()?;
                let (deadline, rest) = rest.split_first_chunk()?;
                let (grace, rest) = rest.split_first_chunk()?;
                let (max_runtime, rest) = rest.split_first_chunk()?;
                let (command, rest) = rest.split_first_chunk()?;
                let (leave, rest) = rest.split_first()?;
                let (foreground, environment) = rest.split_first()?;
                Self::Start {
                    terms: Terms {
                        start_by: duration(u64::from_ne_bytes(*start_by)).map(Instant::from_boot),
                        deadline: duration(u64::from_ne_bytes(*deadline)).map(Instant::from_boot),
                        grace: duration(u64::from_ne_bytes(*grace))?,
                        max_runtime: duration(u64::from_ne_bytes(*max_runtime)),
                    },
                    command: u64::from_ne_bytes(*command) as usize,
                    leftovers: if *leave == 0 {
                        Leftovers::Stop
                    } else {
                        Leftovers::Leave
                    },
                    foreground: *foreground != 0,
                    environment,
                }
            }
            b'd' => {
                let deadline = u64::from_ne_bytes(*rest.first_chunk()?);
                Self::Deadline(Instant::from_boot(Duration::from_nanos(deadline)))
            }
            b'k' => Self::Signal(i32::from_ne_bytes(*rest.first_chunk()?)),
            b'c' => Self::Continue,
            b't' => Self::Stop,
            _ => return None,
        })
    }
}

impl Report {
    const SIZE: usize = 5 + Left::SIZE;

    fn encode(self) -> [u8; Self::SIZE] {
        let (tag, value) = match self {
            Self::TooLate => (b'l', 0),
            Self::Started(pid) => (b's', pid),
            Self::NotExecuted(errno) => (b'x', errno),
            Self::Stopped(signal) => (b'z', signal),
            Self::Ending(why) => (b'w', why as i32),
            Self::Ended(status) => (b'e', status),
            Self::Left(left) => (b'r', left.pid),
            Self::Gone(why) => (b'g', why as i32),
        };
        let mut message = [0; Self::SIZE];
        message[0] = tag;
        message[1..5].copy_from_slice(&value.to_ne_bytes());
        if let Self::Left(left) = self {
            message[5..].copy_from_slice(&left.encode());
        }
        message
    }

    fn decode([tag, message @ ..]: [u8; Self::SIZE]) -> Option<Self> {
        let (value, more) = message.split_first_chunk()?;
        let value = i32::from_ne_bytes(*value);
        Some(match tag {
            b'l' => Self::TooLate,
            b's' => Self::Started(value),
            b'x' => Self::NotExecuted(value),
            b'z' => Self::Stopped(value),
            b'w' => Self::Ending(Why::from_number(value)?),
            b'e' => Self::Ended(value),
            b'r' => Self::Left(Left::decode(value, more.first_chunk()?)),
            b'g' => Self::Gone(Why::from_number(value)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn orders_survive_the_link() {
        let terms = Terms {
            start_by: Some(Instant::now()),
            deadline: Some(Instant::now()),
            grace: Duration::from_millis(2500),
            max_runtime: None,
        };
        for order in [
            Order::Start {
                terms,
                command: 300,
                leftovers: Leftovers::Leave,
                foreground: true,
                environment: b"A=1\0B=\0",
            },
            Order::Deadline(Instant::now()),
            Order::Signal(15),
            Order::Continue,
            Order::Stop,
        ] {
            assert_eq!(Order::decode(&order.encode()), Some(order));
        }
        assert_eq!(Order::decode(b""), None);
        assert_eq!(Order::decode(b"d123"), None);
    }

    #[tokio::test]
    async fn reports_survive_an_order_that_comes_too_late() {
        let (ours, theirs) = pair().unwrap();
        let main = MainEnd::new(ours).unwrap();
        assert!(main.order(&Order::Continue, None).await);
        send(theirs.as_fd(), Report::Ended(0));
        send(theirs.as_fd(), Report::Gone(Why::Ended));
        drop(theirs);
        assert_eq!(main.report().await, Some(Report::Ended(0)));
        assert_eq!(main.report().await, Some(Report::Gone(Why::Ended)));
        assert_eq!(main.report().await, None);
    }

    #[tokio::test]
    async fn a_full_link_is_told() {
        let (ours, _theirs) = pair().unwrap();
        let main = MainEnd::new(ours).unwrap();
        let mut taken = 0;
        while main.order(&Order::Continue, None).await {
            taken += 1;
        }
        assert!(taken > 100, "{taken}");
    }

    #[test]
    fn reports_survive_the_link() {
        for report in [
            Report::TooLate,
            Report::Started(4_194_303),
            Report::NotExecuted(2),
            Report::Stopped(20),
            Report::Ending(Why::MaxRuntime),
            Report::Ended(-1),
            Report::Left(Left {
                pid: 812,
                others: 3,
                name: *b"sleep\0\0\0\0\0\0\0\0\0\0\0",
            }),
            Report::Gone(Why::Deadline),
        ] {
            assert_eq!(Report::decode(report.encode()), Some(report));
        }
    }
}
