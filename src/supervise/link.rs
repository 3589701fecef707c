//! The link between main and the watchdog: a socket pair that keeps messages whole, and whose
//! end says that the other side is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::WATCHDOG_DELAY;
use super::message::{WatchdogNotice, WatchdogOrder};

/// A connected pair: main's end and the watchdog's.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?)
}

/// Main's end.
pub(super) struct MainEnd(UnixStream);

impl MainEnd {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixStream::from_std(socket.into()).map(Self)
    }

    /// Sends an order, with a descriptor if one is given. That the watchdog is gone is no error here:
    /// [`MainEnd::next_notice`] says so.
    ///
    /// # Errors
    /// It was not sent. `TimedOut` if the link is full and stays so: the watchdog has left some
    /// hundreds of orders unread.
    pub(super) async fn order(
        &self,
        order: &WatchdogOrder<'_>,
        pass: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
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
        // Before tokio has looked at the socket for the first time it takes it for full.
        let sent = async {
            match send() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.0.async_io(Interest::WRITABLE, send).await
                }
                sent => sent,
            }
        };
        match tokio::time::timeout(WATCHDOG_DELAY, sent).await {
            Ok(Err(error)) if !is_gone(&error) => Err(error),
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// The next notice; `None` when the watchdog is gone. Cancel-safe.
    pub(super) async fn next_notice(&self) -> Option<WatchdogNotice> {
        let received = self.0.async_io(Interest::READABLE, || self.receive());
        received.await.ok().flatten()
    }

    /// The same, if it is there already, also where tokio has not polled the socket since it came.
    pub(super) fn try_next_notice(&self) -> Option<Option<WatchdogNotice>> {
        self.receive().ok()
    }

    /// # Errors
    /// `WouldBlock` if there is no notice.
    fn receive(&self) -> io::Result<Option<WatchdogNotice>> {
        let mut message = [0; WatchdogNotice::SIZE];
        loop {
            match rustix::net::recv(&self.0, &mut message[..], RecvFlags::empty()) {
                Ok((_, length)) if length > 0 => return Ok(WatchdogNotice::decode(message)),
                // The watchdog ended with an order unread. Its last notices can be read after this.
                Err(Errno::CONNRESET) => {}
                Err(Errno::AGAIN) => return Err(io::ErrorKind::WouldBlock.into()),
                _ => return Ok(None),
            }
        }
    }
}

/// Whether the error says that the other side is gone.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionReset)
}

/// What the watchdog finds on its end.
pub(super) enum Received<'a> {
    WatchdogOrder(WatchdogOrder<'a>, Option<OwnedFd>),
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
        Err(Errno::AGAIN | Errno::INTR) => return Received::Nothing,
        _ => return Received::Closed,
    };
    let mut passed = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            passed = descriptors.into_iter().next();
        }
    }
    match WatchdogOrder::decode(&buffer[..length]) {
        Some(order) => Received::WatchdogOrder(order, passed),
        None => Received::Nothing,
    }
}

/// Sends a notice, unless main is gone.
pub(super) fn send(socket: BorrowedFd<'_>, notice: WatchdogNotice) {
    // It fails on a full socket too: then main is frozen, with hundreds of notices unread.
    let _ = rustix::net::send(socket, &notice.encode(), SendFlags::NOSIGNAL);
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::supervise::{EndReason, LeftoverPolicy, TimeLimits};

    #[tokio::test]
    async fn notices_survive_an_order_that_comes_too_late() {
        let (ours, theirs) = pair().unwrap();
        let main = MainEnd::new(ours).unwrap();
        main.order(&WatchdogOrder::Continue, None).await.unwrap();
        send(theirs.as_fd(), WatchdogNotice::Ended(0));
        send(theirs.as_fd(), WatchdogNotice::Gone(EndReason::Ended));
        drop(theirs);
        assert_eq!(main.next_notice().await, Some(WatchdogNotice::Ended(0)));
        assert_eq!(
            main.next_notice().await,
            Some(WatchdogNotice::Gone(EndReason::Ended))
        );
        assert_eq!(main.next_notice().await, None);
    }

    #[tokio::test]
    async fn a_full_link_is_told() {
        let (ours, _theirs) = pair().unwrap();
        let main = MainEnd::new(ours).unwrap();
        let mut taken = 0;
        let full = loop {
            match main.order(&WatchdogOrder::Continue, None).await {
                Ok(()) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(taken > 100, "{taken}");
        assert_eq!(full.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn an_order_that_cannot_be_sent_is_told() {
        let (ours, theirs) = pair().unwrap();
        let main = MainEnd::new(ours).unwrap();
        let order = WatchdogOrder::Start {
            limits: TimeLimits::default(),
            command: 1,
            leftovers: LeftoverPolicy::Stop,
            foreground: false,
            environment: &vec![b'x'; 1 << 24],
        };
        let error = main.order(&order, None).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        drop(theirs);
        main.order(&WatchdogOrder::Stop, None).await.unwrap();
    }
}
