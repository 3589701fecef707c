//! The first bytes of a server: they show where another protocol is spoken.

use super::fault::Fault;
use crate::locker::net::refusal::Refusal;

/// Looks at them when they come, and keeps what is wrong with them.
pub(super) struct Greeting {
    refusal: Refusal,
    /// Whether the connection is without TLS.
    in_clear: bool,
    heard: bool,
}

impl Greeting {
    pub(super) fn new(refusal: Refusal, in_clear: bool) -> Self {
        Self {
            refusal,
            in_clear,
            heard: false,
        }
    }

    /// The server has sent this first; nothing if it has closed the connection.
    pub(super) fn hear(&mut self, words: &[u8]) {
        if self.heard {
            return;
        }
        self.heard = true;
        let strange = match words {
            // Go's TLS does this too: it closes before it has read all that we sent, which is a
            // reset, and its alert gets lost.
            [] if self.in_clear => Some("it hung up without a word (https:// instead of http://?)"),
            [] => None,
            words => judge(words),
        };
        if let Some(why) = strange {
            self.refusal.set(Fault::broken(why));
        }
    }
}

/// What is wrong with a server that begins so; `None` if it may speak HTTP/2.
fn judge(first: &[u8]) -> Option<&'static str> {
    // An alert, or a part of a handshake, of TLS; each has its version (RFC 8446, 5.1).
    if let [0x15 | 0x16, 3, ..] = first {
        return Some("it wants TLS (https:// instead of http://?)");
    }
    if first.starts_with(b"HTTP/") {
        return Some("it speaks HTTP/1, by which etcd is not spoken to: is it etcd's client port?");
    }
    // A frame of type SETTINGS, which is that of no stream, comes first of all (RFC 9113, 3.4).
    match first {
        [_, _, _, 4, _, 0, 0, 0, 0, ..] => None,
        // It is not known yet.
        few if few.len() < 9 && few.get(3).is_none_or(|&kind| kind == 4) => None,
        _ => Some("it does not speak HTTP/2: is it etcd?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_told_by_their_first_words() {
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x40, 0];
        for length in 0..settings.len() {
            assert_eq!(judge(&settings[..length]), None);
        }
        for (first, words) in [
            (&b"\x15\x03\x01\x00\x02\x02\x46"[..], "https://"),
            (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1"),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", "HTTP/2"),
            (b"-ERR unknown command\r\n", "HTTP/2"),
            (&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0], "HTTP/2"),
        ] {
            let judged = judge(first).expect("another protocol");
            assert!(judged.contains(words), "{judged}");
        }
    }
}
