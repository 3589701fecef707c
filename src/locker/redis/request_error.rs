//! What becomes of a request that is not answered as it should be.

/// Why a request was not answered, or how.
#[derive(Clone, Debug)]
pub(super) enum RequestError {
    /// The connection broke; how, in words.
    Broken(String),
    /// It does not speak RESP.
    Stranger(String),
    /// The answer is an error: Redis' own text, which begins with a word in capitals.
    Answered(String),
    /// It is a replica of this server.
    Replica(String),
    /// It is one of a Cluster, where another keeps the key.
    Moved(Moved),
}

/// The server that keeps a key, as another says it; without a host it is a port of that one's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Moved {
    /// What an error says: `MOVED SLOT HOST:PORT`, of IPv6 without brackets.
    pub(super) fn read(error: &str) -> Option<Self> {
        let (_, server) = error.strip_prefix("MOVED ")?.split_once(' ')?;
        let (host, port) = server.rsplit_once(':')?;
        Some(Self {
            // Redis 7 says so where it does not know.
            host: if host == "?" { "" } else { host }.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_a_key_is_read() {
        let at = |host: &str, port| {
            let host = host.to_owned();
            Some(Moved { host, port })
        };
        for (text, moved) in [
            ("MOVED 3999 127.0.0.1:6381", at("127.0.0.1", 6381)),
            ("MOVED 3999 ::1:6381", at("::1", 6381)),
            (
                "MOVED 3999 cache-1.example:6381",
                at("cache-1.example", 6381),
            ),
            ("MOVED 3999 :6381", at("", 6381)),
            ("MOVED 3999 ?:6381", at("", 6381)),
            ("ASK 3999 127.0.0.1:6381", None),
            ("MOVED 3999 127.0.0.1", None),
        ] {
            assert_eq!(Moved::read(text), moved, "{text}");
        }
    }
}
