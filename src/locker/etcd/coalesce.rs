//! A stream that sends in one packet what tasks of the runtime write one after the other, and tells
//! what it receives.
//!
//! HTTP/2 writes a request in several parts, and flushes each. The first request of a lock, and
//! what a connection begins with, become one system call, one packet and, over TLS, one record.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::greeting::Greeting;
use crate::locker::net::liveness::Liveness;

/// More bytes than this are not held back: nothing would be gained.
const MOST: usize = 16 * 1024;

/// How often a flush lets the other tasks of the runtime run first, which may have more to send: a
/// request passes through two on its way to the connection.
const YIELDS: u32 = 2;

pub(super) struct Coalescing<S> {
    stream: S,
    /// What was written, and how much of it was sent.
    held: Vec<u8>,
    sent: usize,
    /// How often the flush has let others run.
    yielded: u32,
    liveness: Liveness,
    greeting: Greeting,
}

impl<S: AsyncWrite + Unpin> Coalescing<S> {
    /// `liveness` gets every sign of life, and `greeting` what comes first.
    pub(super) fn new(stream: S, liveness: Liveness, greeting: Greeting) -> Self {
        Self {
            stream,
            held: Vec::new(),
            sent: 0,
            yielded: 0,
            liveness,
            greeting,
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.held.len() {
            let stream = Pin::new(&mut self.stream);
            let sent = ready!(stream.poll_write(cx, &self.held[self.sent..]));
            if sent.is_err() {
                self.greeting.hear(&[]);
            }
            match sent? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        self.held.clear();
        self.sent = 0;
        self.yielded = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Coalescing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let heard = &buffer.filled()[before..];
        if !heard.is_empty() {
            self.liveness.beat();
        }
        if read.is_ready() {
            self.greeting.hear(heard);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Coalescing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.held.len() >= MOST {
            ready!(self.poll_send(cx))?;
        }
        self.held.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sent == 0 && !self.held.is_empty() && self.yielded < YIELDS {
            self.yielded += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::locker::net::refusal::Refusal;

    fn greeting() -> Greeting {
        Greeting::new(Refusal::default(), true)
    }

    #[tokio::test]
    async fn what_is_written_in_one_go_is_sent_at_once() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut stream = Coalescing::new(ours, Liveness::default(), greeting());
        let write = async {
            stream.write_all(b"one").await.unwrap();
            let flush = stream.flush();
            tokio::pin!(flush);
            assert!(futures_poll(&mut flush).is_pending(), "others go first");
            flush.await.unwrap();
        };
        write.await;
        let mut read = [0; 16];
        assert_eq!(theirs.read(&mut read).await.unwrap(), 3);
        stream.write_all(b"two").await.unwrap();
        stream.write_all(b"three").await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(theirs.read(&mut read).await.unwrap(), 8);
        stream.write_all(b"last").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(theirs.read(&mut read).await.unwrap(), 4);
        assert_eq!(theirs.read(&mut read).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn more_than_can_be_sent_waits() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let mut stream = Coalescing::new(ours, Liveness::default(), greeting());
        let all: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let sent = all.clone();
        let writing = tokio::spawn(async move {
            for part in sent.chunks(1000) {
                stream.write_all(part).await.unwrap();
            }
            stream.flush().await.unwrap();
            stream
        });
        let mut read = vec![0; all.len()];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(read, all);
        writing.await.unwrap();
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}
