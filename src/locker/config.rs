//! How a store is reached: where it is, and as whom.

use std::fmt;
use std::time::Duration;

use super::MAX_TTL;
#[cfg(feature = "net")]
use super::net::{Credentials, Tls};
use crate::secrets;

/// How to reach a store. All but the endpoints is for those over a network.
///
/// ```
/// use genlock::{Config, Credentials, Tls};
///
/// let config = Config::new(["etcd-1:2379", "etcd-2:2379"])
///     .tls(Tls::new().cacert("/etc/etcd/ca.pem"))
///     .credentials(Credentials::password_file("backup", "/etc/genlock/password"));
/// ```
///
/// Files are read by who opens the store, which fails if they are not what they should be, and anew
/// for each handshake and login: what is in them may be renewed at any time.
#[derive(Clone)]
pub struct Config {
    /// `None` for where the store listens by default on this host.
    pub(crate) endpoints: Option<Vec<String>>,
    #[cfg(feature = "net")]
    pub(crate) tls: Tls,
    #[cfg(feature = "net")]
    pub(crate) credentials: Option<Credentials>,
    pub(crate) dial_timeout: Duration,
    pub(crate) command_timeout: Duration,
}

impl Config {
    /// The servers: `host:port`, the same behind a scheme of the store's (etcd: `http://`,
    /// `https://`), or `unix://PATH`. One without a scheme is spoken to over TLS if [`tls`](Self::tls)
    /// says whom to trust or who we are.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self::default().endpoints(endpoints)
    }

    /// As in [`new`](Self::new). By default the store's own port of this host.
    #[must_use]
    pub fn endpoints<E: Into<String>>(mut self, endpoints: impl IntoIterator<Item = E>) -> Self {
        self.endpoints = Some(endpoints.into_iter().map(Into::into).collect());
        self
    }

    /// Whom TLS trusts, and who we are. By default the system's authorities, and nobody.
    #[cfg(feature = "net")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Who logs in. By default nobody.
    #[cfg(feature = "net")]
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The bound of one attempt, name, connection, TLS, login and the first answer, at a server that
    /// gives no sign of life; 2 s.
    #[must_use]
    pub fn dial_timeout(mut self, within: Duration) -> Self {
        self.dial_timeout = bounded(within);
        self
    }

    /// The bound of one call over all its attempts, and of a release; 5 s.
    #[must_use]
    pub fn command_timeout(mut self, within: Duration) -> Self {
        self.command_timeout = bounded(within);
        self
    }
}

/// Times are added to clocks, which end.
fn bounded(time: Duration) -> Duration {
    time.min(MAX_TTL)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoints: None,
            #[cfg(feature = "net")]
            tls: Tls::default(),
            #[cfg(feature = "net")]
            credentials: None,
            dial_timeout: Duration::from_secs(2),
            command_timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints = self.endpoints.as_ref();
        let endpoints = endpoints.map(|list| secrets::endpoints(&list.join(",")));
        let mut shown = f.debug_struct("Config");
        shown.field("endpoints", &endpoints);
        #[cfg(feature = "net")]
        shown
            .field("tls", &self.tls)
            .field("credentials", &self.credentials);
        shown
            .field("dial_timeout", &self.dial_timeout)
            .field("command_timeout", &self.command_timeout)
            .finish()
    }
}
