//! Answers `genlock check` of those who run under the lock: it asks the store over the connection that
//! genlock has, so that they need no credentials. What else they ask for, as `genlock release` does, is left
//! to whoever holds the lock.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::question::{
    self, ANSWER_WITHIN, Answer, AnsweringAddress, MAX_MESSAGE, Order, Question,
};
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
    /// Who does more than answer, where there is one.
    orders: Option<mpsc::Sender<Ordered>>,
}

/// An order by somebody who knows the word, and waits for the answer.
pub(super) struct Ordered {
    pub(super) order: Order,
    asker: UnixStream,
}

impl Ordered {
    /// Says what became of it.
    pub(super) fn answer(&self, answer: &Answer) {
        tell(&self.asker, answer);
    }

    /// The same with the descriptor of the lock, if there is one.
    pub(super) fn answer_with(&self, answer: &Answer, lock: Option<BorrowedFd<'_>>) {
        if let Ok(answer) = serde_json::to_vec(answer) {
            let _ = question::send_with(&self.asker, &answer, lock);
        }
    }

    /// Whether the asker still has the connection.
    pub(super) fn is_there(&self) -> bool {
        let read = self.asker.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// The asker's process, as long as it is there and has a number here (unix(7), SO_PEERCRED).
    pub(super) fn pid(&self) -> Option<i32> {
        let peer = self.asker.peer_cred().ok()?;
        peer.pid().filter(|&pid| pid > 0 && self.is_there())
    }

    /// Ends when the asker has closed the connection, or has ended. Cancel-safe.
    pub(super) async fn gone(&self) {
        loop {
            if self.asker.readable().await.is_err() {
                return;
            }
            match self.asker.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// Sends an answer. It fails if the asker is gone.
fn tell(asker: &UnixStream, answer: &Answer) {
    if let Ok(answer) = serde_json::to_vec(answer) {
        let _ = question::send(asker, &answer);
    }
}

impl Answering {
    /// Begins to listen. `None` if there is no socket for it: `genlock check` then asks the store itself.
    pub(super) fn start(
        store: &Arc<dyn StoreClient>,
        held: &Held,
        orders: Option<mpsc::Sender<Ordered>>,
    ) -> Option<Self> {
        let lock = Lock {
            address: AnsweringAddress::random().ok()?,
            store: store.clone(),
            ownership: held.ownership(),
            owner_key: held.owner_key()?.to_owned(),
            token: held.token(),
            orders,
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
    if question::send(&socket, lock.address.answerer.as_bytes()).is_err() {
        return;
    }
    match (question.order, &lock.orders) {
        (None, _) => tell(&socket, &lock.answer(&question).await),
        (Some(_), None) => tell(&socket, &refused()),
        (Some(_), _) if !lock.is_ours(&question) => tell(&socket, &Answer::Nothing),
        (Some(order), Some(orders)) => {
            let asker = socket;
            // It fails if the lock is not held any more.
            if let Err(unheard) = orders.send(Ordered { order, asker }).await {
                unheard.0.answer(&Answer::Nothing);
            }
        }
    }
}

/// The answer to an order where a command runs: the lock is its, and ends with it.
fn refused() -> Answer {
    Answer::Failed {
        status: exit::USAGE,
        text: "this lock is that of genlock run: it is released when its command ends".to_owned(),
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
    /// Whether it is asked about, and still held.
    fn is_ours(&self, question: &Question) -> bool {
        let is_it = question.owner_key == self.owner_key && question.token == self.token;
        is_it && self.ownership.loss().is_none()
    }

    /// What is left of the lock: asks the store now, and keeps to our own deadline.
    async fn answer(&self, question: &Question) -> Answer {
        if !self.is_ours(question) {
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
