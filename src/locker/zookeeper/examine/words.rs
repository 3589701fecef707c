//! What a server says of itself to the words `srvr` and `conf`, if it answers them: as delivered only
//! `srvr` (4lw.commands.whitelist).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::locker::zookeeper::ensemble::Ensemble;

/// What a server says of itself fits into this.
const LONGEST: u64 = 16 << 10;

/// What a server says of itself, to anybody who asks for it.
#[derive(Default)]
pub(super) struct About {
    pub(super) version: Option<String>,
    pub(super) role: Option<&'static str>,
    /// The unit of its times.
    pub(super) tick: Option<Duration>,
}

/// Asks. Bounded.
pub(super) async fn ask(alone: &Ensemble) -> About {
    let mut text = said(alone, b"srvr").await;
    text.push('\n');
    text += &said(alone, b"conf").await;
    About::read(&text)
}

async fn said(alone: &Ensemble, word: &[u8]) -> String {
    let asking = async {
        let dialled = alone.dial().await.ok()?;
        let mut stream = dialled.stream;
        stream.write_all(word).await.ok()?;
        stream.flush().await.ok()?;
        let mut text = Vec::new();
        stream.take(LONGEST).read_to_end(&mut text).await.ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let text = timeout(alone.dial_timeout, asking).await;
    text.ok().flatten().unwrap_or_default()
}

impl About {
    fn read(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let version = field("Zookeeper version: ").map(|version| {
            let end = version.find(['-', ',']).unwrap_or(version.len());
            version[..end].to_owned()
        });
        let roles = ["standalone", "leader", "follower", "observer"];
        let said = field("Mode: ").map(str::trim);
        let role = roles.into_iter().find(|&role| said == Some(role));
        let tick = field("tickTime=").and_then(|tick| tick.trim().parse().ok());
        Self {
            version,
            role,
            tick: tick.map(Duration::from_millis),
        }
    }

    /// Whether it knows containers, and watches of all below a node; as far as its version is known.
    pub(super) fn is_too_old(&self) -> bool {
        let mut parts = self.version.iter().flat_map(|version| version.split('.'));
        let mut number = || parts.next()?.parse::<u32>().ok();
        let (Some(major), Some(minor)) = (number(), number()) else {
            return false;
        };
        (major, minor) < (3, 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_what_it_is() {
        let text = "Zookeeper version: 3.8.0-5a02a05eddb5, built on 2022-02-25\nMode: follower\n\
                    clientPort=2181\ntickTime=2000\n";
        let about = About::read(text);
        assert_eq!(about.version.as_deref(), Some("3.8.0"));
        assert_eq!(about.role, Some("follower"));
        assert_eq!(about.tick, Some(Duration::from_secs(2)));
        let nothing = About::read("srvr is not executed because it is not in the whitelist.\n");
        assert!(nothing.version.is_none() && nothing.role.is_none() && nothing.tick.is_none());
        let of = |version: &str| About::read(&format!("Zookeeper version: {version}-x"));
        assert!(of("3.5.9").is_too_old() && of("3.4.14").is_too_old());
        for version in ["3.6.0", "3.10.1", "4.0.0", "?"] {
            assert!(!of(version).is_too_old(), "{version}");
        }
    }
}
