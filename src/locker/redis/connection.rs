//! One connection: requests go out as they come, and answers come back in the same order. A task reads
//! and writes; it ends with the connection, or when nobody has it any more.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{mpsc, oneshot};

use super::incoming::Incoming;
use super::pushes::Pushes;
use super::reply::{RedisCommand, Reply};
use super::request_error::{Moved, RequestError};
use crate::locker::net::liveness::Liveness;
use crate::locker::net::reason;

/// So much is read at a time.
const CHUNK: usize = 16 * 1024;

/// A connection that requests can be made over, side by side.
pub(super) struct RedisClient {
    requests: mpsc::UnboundedSender<Flight>,
    /// The channels that it is subscribed to, or is about to be.
    channels: Mutex<HashSet<String>>,
    hello: Arc<OnceLock<Hello>>,
}

/// What the server said of itself at the beginning.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) version: String,
    /// Whether it is one of a Cluster.
    pub(super) is_clustered: bool,
    /// Whether it tells of keys that change; or why not, in its words.
    pub(super) tracking: Result<(), String>,
}

/// Requests that are sent together.
struct Flight {
    bytes: Vec<u8>,
    answers: usize,
    answered: Answered,
}

/// Who waits for the answers.
type Answered = oneshot::Sender<Result<Vec<Reply>, RequestError>>;

/// A flight whose answers are on their way.
struct Awaited {
    count: usize,
    answers: Vec<Reply>,
    /// `None` of the greeting.
    answered: Option<Answered>,
}

impl RedisClient {
    /// Speaks over `stream`. The first requests are `greeting`, whose answers are read here; others follow
    /// without waiting for them.
    pub(super) fn start<S>(
        stream: S,
        greeting: &[RedisCommand],
        pushes: Pushes,
        liveness: Liveness,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, received) = mpsc::unbounded_channel();
        let hello = Arc::new(OnceLock::new());
        let task = ConnectionTask {
            awaited: VecDeque::from([Awaited::of(greeting.len(), None)]),
            refused: None,
            hello: hello.clone(),
            pushes,
            liveness,
        };
        tokio::spawn(task.run(stream, written(greeting), received));
        Self {
            requests,
            channels: Mutex::default(),
            hello,
        }
    }

    /// Sends these together, and gives their answers, in their order; the first that is an error in
    /// place of all.
    pub(super) async fn ask(&self, commands: &[RedisCommand]) -> Result<Vec<Reply>, RequestError> {
        let answers = self.ask_each(commands).await?;
        for answer in &answers {
            if let Reply::Error(text) = answer {
                return Err(RequestError::Answered(text.clone()));
            }
        }
        Ok(answers)
    }

    /// The same, with the errors among the answers, but for one: that another server has the keys.
    pub(super) async fn ask_each(
        &self,
        commands: &[RedisCommand],
    ) -> Result<Vec<Reply>, RequestError> {
        let (answered, answers) = oneshot::channel();
        let flight = Flight {
            bytes: written(commands),
            answers: commands.len(),
            answered,
        };
        // If the task is gone, so is the sender of the answers.
        let _ = self.requests.send(flight);
        let ended = |_| RequestError::Broken(reason::BROKE.to_owned());
        let answers = answers.await.map_err(ended)??;
        let moved = answers.iter().find_map(|answer| match answer {
            Reply::Error(text) => Moved::read(text),
            _ => None,
        });
        // All that is asked together is of one slot.
        moved.map_or(Ok(answers), |moved| Err(RequestError::Moved(moved)))
    }

    /// What has to be sent ahead so that this channel is heard over this connection.
    pub(super) fn subscription(&self, channel: &str) -> Option<RedisCommand> {
        let is_new = self.channels().insert(channel.to_owned());
        is_new.then(|| RedisCommand::new(["SUBSCRIBE", channel]))
    }

    /// What has to be sent so that it is heard no more.
    pub(super) fn unsubscription(&self, channel: &str) -> Option<RedisCommand> {
        let was_there = self.channels().remove(channel);
        was_there.then(|| RedisCommand::new(["UNSUBSCRIBE", channel]))
    }

    /// What the server said of itself, once it has.
    pub(super) fn hello(&self) -> Option<&Hello> {
        self.hello.get()
    }

    /// Whether it said that it is one of a Cluster.
    pub(super) fn is_clustered(&self) -> bool {
        self.hello().is_some_and(|hello| hello.is_clustered)
    }

    fn channels(&self) -> MutexGuard<'_, HashSet<String>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What drives a connection.
struct ConnectionTask {
    awaited: VecDeque<Awaited>,
    /// Why the server does not want us.
    refused: Option<RequestError>,
    hello: Arc<OnceLock<Hello>>,
    pushes: Pushes,
    liveness: Liveness,
}

impl ConnectionTask {
    async fn run<S>(
        mut self,
        stream: S,
        greeting: Vec<u8>,
        mut requests: mpsc::UnboundedReceiver<Flight>,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let error = self.drive(stream, greeting, &mut requests).await;
        requests.close();
        let mut left: Vec<_> = self
            .awaited
            .into_iter()
            .filter_map(|awaited| awaited.answered)
            .collect();
        while let Some(flight) = requests.recv().await {
            left.push(flight.answered);
        }
        for answered in left {
            // Whoever asked may listen no more.
            let _ = answered.send(Err(error.clone()));
        }
        self.pushes.wake_all();
    }

    /// Reads and writes until one fails, or nobody asks any more.
    async fn drive<S>(
        &mut self,
        stream: S,
        mut output: Vec<u8>,
        requests: &mut mpsc::UnboundedReceiver<Flight>,
    ) -> RequestError
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let (mut reading, mut writing) = split(stream);
        let mut input = Incoming::default();
        let mut chunk = vec![0; CHUNK];
        let mut flushed = true;
        loop {
            // One step at a time, for it may be dropped: what was written must be known, or it would be
            // sent twice. TLS takes it, and then waits in its flush.
            let written = async {
                if !output.is_empty() {
                    return writing.write(&output).await.map(Some);
                }
                if flushed {
                    return std::future::pending().await;
                }
                writing.flush().await.map(|()| None)
            };
            tokio::select! {
                biased;
                flight = requests.recv() => {
                    let Some(Flight { bytes, answers, answered }) = flight else {
                        return RequestError::Broken(reason::BROKE.to_owned());
                    };
                    output.extend(bytes);
                    self.awaited.push_back(Awaited::of(answers, Some(answered)));
                }
                written = written => match written {
                    Ok(None) => flushed = true,
                    Ok(Some(0)) => return broken(&io::ErrorKind::BrokenPipe.into()),
                    Ok(Some(count)) => {
                        output.drain(..count);
                        flushed = false;
                    }
                    Err(error) => return broken(&error),
                },
                read = reading.read(&mut chunk) => {
                    match read {
                        Ok(0) => return broken(&io::ErrorKind::UnexpectedEof.into()),
                        Ok(count) => input.take(&chunk[..count]),
                        Err(error) => return broken(&error),
                    }
                    self.liveness.beat();
                    if let Err(error) = self.take_in(&mut input) {
                        return unread(&error);
                    }
                    if let Some(refused) = self.refused.clone() {
                        return refused;
                    }
                }
            }
        }
    }

    /// Hands on all that has come whole.
    fn take_in(&mut self, input: &mut Incoming) -> io::Result<()> {
        while self.refused.is_none()
            && let Some(reply) = input.next()?
        {
            match reply {
                Reply::Push(push) if !is_answer(&push) => self.pushes.pass_on(&push),
                reply => self.answer(reply),
            }
        }
        Ok(())
    }

    fn answer(&mut self, reply: Reply) {
        let Some(first) = self.awaited.front_mut() else {
            return;
        };
        first.answers.push(reply);
        if first.answers.len() < first.count {
            return;
        }
        let Some(whole) = self.awaited.pop_front() else {
            return;
        };
        match whole.answered {
            // Whoever asked may listen no more.
            Some(answered) => drop(answered.send(Ok(whole.answers))),
            None => self.refused = self.greeted(&whole.answers),
        }
    }

    /// Looks at the answers to the greeting. Why the server does not want us.
    fn greeted(&self, answers: &[Reply]) -> Option<RequestError> {
        let [hello, tracking, role, rest @ ..] = answers else {
            return None;
        };
        for answer in std::iter::once(hello).chain(rest) {
            if let Reply::Error(text) = answer {
                return Some(RequestError::Answered(text.clone()));
            }
        }
        let named = |name| hello.named(name).map(Reply::words).unwrap_or_default();
        let said = Hello {
            version: named("version"),
            is_clustered: named("mode") == "cluster",
            tracking: match tracking {
                Reply::Error(text) => Err(text.clone()),
                _ => Ok(()),
            },
        };
        // It is set once.
        let _ = self.hello.set(said);
        match (&*named("role"), role.list()) {
            ("replica" | "slave", [_, host, port, ..]) => {
                let port = port.number().unwrap_or_default();
                Some(RequestError::Replica(format!("{}:{port}", host.words())))
            }
            ("replica" | "slave", _) => Some(RequestError::Answered("READONLY".to_owned())),
            _ => None,
        }
    }
}

impl Awaited {
    fn of(count: usize, answered: Option<Answered>) -> Self {
        Self {
            count,
            answers: Vec::with_capacity(count),
            answered,
        }
    }
}

/// As they are sent.
fn written(commands: &[RedisCommand]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        command.write(&mut bytes);
    }
    bytes
}

/// Whether a push is the answer to a subscription.
fn is_answer(push: &[Reply]) -> bool {
    let kind = push.first().map(Reply::text).unwrap_or_default();
    matches!(kind, b"subscribe" | b"unsubscribe")
}

fn broken(error: &io::Error) -> RequestError {
    RequestError::Broken(reason::of_io(error))
}

/// Of an answer that cannot be read.
fn unread(error: &io::Error) -> RequestError {
    match error.kind() {
        // As of a queue of a million.
        io::ErrorKind::FileTooLarge => RequestError::Broken(error.to_string()),
        _ => RequestError::Stranger(error.to_string()),
    }
}
