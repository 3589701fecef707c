//! A client of ZooKeeper that knows as much of its protocol as tests ask for.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// One session, which ends when this is dropped.
pub(crate) struct Asked {
    stream: TcpStream,
    number: i32,
}

impl Asked {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        Self::attach(port, 0, [0; 16])
    }

    /// Ends a session of another client.
    pub(crate) fn end_session(port: u16, id: i64) {
        drop(Self::attach(port, id, password(id)).expect("a session"));
    }

    fn attach(port: u16, id: i64, password: [u8; 16]) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        let mut asked = Self { stream, number: 0 };
        let mut request = Vec::new();
        request.extend(0i32.to_be_bytes());
        request.extend(0i64.to_be_bytes());
        request.extend(10_000i32.to_be_bytes());
        request.extend(id.to_be_bytes());
        request.extend(buffer(&password));
        request.push(0);
        asked.send(&request)?;
        let answer = asked.receive()?;
        let timeout = i32::from_be_bytes(answer[4..8].try_into().expect("four bytes"));
        if timeout <= 0 {
            return Err(io::Error::other("no session"));
        }
        Ok(asked)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(&buffer(message))
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut message)?;
        Ok(message)
    }

    /// The error's number, or 0, and the answer.
    fn call(&mut self, code: i32, body: &[u8]) -> (i32, Vec<u8>) {
        self.try_call(code, body).expect("an answer")
    }

    fn try_call(&mut self, code: i32, body: &[u8]) -> io::Result<(i32, Vec<u8>)> {
        self.number += 1;
        let mut message = Vec::new();
        message.extend(self.number.to_be_bytes());
        message.extend(code.to_be_bytes());
        message.extend(body);
        self.send(&message)?;
        let answer = self.receive()?;
        let error = i32::from_be_bytes(answer[12..16].try_into().expect("four bytes"));
        Ok((error, answer[16..].to_vec()))
    }

    pub(crate) fn delete(&mut self, path: &str) {
        let body = [buffer(path.as_bytes()), (-1i32).to_be_bytes().to_vec()].concat();
        assert_eq!(self.call(2, &body).0, 0, "{path}");
    }

    /// Deletes a node while there is this other one. Whether there was.
    pub(crate) fn delete_behind(&mut self, other: &str, path: &str) -> io::Result<bool> {
        let any = (-1i32).to_be_bytes();
        let mut body = Vec::new();
        // A check and a deletion (OpCode.java), each behind its kind and what only answers have.
        for (code, path) in [(13i32, other), (2, path)] {
            body.extend([&code.to_be_bytes()[..], &[0], &any].concat());
            body.extend([&buffer(path.as_bytes()), &any[..]].concat());
        }
        body.extend([&any[..], &[1], &any].concat());
        let (error, answer) = self.try_call(14, &body)?;
        // Of one that failed the first kind is that of an error.
        Ok(error == 0 && answer.get(..4) != Some(&any[..]))
    }

    pub(crate) fn write(&mut self, path: &str, data: &[u8]) {
        assert!(self.try_write(path, data).expect("an answer"), "{path}");
    }

    /// Whether there was such a node.
    pub(crate) fn try_write(&mut self, path: &str, data: &[u8]) -> io::Result<bool> {
        let version = (-1i32).to_be_bytes().to_vec();
        let body = [buffer(path.as_bytes()), buffer(data), version].concat();
        Ok(self.try_call(5, &body)?.0 == 0)
    }

    /// Makes a node, for everybody; `kind` as CreateMode.java has it. Its path.
    pub(crate) fn create(&mut self, path: &str, data: &[u8], kind: i32) -> String {
        self.create_with(path, data, kind, 31)
    }

    /// Makes a node with which everybody may do this much (ZooDefs.java).
    pub(crate) fn create_with(
        &mut self,
        path: &str,
        data: &[u8],
        kind: i32,
        rights: i32,
    ) -> String {
        let body = [
            buffer(path.as_bytes()),
            buffer(data),
            1i32.to_be_bytes().to_vec(),
            rights.to_be_bytes().to_vec(),
            buffer(b"world"),
            buffer(b"anyone"),
            kind.to_be_bytes().to_vec(),
        ];
        let (error, answer) = self.call(1, &body.concat());
        assert_eq!(error, 0, "{path}");
        String::from_utf8(answer[4..].to_vec()).expect("a path")
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.number += 1;
        let close = [self.number.to_be_bytes(), (-11i32).to_be_bytes()].concat();
        let _ = self.stream.write_all(&buffer(&close));
        // Until it has ended.
        let _ = self.stream.read_to_end(&mut Vec::new());
    }
}

fn buffer(bytes: &[u8]) -> Vec<u8> {
    let mut written = (bytes.len() as u32).to_be_bytes().to_vec();
    written.extend(bytes);
    written
}

/// That of a session, as ZooKeeper makes it from the number (generatePasswd of ZooKeeperServer.java, by
/// java.util.Random).
fn password(id: i64) -> [u8; 16] {
    const FACTOR: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let mut seed = (id as u64 ^ 0xB341_5C00 ^ FACTOR) & MASK;
    let mut bytes = [0; 16];
    for part in bytes.chunks_mut(4) {
        seed = (seed.wrapping_mul(FACTOR) + 0xB) & MASK;
        part.copy_from_slice(&((seed >> 16) as u32).to_le_bytes());
    }
    bytes
}
