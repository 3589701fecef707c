//! One connection of a session. What is asked goes out at once, along with the request for the session
//! itself; answers come in the same order, and news between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, copy, sink, split};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::heartbeat::Heartbeat;
use super::packets::{Packets, TooLong};
use super::served::Served;
use super::watches::ZkWatches;
use super::{SessionState, ZkAnswer, ZkPending};
use crate::clock::{self, Instant};
use crate::locker::fault::Fault;
use crate::locker::net::reason;
use crate::locker::zookeeper::calls::{AUTH, AUTH_FAILED, CLOSE, PING, ZkFailure};
use crate::locker::zookeeper::ensemble::Dialled;
use crate::locker::zookeeper::jute::{JuteReader, JuteWriter};

/// What stands for a number in packets that answer no call (ClientCnxn.java).
const OF_NEWS: i32 = -1;
const OF_PING: i32 = -2;
const OF_LOGIN: i32 = -4;

/// How long a server that hangs is listened to when it is no longer waited for. The connections that one lock
/// has at a time are bounded by it.
const LEAVE: Duration = Duration::from_secs(30);

/// One connection.
pub(super) struct ZkConnection {
    state: Arc<SessionState>,
    heartbeat: Heartbeat,
    packets: Packets,
    asked: VecDeque<InFlight>,
    last: i32,
    watches: ZkWatches,
}

/// A call that was sent.
struct InFlight {
    number: i32,
    at: Instant,
    pending: ZkPending,
    news: Option<oneshot::Receiver<()>>,
    closes: bool,
}

impl ZkConnection {
    pub(super) fn new(state: Arc<SessionState>, login: Option<String>) -> Self {
        let known = state.known().clone();
        let timeout = i32::try_from(known.timeout.as_millis()).unwrap_or(i32::MAX);
        let request = JuteWriter::default().int(0).long(known.zxid).int(timeout);
        let request = request.long(known.id).buffer(&known.password).bool(false);
        let mut packets = Packets::default();
        packets.push(request);
        if let Some(login) = login {
            let login = JuteWriter::default()
                .int(OF_LOGIN)
                .int(AUTH)
                .int(0)
                .string("digest")
                .string(&login);
            packets.push(login);
        }
        Self {
            watches: ZkWatches::new(state.news.clone()),
            heartbeat: Heartbeat::new(&state),
            state,
            packets,
            asked: VecDeque::new(),
            last: 0,
        }
    }

    /// Until it breaks, or the session has ended.
    pub(super) async fn serve(
        mut self,
        dialled: Dialled,
        calls: &mut mpsc::UnboundedReceiver<ZkPending>,
        waiting: &mut VecDeque<ZkPending>,
    ) -> Served {
        let Dialled {
            stream, refusal, ..
        } = dialled;
        let state = self.state.clone();
        for pending in waiting.drain(..) {
            self.send(pending);
        }
        let (mut reader, mut writer) = split(stream);
        let mut chunk = vec![0; 4096];
        let ended = loop {
            let next_look = self.heartbeat.next_look(self.oldest());
            let has_more = self.packets.has_more();
            tokio::select! {
                read = reader.read(&mut chunk) => {
                    let taken = match read {
                        Ok(0) => Err(Served::broken(self.hung_up())),
                        Ok(read) => self.take(&chunk[..read]),
                        Err(error) => Err(Served::broken(Fault::broken(reason::of_io(&error)))),
                    };
                    if let Err(ended) = taken {
                        break ended;
                    }
                }
                wrote = self.packets.write(&mut writer), if has_more => {
                    if let Err(error) = wrote {
                        break Served::broken(Fault::broken(reason::of_io(&error)));
                    }
                }
                pending = calls.recv() => match (pending, self.heartbeat.is_well(self.oldest())) {
                    (None, _) => break Served::Dropped,
                    (Some(pending), Ok(())) => self.send(pending),
                    // After a silence that a lease does not allow for, as when this process was
                    // frozen, the call goes over the next connection: by taking up the session there
                    // the leader hears of us first.
                    (Some(pending), Err(fault)) => {
                        waiting.push_back(pending);
                        break Served::broken(fault);
                    }
                },
                () = clock::sleep_until(next_look) => if let Err(fault) = self.look() {
                    break Served::broken(fault);
                }
            }
        };
        let ended = match ended {
            Served::Broken { fault, .. } => {
                Served::broken(state.ensemble.reach.explain(fault, &refusal))
            }
            Served::Ended(fault) => Served::Ended(state.ensemble.reach.explain(fault, &refusal)),
            Served::Dropped => Served::Dropped,
        };
        self.take_leave(reader, writer);
        self.end(ended, waiting)
    }

    /// A server that does not know what we say, or does not want us, hangs up without a word.
    fn hung_up(&self) -> Fault {
        let why = match (self.heartbeat.is_open, self.state.known().id) {
            (false, 0) => "it hung up: it may be no ZooKeeper, have no majority, or be full",
            (false, _) => "it hung up: it may have no majority, or not know what others know",
            (true, _) => "it hung up",
        };
        Fault::broken(why)
    }

    /// Ends the session that may yet begin here, which nobody would know: a server that hangs reads all that
    /// was sent, once it goes on. It is listened to until then, since it reads no further where it cannot
    /// answer.
    fn take_leave(
        &mut self,
        mut reader: impl AsyncRead + Send + Unpin + 'static,
        mut writer: impl AsyncWrite + Send + Unpin + 'static,
    ) {
        if self.heartbeat.is_open || self.state.known().id != 0 {
            return;
        }
        let close = JuteWriter::default().int(self.last.wrapping_add(1));
        self.packets.push(close.int(CLOSE));
        let mut packets = std::mem::take(&mut self.packets);
        let leaving = async move {
            while packets.has_more() {
                packets.write(&mut writer).await?;
            }
            copy(&mut reader, &mut sink()).await
        };
        // Where the connection broke there is nobody to be told.
        tokio::spawn(timeout(LEAVE, leaving));
    }

    /// Sends a call, unless nobody waits for the answer any more.
    fn send(&mut self, pending: ZkPending) {
        if pending.reply.is_closed() {
            return;
        }
        self.last = self.last.checked_add(1).unwrap_or(1);
        let number = self.last;
        let head = JuteWriter::default().int(number).int(pending.call.code);
        self.packets.push(head.raw(&pending.call.body));
        // Before the answer: the news can come right behind it.
        let news = pending.call.watches.clone();
        let news = news.map(|watched| self.watches.add(watched));
        self.asked.push_back(InFlight {
            number,
            at: self.heartbeat.sends(),
            closes: pending.call.code == CLOSE,
            pending,
            news,
        });
    }

    /// When the oldest call was sent that is not answered yet.
    fn oldest(&self) -> Option<Instant> {
        self.asked.front().map(|asked| asked.at)
    }

    /// Looks whether the server is there, and tells it that we are.
    fn look(&mut self) -> Result<(), Fault> {
        self.heartbeat.is_well(self.oldest())?;
        if self.heartbeat.is_due() {
            let ping = JuteWriter::default().int(OF_PING).int(PING);
            self.packets.push(ping);
            self.heartbeat.sends();
        }
        Ok(())
    }

    /// Takes in what has come.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Served> {
        self.heartbeat.heard = Instant::now();
        self.packets.take(bytes);
        let strange = |TooLong| Served::broken(ZkFailure::strange().into());
        while let Some(packet) = self.packets.next().map_err(strange)? {
            if self.heartbeat.is_open {
                self.packet(&packet)?;
            } else {
                self.open(&packet)?;
            }
        }
        Ok(())
    }

    /// The answer to the request for the session.
    fn open(&mut self, packet: &[u8]) -> Result<(), Served> {
        let strange = || Served::broken(ZkFailure::strange().into());
        let mut reader = JuteReader::new(packet);
        let _version = reader.int().ok_or_else(strange)?;
        let timeout = reader.int().ok_or_else(strange)?;
        let id = reader.long().ok_or_else(strange)?;
        let password = reader.buffer().ok_or_else(strange)?;
        let timeout = u64::try_from(timeout).unwrap_or(0);
        if timeout == 0 || id == 0 {
            return Err(Served::Ended(Fault::LeaseNotFound));
        }
        let timeout = Duration::from_millis(timeout);
        {
            let mut known = self.state.known();
            if known.id != 0 && timeout < known.timeout {
                // This server has other limits, and counts by them from now on: what the deadline of a lock
                // was reckoned from is no longer true.
                return Err(Served::Ended(Fault::LeaseNotFound));
            }
            known.id = id;
            known.password = password.to_vec();
            known.timeout = timeout;
        }
        self.heartbeat.is_open = true;
        self.state.ensemble.note_heard();
        self.state.opened.send_replace(Some(Ok(timeout)));
        Ok(())
    }

    /// An answer, or news.
    fn packet(&mut self, packet: &[u8]) -> Result<(), Served> {
        let strange = || Served::broken(ZkFailure::strange().into());
        let mut reader = JuteReader::new(packet);
        let number = reader.int().ok_or_else(strange)?;
        let zxid = reader.long().ok_or_else(strange)?;
        let code = reader.int().ok_or_else(strange)?;
        if zxid > 0 {
            let mut known = self.state.known();
            known.zxid = known.zxid.max(zxid);
        }
        match number {
            OF_PING => return Ok(()),
            OF_NEWS => return self.watches.tell(reader).ok_or_else(strange),
            OF_LOGIN if code == AUTH_FAILED => {
                return Err(Served::Ended(ZkFailure::of(code).into()));
            }
            OF_LOGIN => return Ok(()),
            _ => {}
        }
        let asked = self.asked.pop_front().ok_or_else(strange)?;
        if asked.number != number {
            return Err(strange());
        }
        let answer = match code {
            0 => Ok(ZkAnswer {
                body: reader.rest().to_vec(),
                news: asked.news,
            }),
            code => Err(ZkFailure::of(code)),
        };
        let gone = matches!(answer, Err(ZkFailure::Other(Fault::LeaseNotFound)));
        // Who waits no more does not want to know.
        let _ = asked.pending.reply.send(answer);
        if gone || asked.closes {
            return Err(Served::Ended(Fault::LeaseNotFound));
        }
        Ok(())
    }

    /// Fails the calls that were sent: each may have been done. But if there was no session yet, whatever
    /// was done is of one that nobody goes on with, and the calls go over the next connection.
    fn end(self, ended: Served, waiting: &mut VecDeque<ZkPending>) -> Served {
        let fault = match &ended {
            Served::Dropped => return ended,
            Served::Ended(fault) | Served::Broken { fault, .. } => fault.clone(),
        };
        let is_new = self.state.known().id == 0;
        for asked in self.asked {
            if is_new && matches!(ended, Served::Broken { .. }) {
                waiting.push_back(asked.pending);
                continue;
            }
            let failure = ZkFailure::Other(fault.clone());
            let _ = asked.pending.reply.send(Err(failure));
        }
        match ended {
            Served::Broken { fault, .. } => Served::Broken {
                fault,
                opened: self.heartbeat.is_open,
            },
            ended => ended,
        }
    }
}

#[cfg(test)]
mod tests;
