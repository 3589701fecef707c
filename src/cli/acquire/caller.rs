//! Who called `genlock acquire`, and waits until the keeper holds the lock. The keeper does everything; the
//! caller passes signals to it, and prints what it says. Each sees the other's end: a keeper whose caller
//! did not take the news lets go.

use std::io;
use std::os::unix::net;

use anyhow::Context;
use rustix::process::WaitStatus;
use tokio::net::UnixStream;

use crate::cli::operate::{block_on, print};
use crate::exit::{self, Exit};
use crate::supervise::detached::{Child, Detached};
use crate::supervise::signals::{self, Signals};

/// Ends what the keeper says: without it the keeper was cut short.
const END: u8 = 0;

/// What the caller says when it has printed that.
const TAKEN: u8 = 1;

/// The keeper's side.
pub(super) struct Caller {
    detached: Detached,
    socket: UnixStream,
}

/// A caller that was told that the lock is held, and has not said yet that it knows.
pub(super) struct ToldCaller(UnixStream);

impl Caller {
    pub(super) fn new(detached: Detached, socket: net::UnixStream) -> anyhow::Result<Self> {
        let socket = connected(socket).context("cannot talk to the caller")?;
        Ok(Self { detached, socket })
    }

    /// Ends when the caller has.
    pub(super) async fn gone(&self) {
        // It says nothing so far.
        let _ = next(&self.socket).await;
    }

    /// Lets go of all that is the caller's, and tells it the news.
    pub(super) async fn tell(self, text: &str) -> io::Result<ToldCaller> {
        self.detached.let_go_of_caller()?;
        let mut message = text.as_bytes().to_vec();
        message.push(END);
        say(&self.socket, &message).await?;
        Ok(ToldCaller(self.socket))
    }
}

impl ToldCaller {
    /// Whether the caller has printed it: false if it has ended before. Cancel-safe.
    pub(super) async fn has_taken(&self) -> bool {
        next(&self.0).await.is_some()
    }
}

/// The caller's side: waits for the keeper, and gives how genlock ends.
pub(super) fn relay(keeper: &Child, socket: net::UnixStream) -> anyhow::Result<Exit> {
    block_on(async {
        let socket = connected(socket).context("cannot talk to the keeper")?;
        let mut signals = Signals::listen().context("cannot listen to signals")?;
        let mut text = Vec::new();
        loop {
            tokio::select! {
                biased;
                signal = signals.next() => if signals::ends(signal) {
                    keeper.signal(signal);
                },
                more = next(&socket) => match more {
                    Some(more) => text.extend(more),
                    None => return Ok(ended(keeper.wait())),
                },
            }
            if text.pop_if(|last| *last == END).is_some() {
                break;
            }
        }
        let printed = print(&String::from_utf8_lossy(&text));
        let taken = match &printed {
            Ok(()) => say(&socket, &[TAKEN]).await.is_ok(),
            Err(_) => false,
        };
        drop(socket);
        if !taken {
            keeper.wait();
        }
        let status = if taken { 0 } else { exit::INTERNAL };
        printed.map(|()| Exit::Status(status))
    })?
}

/// How genlock ends where the keeper did not get as far as to hold the lock.
fn ended(keeper: Option<WaitStatus>) -> Exit {
    let status = keeper.and_then(WaitStatus::exit_status);
    let signal = keeper.and_then(WaitStatus::terminating_signal);
    match (status, signal) {
        (Some(status), _) => Exit::Status(u8::try_from(status).unwrap_or(exit::INTERNAL)),
        (_, Some(signal)) => Exit::Signal(signal),
        _ => Exit::Status(exit::INTERNAL),
    }
}

fn connected(socket: net::UnixStream) -> io::Result<UnixStream> {
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

/// Sends all of it.
async fn say(socket: &UnixStream, message: &[u8]) -> io::Result<()> {
    let mut rest = message;
    while !rest.is_empty() {
        socket.writable().await?;
        match socket.try_write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What comes next; `None` if the other side has ended. Cancel-safe.
async fn next(socket: &UnixStream) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4096];
    loop {
        socket.readable().await.ok()?;
        match socket.try_read(&mut bytes) {
            Ok(0) => return None,
            Ok(length) => {
                bytes.truncate(length);
                return Some(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}
