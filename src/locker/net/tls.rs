//! TLS: whom we trust, and who we are.

mod bad_certificate;
mod files;
mod noting;
mod trust;
mod words;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::certificate::Certificate;
use super::protocol::Protocol;
use super::refusal::Refusal;
use super::{Tls, reason};
use crate::error::{Error, ErrorKind, Result};
use crate::locker::fault::Fault;
use files::{Files, Material};
use noting::{Noting, tls_error};
use trust::{Anyone, Authorities, known};
use words::Identity;

/// What a TLS connection needs.
pub(crate) struct Connector {
    files: Files,
    last: Mutex<Material>,
    trust_anyone: bool,
    /// The caller's own configuration, in place of all that.
    ready: Option<Arc<ClientConfig>>,
    provider: Arc<CryptoProvider>,
    protocol: &'static Protocol,
}

impl Connector {
    /// Reads the files: what is wrong with them is known at once.
    ///
    /// A pipe has to be written `within` this time.
    pub(crate) fn new(tls: &Tls, within: Duration, protocol: &'static Protocol) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = Files::new(tls, within)?;
        let material = files.understand(files.read()?, &provider)?;
        Ok(Self {
            files,
            last: Mutex::new(material),
            trust_anyone: tls.trust_anyone,
            ready: tls.ready.clone().map(|ready| with_alpn(&ready, protocol)),
            provider,
            protocol,
        })
    }

    /// Shakes hands over `stream`. With TLS 1.3 a server refuses a client's certificate only
    /// afterwards, by an alert in place of the first data. The client libraries above drop that
    /// reason, so it is kept in `refusal`.
    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        refusal: Refusal,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Fault> {
        let config = self.config()?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::misfit("TLS knows no such name of a host"))?;
        let identity = self.identity();
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(stream) => Ok(Noting {
                stream,
                identity,
                protocol: self.protocol,
                refusal,
            }),
            Err(error) => Err(match tls_error(&error) {
                Some(tls) => {
                    refusal.set_beneath(words::beneath(tls));
                    words::judge(tls, &identity, self.protocol)
                }
                // It closed the connection, which is a reset where it had not read all that we sent.
                None if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::BrokenPipe
                ) =>
                {
                    let other = self.protocol.without_tls();
                    Fault::broken(format!("it hung up on TLS ({other})"))
                }
                None => Fault::broken(reason::of_io(&error)),
            }),
        }
    }

    /// The certificate that the server at `host` shows, trusted or not: nothing is sent over this
    /// connection. `None` if the handshake ends before that.
    pub(crate) async fn shown(&self, host: &str, stream: TcpStream) -> Option<Certificate> {
        let certified = self.last().certified.clone();
        let config = self.build(self.anyone(), certified).ok()?;
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .ok()?;
        let (_, session) = stream.get_ref();
        Certificate::read(session.peer_certificates()?.first()?)
    }

    /// The certificate that we show.
    pub(crate) fn own(&self) -> Option<Certificate> {
        let certified = self.last().certified.clone()?;
        Certificate::read(certified.cert.first()?)
    }

    fn identity(&self) -> Identity {
        let is_over = |own: Certificate| own.until < SystemTime::now();
        if let Some(ready) = &self.ready {
            return match ready.client_auth_cert_resolver.has_certs() {
                true => Identity::Certificate,
                false => Identity::Nothing,
            };
        }
        match self.files.certificate() {
            None => Identity::Nothing,
            Some(cert) if self.own().is_some_and(is_over) => Identity::Expired(cert.shown()),
            Some(_) => Identity::Certificate,
        }
    }

    /// The configuration for a handshake, by the files as they are now. It stays the same while they
    /// do: it has the sessions that TLS resumes.
    fn config(&self) -> Result<Arc<ClientConfig>, Fault> {
        if let Some(ready) = &self.ready {
            return Ok(ready.clone());
        }
        // They were good at the start, so somebody may be writing them just now.
        let contents = self.files.read().map_err(Fault::passing)?;
        let mut last = self.last();
        if last.contents != contents {
            let understood = self.files.understand(contents, &self.provider);
            *last = understood.map_err(Fault::passing)?;
        }
        if let Some(config) = &last.config {
            return Ok(config.clone());
        }
        let verifier = match &last.authorities {
            _ if self.trust_anyone => self.anyone(),
            Some(given) => known(given, &self.provider).map_err(Fault::Misfit)?,
            None => {
                let system = Authorities::of_the_system().map_err(Fault::Misfit)?;
                known(&system, &self.provider).map_err(Fault::Misfit)?
            }
        };
        let config = self.build(verifier, last.certified.clone());
        let config = Arc::new(config.map_err(Fault::Misfit)?);
        last.config = Some(config.clone());
        Ok(config)
    }

    fn last(&self) -> MutexGuard<'_, Material> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn anyone(&self) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Anyone(self.provider.clone()))
    }

    fn build(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
        certified: Option<Arc<CertifiedKey>>,
    ) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::new(ErrorKind::InvalidConfig, "TLS cannot be set up").with_source(error)
            })?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match certified {
            Some(certified) => {
                let resolver = SingleCertAndKey::from(certified);
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn(self.protocol);
        Ok(config)
    }
}

fn alpn(protocol: &Protocol) -> Vec<Vec<u8>> {
    let names = protocol.alpn.iter();
    names.map(|name| name.as_bytes().to_vec()).collect()
}

fn with_alpn(ready: &Arc<ClientConfig>, protocol: &Protocol) -> Arc<ClientConfig> {
    let mut ready = ClientConfig::clone(ready);
    ready.alpn_protocols = alpn(protocol);
    Arc::new(ready)
}
