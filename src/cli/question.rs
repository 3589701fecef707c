//! The question of a command to the genlock that runs it, whether the lock is still theirs, and the
//! answer: over a socket that has no file (unix(7), abstract), so that nothing is left behind.
//!
//! The names of such sockets are public (/proc/net/unix), and free to take once a genlock is gone:
//! the two know each other by words that only the command's environment has.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, socket_with,
};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};

use super::environment::Around;

/// A genlock that lives shows it within this time.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long it asks its store at most.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest message: a key's owner key, or an error's text.
pub(super) const MAX_MESSAGE: usize = 32 * 1024;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 16;

/// How many digits the name and the words have: 128 bits.
const DIGITS: usize = 32;

/// Where a genlock answers, and what the two know each other by.
pub(super) struct AnsweringAddress {
    name: String,
    /// The asker's word, which comes with the question.
    pub(super) asker: String,
    /// The answerer's, which comes before the answer as a sign of life.
    pub(super) answerer: String,
}

/// The command's question: is the lock still this holder's?
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) word: String,
    pub(super) owner_key: String,
    pub(super) token: u64,
}

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It is not.
    Nothing,
    /// It is, for at least so long.
    AtLeast(Duration),
    /// It is, until the holder lets go or ends.
    NoEnd,
    /// The store does not tell: the exit status for it, and why.
    Failed { status: u8, text: String },
}

impl AnsweringAddress {
    /// One that nobody can guess.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 3 * DIGITS / 2];
        if getrandom(&mut bytes, GetRandomFlags::empty())? < bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let digits = bytes.map(|byte| format!("{byte:02x}")).concat();
        Self::of_digits(&digits).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// As a variable of the environment has it.
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

    /// Begins to listen there.
    pub(super) fn listen(&self) -> io::Result<OwnedFd> {
        let socket = socket()?;
        rustix::net::bind(&socket, &self.unix()?)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(socket)
    }

    /// Connects to it, if it listens and there is room for one more.
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

/// One that keeps messages whole.
fn socket() -> io::Result<OwnedFd> {
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?)
}

/// Asks the genlock that runs us. `None` if it does not answer: it is gone, frozen, or in another
/// network namespace.
pub(super) fn ask(around: &Around) -> Option<Answer> {
    let address = AnsweringAddress::of_digits(around.socket.as_deref()?)?;
    let socket = address.connect().ok()?;
    let question = Question {
        word: address.asker,
        owner_key: around.owner_key.clone(),
        token: around.token,
    };
    let question = serde_json::to_vec(&question).ok()?;
    send(&socket, &question).ok()?;
    if receive(&socket, SIGN_OF_LIFE)? != address.answerer.as_bytes() {
        return None;
    }
    let answer = receive(&socket, ANSWER_WITHIN + SIGN_OF_LIFE)?;
    serde_json::from_slice(&answer).ok()
}

/// Sends a message, for which there is room in a socket that is new.
pub(super) fn send(socket: impl AsFd, message: &[u8]) -> io::Result<()> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    rustix::net::send(socket, message, flags)?;
    Ok(())
}

/// The next message, if one comes within this time.
fn receive(socket: &OwnedFd, within: Duration) -> Option<Vec<u8>> {
    let within = Timespec::try_from(within).ok()?;
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    rustix::event::poll(&mut fds, Some(&within)).ok()?;
    let mut message = vec![0; MAX_MESSAGE];
    let (_, length) = rustix::net::recv(socket, &mut message[..], RecvFlags::empty()).ok()?;
    message.truncate(length);
    Some(message)
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
            endpoints: None,
            socket: Some(address.text()),
        }
    }

    /// Answers one question so, after a sign of life by this word.
    fn answer(listener: &OwnedFd, word: &str, answer: &Answer) -> Question {
        let mut fds = [PollFd::new(listener, PollFlags::IN)];
        rustix::event::poll(&mut fds, None).unwrap();
        let socket = accept(listener).unwrap();
        let question = receive(&socket, SIGN_OF_LIFE).unwrap();
        send(&socket, word.as_bytes()).unwrap();
        // Who does not believe it has gone by now.
        let _ = send(&socket, &serde_json::to_vec(answer).unwrap());
        serde_json::from_slice(&question).unwrap()
    }

    #[test]
    fn a_question_is_answered() {
        let address = AnsweringAddress::random().unwrap();
        let listener = address.listen().unwrap();
        let given = Answer::AtLeast(Duration::from_millis(1500));
        let asked = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&around(&address)));
            let question = answer(&listener, &address.answerer, &given);
            assert_eq!(question.word, address.asker);
            assert_eq!((&*question.owner_key, question.token), ("k/1", 7));
            asking.join().unwrap()
        });
        assert_eq!(asked, Some(given));
    }

    /// One that has taken the name since, say.
    #[test]
    fn nobody_is_believed_who_does_not_know_the_word() {
        let address = AnsweringAddress::random().unwrap();
        let listener = address.listen().unwrap();
        let asked = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&around(&address)));
            answer(&listener, &address.asker, &Answer::NoEnd);
            asking.join().unwrap()
        });
        assert_eq!(asked, None);
    }

    #[test]
    fn nobody_is_waited_for_who_is_gone_or_silent() {
        let address = AnsweringAddress::random().unwrap();
        assert_eq!(ask(&around(&address)), None);
        let _listener = address.listen().unwrap();
        assert_eq!(ask(&around(&address)), None);
        assert!(AnsweringAddress::of_digits("").is_none());
        assert!(AnsweringAddress::of_digits(&"é".repeat(3 * DIGITS / 2)).is_none());
    }
}
