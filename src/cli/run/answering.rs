//! Answering `genlock check` inside of the command: from the lock that is held, over the connection
//! and the login that are there.

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

/// So many are answered at the same time; the others wait for their turn.
const MOST: usize = 8;

/// How long one that has connected may take to ask.
const ASKED_WITHIN: Duration = Duration::from_secs(1);

/// How long one that does not know the word keeps its turn, lest it keep us busy.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is dropped.
pub(super) struct Answering {
    address: String,
    _tasks: JoinSet<()>,
}

/// The lock, as it is asked about.
struct Lock {
    address: AnsweringAddress,
    store: Arc<dyn StoreClient>,
    ownership: Ownership,
    owner_key: String,
    token: u64,
}

impl Answering {
    /// `None` where there is no socket to be had: whoever asks then asks the store.
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

    /// Where, as the command is told.
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
                // No descriptor is free, say.
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
        // Whoever does not listen any more is told nothing.
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
    /// As the store confirms it now.
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
        // The command is stopped by then, whatever the store says.
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
