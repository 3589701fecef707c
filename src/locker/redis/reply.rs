//! What Redis answers, RESP3, and how requests are written.
//!
//! By hand, in place of the crate `redis`: that one waits for the answer to HELLO before it sends
//! anything else, a round trip more for every run, and brings 0.8 MB and 14 crates (1.8.1, measured).
//! Of the protocol this is all that is needed.
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use std::io;

/// So deep an answer may be.
pub(super) const DEPTH: usize = 16;

/// One answer, or one push.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Null,
    Number(i64),
    Text(Vec<u8>),
    /// Of maps the names and values by turns.
    List(Vec<Reply>),
    Error(String),
    /// What is said without having been asked for.
    Push(Vec<Reply>),
}

impl Reply {
    /// The text, or nothing.
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            _ => &[],
        }
    }

    /// The text as people read it.
    pub(super) fn words(&self) -> String {
        String::from_utf8_lossy(self.text()).into_owned()
    }

    /// The number, also of one that is written out.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// What is in a list.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) | Self::Push(list) => list,
            _ => &[],
        }
    }

    /// Of a map, what stands by this name.
    pub(super) fn named(&self, name: &str) -> Option<&Self> {
        let mut pairs = self.list().chunks_exact(2);
        let found = pairs.find(|pair| pair[0].text() == name.as_bytes());
        found.map(|pair| &pair[1])
    }
}

/// One command: its words.
#[derive(Clone, Debug)]
pub(super) struct RedisCommand(Vec<Vec<u8>>);

impl RedisCommand {
    pub(super) fn new<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        Self(words.into_iter().map(|w| w.as_ref().to_vec()).collect())
    }

    /// With one word more.
    #[must_use]
    pub(super) fn arg(mut self, word: impl AsRef<[u8]>) -> Self {
        self.0.push(word.as_ref().to_vec());
        self
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(format!("*{}\r\n", self.0.len()).bytes());
        for word in &self.0 {
            out.extend(format!("${}\r\n", word.len()).bytes());
            out.extend(word);
            out.extend(b"\r\n");
        }
    }
}

/// Reads one answer from the beginning of `input`, and how long it is; `None` if it goes on.
///
/// # Errors
/// If it makes no sense.
pub(super) fn parse(input: &[u8]) -> io::Result<Option<(Reply, usize)>> {
    let mut reader = ReplyReader { input, at: 0 };
    Ok(reader.reply(0)?.map(|reply| (reply, reader.at)))
}

struct ReplyReader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> ReplyReader<'a> {
    /// One answer; `None` if it is not all here.
    fn reply(&mut self, depth: usize) -> io::Result<Option<Reply>> {
        if depth > DEPTH {
            return Err(senseless());
        }
        let Some(line) = self.line() else {
            return Ok(None);
        };
        let kind = line.first().copied().unwrap_or_default();
        let rest = line.get(1..).unwrap_or_default();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Some(match (kind, head(line)?) {
            (b'$' | b'=' | b'!' | b'*' | b'~' | b'>' | b'%' | b'|' | b'_', ReplyHead::Line) => {
                Reply::Null
            }
            (b'-', ReplyHead::Line) => Reply::Error(text(rest)),
            (b':', ReplyHead::Line) => Reply::Number(number(rest)?),
            (b'#', ReplyHead::Line) => Reply::Number(i64::from(rest == b"t")),
            (_, ReplyHead::Line) => Reply::Text(rest.to_vec()),
            (_, ReplyHead::Text(length)) => {
                let Some(bytes) = self.bytes(length) else {
                    return Ok(None);
                };
                match kind {
                    b'!' => Reply::Error(text(bytes)),
                    // The format stands in front of it.
                    b'=' => Reply::Text(bytes.get(4..).unwrap_or_default().to_vec()),
                    _ => Reply::Text(bytes.to_vec()),
                }
            }
            (_, ReplyHead::List(count)) => {
                let mut list = Vec::new();
                for _ in 0..count {
                    match self.reply(depth + 1)? {
                        Some(reply) => list.push(reply),
                        None => return Ok(None),
                    }
                }
                match kind {
                    b'>' => Reply::Push(list),
                    // Attributes of what follows: nobody asked for any.
                    b'|' => list.pop().unwrap_or(Reply::Null),
                    _ => Reply::List(list),
                }
            }
        }))
    }

    /// Up to the end of the line, without that.
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.input[self.at..];
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        self.at += end + 2;
        Some(&rest[..end])
    }

    /// So many, and the end of the line.
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let rest = &self.input[self.at..];
        let bytes = rest.get(..length)?;
        rest.get(length..length + 2)?;
        self.at += length + 2;
        Some(bytes)
    }
}

/// What the first line of an answer says of the rest.
pub(super) enum ReplyHead {
    /// There is none.
    Line,
    /// So many bytes, and the end of a line.
    Text(usize),
    /// So many answers.
    List(u64),
}

/// Reads such a line.
///
/// # Errors
/// If it makes no sense.
pub(super) fn head(line: &[u8]) -> io::Result<ReplyHead> {
    let (kind, rest) = line.split_first().ok_or_else(senseless)?;
    let length = || match number(rest)? {
        // What is not there, as RESP2 says it.
        -1 => Ok(None),
        length => u32::try_from(length).map(Some).map_err(|_| senseless()),
    };
    let kind = match kind {
        b'+' | b'-' | b':' | b',' | b'(' | b'#' | b'_' => None,
        b'$' | b'=' | b'!' => length()?.map(|length| ReplyHead::Text(length as usize)),
        b'*' | b'~' | b'>' => length()?.map(|count| ReplyHead::List(count.into())),
        b'%' => length()?.map(|pairs| ReplyHead::List(2 * u64::from(pairs))),
        // Pairs, and what they are said of.
        b'|' => length()?.map(|pairs| ReplyHead::List(2 * u64::from(pairs) + 1)),
        _ => return Err(senseless()),
    };
    Ok(kind.unwrap_or(ReplyHead::Line))
}

fn number(text: &[u8]) -> io::Result<i64> {
    let number = std::str::from_utf8(text).ok();
    let number = number.and_then(|text| text.parse().ok());
    number.ok_or_else(senseless)
}

pub(super) fn senseless() -> io::Error {
    let why = "it does not answer as Redis does: is it Redis' port?";
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let all = "%1\r\n$4\r\nmode\r\n+alone\r\n";
        let map = Reply::List(vec![text("mode"), text("alone")]);
        for (input, reply) in [
            (all, map),
            (":-7\r\n", Reply::Number(-7)),
            ("_\r\n", Reply::Null),
            ("$-1\r\n", Reply::Null),
            ("*-1\r\n", Reply::Null),
            ("$4\r\na\r\nb\r\n", text("a\r\nb")),
            ("=5\r\ntxt:x\r\n", text("x")),
            ("#t\r\n", Reply::Number(1)),
            ("-ERR no\r\n", Reply::Error("ERR no".to_owned())),
            ("!3\r\nERR\r\n", Reply::Error("ERR".to_owned())),
            ("|1\r\n+a\r\n+b\r\n+c\r\n", text("c")),
            (
                ">2\r\n+a\r\n*0\r\n",
                Reply::Push(vec![text("a"), Reply::List(vec![])]),
            ),
        ] {
            let read = parse(input.as_bytes()).expect("sense");
            assert_eq!(read, Some((reply, input.len())), "{input:?}");
            for end in 0..input.len() {
                let part = parse(&input.as_bytes()[..end]).expect("sense");
                assert_eq!(part, None, "{:?}", &input[..end]);
            }
        }
    }

    #[test]
    fn what_is_not_redis_is_refused() {
        let deep = "*1\r\n".repeat(100);
        for input in [
            "HTTP/1.1 400 Bad Request\r\n",
            "$-2\r\n",
            "*9999999999\r\n",
            ":x\r\n",
            "\r\n",
            &deep,
        ] {
            assert!(parse(input.as_bytes()).is_err(), "{input:?}");
        }
    }

    #[test]
    fn a_command_is_written_as_a_list() {
        let mut out = Vec::new();
        RedisCommand::new(["GET"]).arg("a\r\nb").write(&mut out);
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n");
    }
}
