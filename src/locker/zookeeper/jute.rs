//! Jute, in which ZooKeeper's messages are written (its zookeeper.jute): numbers are big-endian, and
//! whatever has a length comes behind it.

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct JuteWriter(Vec<u8>);

impl JuteWriter {
    pub(super) fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn bool(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    pub(super) fn buffer(self, value: &[u8]) -> Self {
        // What is longer the server refuses by far (its jute.maxbuffer is a megabyte).
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        let mut written = self.int(length);
        written.0.extend(value);
        written
    }

    pub(super) fn string(self, value: &str) -> Self {
        self.buffer(value.as_bytes())
    }

    pub(super) fn raw(mut self, value: &[u8]) -> Self {
        self.0.extend(value);
        self
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }

    /// As a packet: behind its length.
    pub(super) fn packet(self) -> Vec<u8> {
        Self::default().buffer(&self.0).0
    }
}

/// A message that is being read. What is not there is `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct JuteReader<'a>(&'a [u8]);

impl<'a> JuteReader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn int(&mut self) -> Option<i32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(i32::from_be_bytes(bytes))
    }

    pub(super) fn bool(&mut self) -> Option<bool> {
        Some(self.take(1)? != [0])
    }

    pub(super) fn long(&mut self) -> Option<i64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(i64::from_be_bytes(bytes))
    }

    /// One that is null, of the length −1, is empty.
    pub(super) fn buffer(&mut self) -> Option<&'a [u8]> {
        let length = self.int()?;
        self.take(usize::try_from(length.max(0)).ok()?)
    }

    pub(super) fn string(&mut self) -> Option<String> {
        let bytes = self.buffer()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn strings(&mut self) -> Option<Vec<String>> {
        let count = self.int()?;
        (0..count).map(|_| self.string()).collect()
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = JuteWriter::default()
            .int(-4)
            .long(1 << 40)
            .bool(true)
            .string("lock-Ä")
            .buffer(&[0, 255])
            .int(-1);
        let packet = written.packet();
        let mut read = JuteReader::new(&packet);
        assert_eq!(read.int(), Some(packet.len() as i32 - 4));
        assert_eq!((read.int(), read.long()), (Some(-4), Some(1 << 40)));
        assert_eq!(read.bool(), Some(true));
        assert_eq!(read.string().as_deref(), Some("lock-Ä"));
        assert_eq!(read.buffer(), Some(&[0, 255][..]));
        assert_eq!(read.buffer(), Some(&[][..]), "null");
        assert_eq!(read.int(), None);
    }

    #[test]
    fn no_length_is_believed_that_is_not_there() {
        for lie in [i32::MAX, 5, -2] {
            let message = JuteWriter::default().int(lie).raw(b"four").done();
            let mut read = JuteReader::new(&message);
            assert!(read.buffer().is_none_or(<[u8]>::is_empty), "{lie}");
            let mut read = JuteReader::new(&message);
            assert!(read.strings().is_none_or(|all| all.is_empty()), "{lie}");
        }
    }
}
