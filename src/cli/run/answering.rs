//! Answers `genlock check` of the command: it asks the store over the connection that genlock has, so that
//! the command needs no credentials.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cli::question::{self, ANSWER_WITHIN, Answer, AnsweringAddress, MAX_MESSAGE, Question};
use crate::exit::{self, Exit};
use crate::locker::kind::StoreClient;
use crate::locker::operator::Remaining;
use crate::locker::{Held, Ownership};

/// How many connections are answered at the same time; others wait until one is done.
const MOST: usize = 8;

/// How long a connection may take to send its question.
const ASKED_WITHIN: Duration = Duration::from_secs(1);

/// How long a connection without the secret word is kept, as one of [`MOST`]: a process that connects
/// again and again then costs us little. Also the pause after a failed accept(2).
const PAUSE: Duration = Duration::from_millis(100);

/// The task that answers; it ends when this is dropped.
pub(super) struct Answering {
    address: String,
    _tasks: JoinSet<()>,
}

/// The lock about which is asked.
struct Lock {
    address: AnsweringAddress,
    store: Arc<dyn StoreClient>,
    ownership: Ownership,
    owner_key: String,
    token: u64,
}

impl Answering {
    /// Begins to listen. `None` if there is no socket for it: `genlock check` then asks the store itself.
    pub(super) fn start(store: &Arc<dyn StoreClient>, held: &Held) -> Option<Self> {
        let lock = Lock {
            address: AnsweringAddress::random().ok()?,
            store: store.clone(),
            ownership: held.ownership(),
            owner_key: held.owner_key()?.to_owned(),
            token: held.token(),
        };
        let address = lock.address.text();
        let listener = UnixListener::from_std(lock.address.listen().ok()?.into()).ok()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(lock)));
        Some(Self {
            address,
            _tasks: tasks,
        })
    }

    /// The value of $GENLOCK_HELD_SOCKET.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

async fn accept(listener: UnixListener, lock: Arc<Lock>) {
    let mut asking = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if asking.len() < MOST => match accepted {
                Ok((socket, _)) => {
                    asking.spawn(answer(socket, lock.clone()));
                }
                // As when no descriptor is free (accept(2), EMFILE).
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = asking.join_next() => {}
        }
    }
}

/// Answers the one question of a connection.
async fn answer(socket: UnixStream, lock: Arc<Lock>) {
    let question = timeout(ASKED_WITHIN, receive(&socket)).await;
    let question = question.ok().and_then(Result::ok).flatten();
    let Some(question) = question.filter(|question| question.word == lock.address.asker) else {
        return sleep(PAUSE).await;
    };
    if question::send(&socket, lock.address.answerer.as_bytes()).is_ok()
        && let Ok(answer) = serde_json::to_vec(&lock.answer(&question).await)
    {
        // It fails if the asker is gone.
        let _ = question::send(&socket, &answer);
    }
}

async fn receive(socket: &UnixStream) -> io::Result<Option<Question>> {
    let mut message = vec![0; MAX_MESSAGE];
    let receive = || {
        let received = rustix::net::recv(socket, &mut message[..], RecvFlags::empty());
        received.map(|(_, length)| length).map_err(io::Error::from)
    };
    let length = socket.async_io(Interest::READABLE, receive).await?;
    Ok(serde_json::from_slice(&message[..length]).ok())
}

impl Lock {
    /// What is left of the lock: asks the store now, and keeps to our own deadline.
    async fn answer(&self, question: &Question) -> Answer {
        let is_ours = question.owner_key == self.owner_key && question.token == self.token;
        if !is_ours || self.ownership.loss().is_some() {
            return Answer::Nothing;
        }
        let left = timeout(ANSWER_WITHIN, self.store.left(&self.owner_key, self.token)).await;
        let left = match left {
            Ok(Ok(left)) if self.ownership.loss().is_none() => left,
            Ok(Ok(_)) => return Answer::Nothing,
            Ok(Err(error)) => {
                return Answer::Failed {
                    status: Exit::of_error(error.kind()).status(),
                    text: error.to_string(),
                };
            }
            Err(_) => {
                return Answer::Failed {
                    status: exit::UNAVAILABLE,
                    text: "the store does not answer".to_owned(),
                };
            }
        };
        // The command is stopped at the deadline, even if the store keeps the lock for longer.
        let deadline = self.ownership.deadline().map(|deadline| deadline.left());
        match (left, deadline) {
            (Remaining::Nothing, _) => Answer::Nothing,
            (Remaining::AtLeast(left), Some(deadline)) => Answer::AtLeast(left.min(deadline)),
            (Remaining::AtLeast(left), None) | (Remaining::NoEnd, Some(left)) => {
                Answer::AtLeast(left)
            }
            (Remaining::NoEnd, None) => Answer::NoEnd,
        }
    }
}
