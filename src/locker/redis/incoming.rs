//! What has come over a connection and is not read yet. The end of an answer is looked for once in each
//! byte, however small the pieces are that it comes in; and what is larger than any answer is refused
//! before it is there.

use std::io;

use super::reply::{DEPTH, Reply, ReplyHead, head, parse, senseless};

/// The longest answer that is read, in bytes: a queue of a hundred thousand, with their records.
const LONGEST: usize = 64 << 20;

/// How many answers may be within one: those of that queue, which are lists of four.
const MOST: u64 = 1 << 20;

/// The longest line. A status and an error are lines; text that may be long has its length in front.
const LINE: usize = 64 << 10;

/// The bytes, and how much is known of the first answer in them.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// Where the first answer begins.
    start: usize,
    /// Up to where its parts are known to be whole.
    whole: usize,
    /// Up to where no line ends behind that.
    looked: usize,
    /// How many parts are still to come of each list that is not at its end, the outermost first.
    open: Vec<u64>,
    /// How many parts its lists have.
    parts: u64,
}

impl Incoming {
    /// Takes in what has come.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.whole -= self.start;
        self.looked = self.looked.saturating_sub(self.start);
        self.start = 0;
        if self.bytes.is_empty() {
            // After a long answer.
            self.bytes.shrink_to(LINE);
        }
        self.bytes.extend(bytes);
    }

    /// The next answer that has come as a whole.
    ///
    /// # Errors
    /// If it makes no sense, or is too large.
    pub(super) fn next(&mut self) -> io::Result<Option<Reply>> {
        while self.pass_part()? {
            if !self.open.is_empty() {
                continue;
            }
            let bytes = &self.bytes[self.start..self.whole];
            let (reply, _) = parse(bytes)?.ok_or_else(senseless)?;
            self.start = self.whole;
            self.parts = 0;
            return Ok(Some(reply));
        }
        Ok(None)
    }

    /// Passes what has no other answer in it, or the head of a list. False if it is not all here.
    fn pass_part(&mut self) -> io::Result<bool> {
        let Some(end) = self.line_end()? else {
            return Ok(false);
        };
        let behind = end + 2;
        match head(&self.bytes[self.whole..end])? {
            ReplyHead::Line => self.whole = behind,
            ReplyHead::Text(length) => {
                let end = behind.saturating_add(length);
                self.check(end)?;
                match self.bytes.get(end..end + 2) {
                    Some(b"\r\n") => self.whole = end + 2,
                    Some(_) => return Err(senseless()),
                    None => return Ok(false),
                }
            }
            ReplyHead::List(count) => {
                self.parts = self.parts.saturating_add(count);
                if self.parts > MOST {
                    return Err(too_large());
                }
                self.whole = behind;
                if count > 0 && self.open.len() == DEPTH {
                    return Err(senseless());
                }
                if count > 0 {
                    self.open.push(count);
                    return Ok(true);
                }
            }
        }
        self.check(self.whole)?;
        self.close();
        Ok(true)
    }

    /// Where the line ends that begins behind the whole parts.
    fn line_end(&mut self) -> io::Result<Option<usize>> {
        let from = self.looked.max(self.whole);
        let rest = &self.bytes[from..];
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let end = end.map(|at| from + at);
        // A line's end can be cut in two.
        self.looked = end.unwrap_or(self.bytes.len().saturating_sub(1));
        match end.unwrap_or(self.bytes.len()) - self.whole {
            ..=LINE => Ok(end),
            _ => Err(too_large()),
        }
    }

    fn check(&self, end: usize) -> io::Result<()> {
        match end - self.start {
            ..=LONGEST => Ok(()),
            _ => Err(too_large()),
        }
    }

    /// A part is whole, and with it each list that it is the last part of.
    fn close(&mut self) {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
    }
}

fn too_large() -> io::Error {
    let why = "its answer is larger than what is read of one";
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_pieces() {
        let texts: [&[u8]; 6] = [
            b"$4\r\na\r\nb\r\n",
            b"*2\r\n%1\r\n+a\r\n*0\r\n_\r\n",
            b"|1\r\n+a\r\n+b\r\n+c\r\n",
            b">2\r\n+a\r\n*-1\r\n",
            b"*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n",
            b"+OK\r\n",
        ];
        let expected: Vec<_> = texts
            .iter()
            .map(|text| parse(text).expect("sense").expect("all").0)
            .collect();
        let all = texts.concat();
        for length in 1..all.len() {
            let mut incoming = Incoming::default();
            let mut found = Vec::new();
            for piece in all.chunks(length) {
                incoming.take(piece);
                while let Some(reply) = incoming.next().expect("sense") {
                    found.push(reply);
                }
            }
            assert_eq!(found, expected, "in pieces of {length}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_there() {
        let line = [b"+".to_vec(), b"x".repeat(LINE + 1)].concat();
        let nested = "*2\r\n".repeat(40);
        let many = format!("*{}\r\n", MOST + 1);
        let lists = format!("*{0}\r\n*{0}\r\n", MOST / 2 + 1);
        for bytes in [
            b"$536870912\r\n",
            &line[..],
            many.as_bytes(),
            lists.as_bytes(),
            nested.as_bytes(),
            b"$1\r\nabc",
        ] {
            let mut incoming = Incoming::default();
            incoming.take(bytes);
            let shown = String::from_utf8_lossy(&bytes[..9.min(bytes.len())]);
            assert!(incoming.next().is_err(), "{shown}");
        }
    }

    /// A second would be over long before the end if each piece were looked at from the beginning.
    #[test]
    fn a_long_answer_takes_time_by_its_length() {
        let mut incoming = Incoming::default();
        incoming.take(b"*200000\r\n");
        for _ in 0..199_999 {
            incoming.take(b"$5\r\nhello\r\n");
            assert!(incoming.next().expect("sense").is_none());
        }
        incoming.take(b"_\r\n");
        let reply = incoming.next().expect("sense").expect("all of it");
        assert_eq!(reply.list().len(), 200_000);
    }
}
