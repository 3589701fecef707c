//! Packets over one stream: each comes behind its length.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::locker::zookeeper::jute::{JuteReader, JuteWriter};

/// The longest that is read: a list of a hundred thousand names.
const LONGEST: usize = 16 << 20;

/// What has come and what is to go.
#[derive(Default)]
pub(super) struct Packets {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Whether TLS may still have some of what was written.
    is_unflushed: bool,
}

/// The length of a packet that is too long to be one, or negative.
#[derive(Debug)]
pub(super) struct TooLong;

impl Packets {
    pub(super) fn push(&mut self, message: JuteWriter) {
        self.outgoing.extend(message.packet());
    }

    /// Whether [`Packets::write`] has something to do.
    pub(super) fn has_more(&self) -> bool {
        self.is_unflushed || !self.outgoing.is_empty()
    }

    /// Writes some of what is to go; once all is written, flushes it, for TLS. Cancel-safe.
    pub(super) async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.outgoing.is_empty() {
            writer.flush().await?;
            self.is_unflushed = false;
            return Ok(());
        }
        let count = writer.write(&self.outgoing).await?;
        self.is_unflushed = true;
        self.outgoing.drain(..count);
        Ok(())
    }

    /// Takes in what has come.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.incoming.extend(bytes);
    }

    /// The next packet that has come as a whole.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let mut reader = JuteReader::new(&self.incoming);
        let Some(length) = reader.int() else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| TooLong)?;
        if length > LONGEST {
            return Err(TooLong);
        }
        let Some(packet) = reader.rest().get(..length) else {
            return Ok(None);
        };
        let packet = packet.to_vec();
        self.incoming.drain(..4 + length);
        Ok(Some(packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_in_pieces() {
        let one = JuteWriter::default().int(7).packet();
        let two = JuteWriter::default().string("two").packet();
        let both = [one, two].concat();
        let mut packets = Packets::default();
        let mut found = Vec::new();
        for byte in both {
            packets.take(&[byte]);
            found.extend(packets.next().expect("a packet"));
        }
        assert_eq!(found.len(), 2);
        assert_eq!(JuteReader::new(&found[1]).string().as_deref(), Some("two"));
        for lie in [-1, i32::MAX] {
            packets.take(&lie.to_be_bytes());
            assert!(packets.next().is_err());
            packets = Packets::default();
        }
    }
}
