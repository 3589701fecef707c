//! A TLS connection that keeps why it ended: the client libraries above drop that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;

use super::words::{self, Identity};
use crate::locker::net::protocol::Protocol;
use crate::locker::net::refusal::Refusal;

/// Notes what TLS says when the connection fails.
pub(super) struct Noting {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) identity: Identity,
    pub(super) protocol: &'static Protocol,
    pub(super) refusal: Refusal,
}

impl Noting {
    fn note(&self, tls: &rustls::Error) {
        let fault = words::judge(tls, &self.identity, self.protocol);
        self.refusal.set(fault);
        self.refusal.set_beneath(words::beneath(tls));
    }

    /// For a write that failed: nobody reads any more, but an alert with the reason may be there. It is
    /// read from the socket itself, of which tokio does not know yet that it is readable.
    fn note_unread_alert(&mut self) {
        let (socket, session) = self.stream.get_mut();
        let mut unread = [0; 4096];
        let read = rustix::net::recv(socket, &mut unread, RecvFlags::DONTWAIT);
        let read = read.map_or(0, |(read, _)| read);
        if session.read_tls(&mut &unread[..read]).is_ok()
            && let Err(tls) = session.process_new_packets()
        {
            self.note(&tls);
        }
    }
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(tls) = tls_error(error)
        {
            self.note(tls);
        }
        read
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        if let Poll::Ready(Err(_)) = &written {
            self.note_unread_alert();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if let Poll::Ready(Err(_)) = &flushed {
            self.note_unread_alert();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What TLS says inside an I/O error, if it was TLS.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
