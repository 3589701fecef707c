//! What every store over a network needs: where its servers are, names and dialling, TLS, who we are,
//! and why that fails, in words. A store brings its protocol.

mod addresses;
pub(crate) mod certificate;
mod credential;
pub(super) mod endpoint;
pub(super) mod fault;
pub(super) mod liveness;
pub(super) mod protocol;
pub(super) mod random;
pub(super) mod reason;
pub(super) mod refusal;
pub(super) mod stream;
mod tls;
pub(super) mod user;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::secrets;
use endpoint::Endpoint;
use protocol::Protocol;

/// How to reach an etcd.
///
/// The files are read by [`Etcd::new`], which fails if they are not what they should be, and anew
/// for each handshake and login: what is in them may be renewed at any time.
#[derive(Clone)]
pub struct Config {
    /// The members: `host:port`, `http://…`, `https://…`, `unix://PATH`; `127.0.0.1:2379`. One
    /// without a scheme is `https` if there is a [`cacert`](Self::cacert) or [`cert`](Self::cert).
    pub endpoints: Vec<String>,
    /// Whom to trust, PEM; the system's authorities if there is none.
    pub cacert: Option<PathBuf>,
    /// The client's certificate, PEM, with its chain.
    pub cert: Option<PathBuf>,
    /// The key of [`cert`](Self::cert), PEM, not encrypted.
    pub key: Option<PathBuf>,
    /// Takes any server for the right one.
    pub insecure_skip_tls_verify: bool,
    /// The user to log in as.
    pub user: Option<String>,
    /// Its password; not shown by `Debug`.
    pub password: Option<String>,
    /// The file whose first line is the password, in place of [`password`](Self::password). One
    /// that others can read is refused; of a file of root's, or another user's, its group may.
    pub password_file: Option<PathBuf>,
    /// The bound of one attempt, name, connection, TLS, login and the first answer, at a member that
    /// gives no sign of life; 2 s.
    pub dial_timeout: Duration,
    /// The bound of one call over all its attempts, and of a release; 5 s.
    pub command_timeout: Duration,
}

impl Config {
    /// The endpoints, as the protocol's clients read them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig), with the endpoint at fault.
    pub(super) fn servers(&self, protocol: &Protocol) -> Result<Vec<Endpoint>> {
        let tls = self.cacert.is_some() || self.cert.is_some();
        Endpoint::all(&self.endpoints, tls, protocol)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoints: vec!["127.0.0.1:2379".to_owned()],
            cacert: None,
            cert: None,
            key: None,
            insecure_skip_tls_verify: false,
            user: None,
            password: None,
            password_file: None,
            dial_timeout: Duration::from_secs(2),
            command_timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoints", &secrets::endpoints(&self.endpoints.join(",")))
            .field("cacert", &self.cacert)
            .field("cert", &self.cert)
            .field("key", &self.key)
            .field("insecure_skip_tls_verify", &self.insecure_skip_tls_verify)
            .field("user", &self.user.as_deref().map(secrets::user))
            .field("password_file", &self.password_file)
            .field("dial_timeout", &self.dial_timeout)
            .field("command_timeout", &self.command_timeout)
            .finish_non_exhaustive()
    }
}
