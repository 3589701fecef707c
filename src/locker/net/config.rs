//! What a configuration says of TLS.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::ClientConfig;

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

    /// TLS as a configuration of rustls has it, and as nothing else says: to renew its certificates
    /// is up to the caller. Only its protocols (ALPN) are replaced by the store's.
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

    /// [`cacert`](Self::cacert) as bytes.
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

    /// [`cert`](Self::cert) as bytes.
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

    /// [`key`](Self::key) as bytes.
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

    /// Whether TLS is spoken with an endpoint that does not say: also where authorities or a
    /// certificate are given.
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
    use crate::{Config, Credentials};

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
