//! How a store over a network is reached, and as whom.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

use super::endpoint::Endpoint;
use super::protocol::Protocol;
use super::user::Credentials;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::MAX_TTL;
use crate::secrets;

/// How to reach a store over a network.
///
/// ```
/// use genlock::{Credentials, EtcdConfig, Tls};
///
/// let config = EtcdConfig::new(["etcd-1:2379", "etcd-2:2379"])
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
    pub(crate) tls: Tls,
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
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Who logs in. By default nobody.
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

    /// The endpoints, as the protocol's clients read them: one at least.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the endpoint at fault.
    pub(crate) fn servers(&self, protocol: &Protocol) -> Result<Vec<Endpoint>> {
        let tls = self.tls.is_wanted();
        let endpoints = match &self.endpoints {
            Some(endpoints) => Endpoint::all(endpoints, tls, protocol)?,
            None => Endpoint::all(&[protocol.default_endpoint.to_owned()], tls, protocol)?,
        };
        if endpoints.is_empty() {
            let error = Error::new(ErrorKind::InvalidConfig, "there is no endpoint");
            return Err(error.about([Setting::Endpoints]));
        }
        Ok(endpoints)
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
            tls: Tls::default(),
            credentials: None,
            dial_timeout: Duration::from_secs(2),
            command_timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints = self.endpoints.as_ref();
        f.debug_struct("Config")
            .field(
                "endpoints",
                &endpoints.map(|list| secrets::endpoints(&list.join(","))),
            )
            .field("tls", &self.tls)
            .field("credentials", &self.credentials)
            .field("dial_timeout", &self.dial_timeout)
            .field("command_timeout", &self.command_timeout)
            .finish()
    }
}

/// Whom TLS trusts, and what we show of ourselves. `Debug` shows no key.
#[derive(Clone, Default)]
pub struct Tls {
    pub(super) cacert: Option<Pem>,
    pub(super) cert: Option<Pem>,
    pub(super) key: Option<Pem>,
    pub(crate) trust_anyone: bool,
    /// That TLS is spoken where an endpoint does not say.
    wanted: bool,
    pub(super) ready: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Trusts the system's authorities, and shows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is said by a configuration of rustls, and by nothing else: the caller sees to it that what
    /// it has is renewed. Only the protocols that TLS agrees on (ALPN) are the store's.
    pub fn rustls(ready: Arc<ClientConfig>) -> Self {
        Self {
            ready: Some(ready),
            ..Self::default()
        }
    }

    /// The file with the authorities to trust in place of the system's, PEM.
    #[must_use]
    pub fn cacert(mut self, file: impl Into<PathBuf>) -> Self {
        self.cacert = Some(Pem::File(file.into()));
        self
    }

    /// [`cacert`](Self::cacert) at hand.
    #[must_use]
    pub fn cacert_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.cacert = Some(Pem::Bytes(pem.into()));
        self
    }

    /// The file with the client's certificate and its chain, PEM. It goes with a
    /// [`key`](Self::key).
    #[must_use]
    pub fn cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.cert = Some(Pem::File(file.into()));
        self
    }

    /// [`cert`](Self::cert) at hand.
    #[must_use]
    pub fn cert_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.cert = Some(Pem::Bytes(pem.into()));
        self
    }

    /// The file with the key of the client's certificate, PEM, not encrypted.
    #[must_use]
    pub fn key(mut self, file: impl Into<PathBuf>) -> Self {
        self.key = Some(Pem::File(file.into()));
        self
    }

    /// [`key`](Self::key) at hand.
    #[must_use]
    pub fn key_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.key = Some(Pem::Bytes(pem.into()));
        self
    }

    /// Takes any server for the right one: whoever is on the way can read and change what is said.
    #[must_use]
    pub fn insecure_skip_verify(mut self) -> Self {
        self.trust_anyone = true;
        self
    }

    /// Speaks TLS with each server whose endpoint does not say whether to, though nothing else is set
    /// here.
    #[must_use]
    pub fn wanted(mut self) -> Self {
        self.wanted = true;
        self
    }

    /// Whether an endpoint that does not say is spoken to over TLS: who says whom to trust, or who we
    /// are, wants that.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted || self.cacert.is_some() || self.cert.is_some() || self.ready.is_some()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("cacert", &self.cacert)
            .field("cert", &self.cert)
            .field("key", &self.key)
            .field("insecure_skip_verify", &self.trust_anyone)
            .field("rustls", &self.ready.is_some())
            .finish()
    }
}

/// PEM, and where it is.
#[derive(Clone)]
pub(super) enum Pem {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            // It may be a key.
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let config = Config::new(["http://app:hunter1@h"])
            .tls(Tls::new().key_pem("hunter2"))
            .credentials(Credentials::password("backup", "hunter3"));
        let shown = format!("{config:?}");
        assert!(
            shown.contains("backup") && !shown.contains("hunter"),
            "{shown}"
        );
    }
}
