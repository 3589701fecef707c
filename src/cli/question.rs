//! How `genlock check` asks the genlock that runs it whether the lock is still held, and `genlock release`
//! the one that keeps it to let go: over a socket in the abstract namespace (unix(7)), so that no file is
//! left behind.
//!
//! Anybody can see the names of such sockets (/proc/net/unix), and take one once its genlock is gone. So
//! each side shows a secret word, which is nowhere but in the command's environment.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, socket_with,
};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};

use super::environment::Around;
use crate::exit;
use crate::locker::TakenAway;

/// How long to wait for the answerer's word, which a genlock that runs sends before it asks its store.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long the genlock that is asked asks its store at most.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How long a keeper may take to let go: the steps under the lock have to end before.
const RELEASED_WITHIN: Duration = Duration::from_secs(60);

/// The longest message: an owner key may be long, and so may the text of an error.
pub(super) const MAX_MESSAGE: usize = 32 * 1024;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 16;

/// How many hexadecimal digits the name and the words have each: 128 bits.
const DIGITS: usize = 32;

/// The socket on which a genlock answers, and the words by which both sides prove who they are.
pub(super) struct AnsweringAddress {
    name: String,
    /// The word of who asks, sent with the question.
    pub(super) asker: String,
    /// The word of who answers, sent before the answer: it also shows that genlock runs.
    pub(super) answerer: String,
}

/// Is the lock still held by the holder with this owner key and token?
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) word: String,
    pub(super) owner_key: String,
    pub(super) token: u64,
    /// What is to be done with it, where more is wanted than an answer.
    #[serde(default)]
    pub(super) order: Option<Order>,
}

/// What can be done with a lock that a keeper holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    Release,
    /// Not to release it before the asker has closed the connection: it runs a step under the lock.
    Join,
    /// Hold it until so long from now.
    Extend(Duration),
}

/// What is left of the lock.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It is not held by that holder any more.
    Nothing,
    /// It is held for at least so long.
    AtLeast(Duration),
    /// It is held until the holder releases it or ends.
    NoEnd,
    /// An operator has taken it away.
    TakenAway(TakenAway),
    /// What was ordered is done.
    Done,
    /// The store could not be asked, or the order is refused: the exit status for that, and why.
    Failed { status: u8, text: String },
}

impl AnsweringAddress {
    /// A name and words that nobody can guess.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 3 * DIGITS / 2];
        if getrandom(&mut bytes, GetRandomFlags::empty())? < bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let digits = bytes.map(|byte| format!("{byte:02x}")).concat();
        Self::of_digits(&digits).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// As it stands in $GENLOCK_HELD_SOCKET.
    pub(super) fn text(&self) -> String {
        [&*self.name, &*self.asker, &*self.answerer].concat()
    }

    fn of_digits(digits: &str) -> Option<Self> {
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal || digits.len() != 3 * DIGITS {
            return None;
        }
        let (name, words) = digits.split_at(DIGITS);
        let (asker, answerer) = words.split_at(DIGITS);
        Some(Self {
            name: name.to_owned(),
            asker: asker.to_owned(),
            answerer: answerer.to_owned(),
        })
    }

    /// Listens on the socket.
    pub(super) fn listen(&self) -> io::Result<OwnedFd> {
        let socket = socket()?;
        rustix::net::bind(&socket, &self.unix()?)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(socket)
    }

    /// Connects, without waiting: it fails if nobody listens or [`BACKLOG`] connections wait already.
    fn connect(&self) -> io::Result<OwnedFd> {
        let socket = socket()?;
        rustix::net::connect(&socket, &self.unix()?)?;
        Ok(socket)
    }

    fn unix(&self) -> io::Result<SocketAddrUnix> {
        let name = format!("genlock-{}", self.name);
        Ok(SocketAddrUnix::new_abstract_name(name.as_bytes())?)
    }
}

/// A socket of type SOCK_SEQPACKET, which keeps messages apart.
fn socket() -> io::Result<OwnedFd> {
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?)
}

/// Asks the genlock under which we run, or orders it to do something. `None` if it does not answer: it is gone or frozen, or we are in
/// another network namespace, to which abstract sockets belong.
pub(super) fn ask(around: &Around, order: Option<Order>) -> Option<Answer> {
    talk(around, order).map(|(answer, ..)| answer)
}

/// Joins those who run a step under the lock that a keeper holds: it does not let go before the connection
/// is closed, and says [`Answer::Nothing`] on it, or [`Answer::TakenAway`], when it is about to.
pub(super) fn join(around: &Around) -> Joining {
    match talk(around, Some(Order::Join)) {
        Some((Answer::Done, socket, lock)) => Joining::Keeper(socket, lock),
        Some((Answer::Nothing, ..)) => Joining::TooLate,
        Some((Answer::Failed { status, .. }, ..)) if status == exit::USAGE => Joining::NoKeeper,
        _ => Joining::Silence,
    }
}

/// What came of [`join`].
pub(super) enum Joining {
    /// The connection; and the descriptor of the lock, where that keeps it for as long as it is open anywhere.
    Keeper(OwnedFd, Option<OwnedFd>),
    /// The lock is not that holder's any more, or about to be let go of.
    TooLate,
    /// It is a genlock that runs a command, which needs no word of ours.
    NoKeeper,
    /// Nobody answers.
    Silence,
}

fn talk(around: &Around, order: Option<Order>) -> Option<(Answer, OwnedFd, Option<OwnedFd>)> {
    let address = AnsweringAddress::of_digits(around.socket.as_deref()?)?;
    let socket = address.connect().ok()?;
    let question = Question {
        word: address.asker,
        owner_key: around.owner_key.clone(),
        token: around.token,
        order,
    };
    let question = serde_json::to_vec(&question).ok()?;
    send(&socket, &question).ok()?;
    if receive(&socket, SIGN_OF_LIFE)?.0 != address.answerer.as_bytes() {
        return None;
    }
    let within = match order {
        // The steps under the lock are stopped first.
        Some(Order::Release) => RELEASED_WITHIN,
        _ => ANSWER_WITHIN,
    };
    let answer = receive(&socket, within + SIGN_OF_LIFE);
    let answer = answer.and_then(|(text, lock)| Some((serde_json::from_slice(&text).ok()?, lock)));
    // What was ordered may be done, or not: it is nothing to ask the store for once more.
    let (answer, lock) = answer.or_else(|| {
        let text = "the genlock that keeps the lock does not answer".to_owned();
        let status = exit::UNAVAILABLE;
        order.map(|_| (Answer::Failed { status, text }, None))
    })?;
    Some((answer, socket, lock))
}

/// Sends a message. It does not wait for room: in a new socket there is enough.
pub(super) fn send(socket: impl AsFd, message: &[u8]) -> io::Result<()> {
    send_with(socket, message, None)
}

/// The same with a descriptor, if one is given.
pub(super) fn send_with(
    socket: impl AsFd,
    message: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.map(|descriptor| [descriptor]);
    if let Some(descriptors) = &descriptors {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(message)], &mut ancillary, flags)?;
    Ok(())
}

/// The next message, if one comes within this time, and the descriptor that came along.
fn receive(socket: &OwnedFd, within: Duration) -> Option<(Vec<u8>, Option<OwnedFd>)> {
    let within = Timespec::try_from(within).ok()?;
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    rustix::event::poll(&mut fds, Some(&within)).ok()?;
    let mut message = vec![0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut message)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut parts, &mut ancillary, flags).ok()?;
    let mut descriptor = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.into_iter().next();
        }
    }
    message.truncate(received.bytes);
    Some((message, descriptor))
}

#[cfg(test)]
mod tests {
    use rustix::net::accept;

    use super::*;

    fn around(address: &AnsweringAddress) -> Around {
        Around {
            key: "k".to_owned(),
            token: 7,
            owner_key: "k/1".to_owned(),
            other_owner_keys: Vec::new(),
            index: None,
            ttl: None,
            socket: Some(address.text()),
        }
    }

    /// Takes one question, and sends this word and this answer.
    fn answer(listener: &OwnedFd, word: &str, answer: &Answer) -> Question {
        let mut fds = [PollFd::new(listener, PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        let socket = accept(listener).unwrap();
        let (question, _) = receive(&socket, SIGN_OF_LIFE).unwrap();
        send(&socket, word.as_bytes()).unwrap();
        // It fails if the asker, who did not accept the word, has closed the socket.
        let _ = send(&socket, &serde_json::to_vec(answer).unwrap());
        serde_json::from_slice(&question).unwrap()
    }

    #[test]
    fn a_question_is_answered() {
        let address = AnsweringAddress::random().unwrap();
        let listener = address.listen().unwrap();
        let given = Answer::AtLeast(Duration::from_millis(1500));
        let asked = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&around(&address), None));
            let question = answer(&listener, &address.answerer, &given);
            assert_eq!(question.word, address.asker);
            assert_eq!((&*question.owner_key, question.token), ("k/1", 7));
            asking.join().unwrap()
        });
        assert_eq!(asked, Some(given));
    }

    /// As by somebody who has taken the name of a genlock that is gone.
    #[test]
    fn nobody_is_believed_who_does_not_know_the_word() {
        let address = AnsweringAddress::random().unwrap();
        let listener = address.listen().unwrap();
        let asked = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&around(&address), None));
            answer(&listener, &address.asker, &Answer::NoEnd);
            asking.join().unwrap()
        });
        assert_eq!(asked, None);
    }

    #[test]
    fn nobody_is_waited_for_who_is_gone_or_silent() {
        let address = AnsweringAddress::random().unwrap();
        assert_eq!(ask(&around(&address), None), None);
        let _listener = address.listen().unwrap();
        assert_eq!(ask(&around(&address), None), None);
        assert!(AnsweringAddress::of_digits("").is_none());
        assert!(AnsweringAddress::of_digits(&"é".repeat(3 * DIGITS / 2)).is_none());
    }
}
