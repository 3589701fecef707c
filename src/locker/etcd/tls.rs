//! TLS to etcd: whom we trust, and who we are.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::Config;
use super::certificate::Certificate;
use super::fault::{Fault, judge_tls};
use crate::error::{Error, ErrorKind, Result, plain};

/// Why TLS ended a connection that it had made, once it has.
pub(super) type Refusal = Arc<OnceLock<Fault>>;

/// What a TLS connection needs. The files have been read; the system's authorities are read with
/// the first connection, since that takes milliseconds which a connection without TLS can spare.
pub(super) struct Tls {
    authorities: Option<RootCertStore>,
    trust_anyone: bool,
    identity: Option<Arc<CertifiedKey>>,
    provider: Arc<CryptoProvider>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let authorities = config.cacert.as_deref().map(authorities).transpose()?;
        let identity = match (&config.cert, &config.key) {
            (Some(cert), Some(key)) => Some(Arc::new(certified(cert, key, &provider)?)),
            (Some(_), None) => return Err(invalid("--cert", "it needs --key as well")),
            (None, Some(_)) => return Err(invalid("--key", "it needs --cert as well")),
            (None, None) => None,
        };
        Ok(Self {
            authorities,
            trust_anyone: config.insecure_skip_tls_verify,
            identity,
            provider,
            config: OnceLock::new(),
        })
    }

    /// Dials TLS over `stream`. Nothing but what a client certificate is worth is still open
    /// then: with TLS 1.3 its refusal comes later, as an alert in place of the first data, and the
    /// layers above drop it. It is kept in `refusal`.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        refusal: Refusal,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Fault> {
        let invalid = |text: String| Fault::Misfit(ErrorKind::InvalidConfig, text);
        let config = self.config().map_err(|error| invalid(error.to_string()))?;
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| invalid(error.to_string()))?;
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(stream) => Ok(Noting {
                stream,
                has_identity: self.identity.is_some(),
                refusal,
            }),
            Err(error) => Err(match tls_error(&error) {
                Some(tls) => judge_tls(tls, self.identity.is_some()),
                // A reset if it had not read all that we sent.
                None if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::BrokenPipe
                ) =>
                {
                    Fault::Broken("it hung up on TLS (http:// instead of https://?)".to_owned())
                }
                None => Fault::Broken(plain(&error.to_string())),
            }),
        }
    }

    /// Whose certificate the server at `host` shows, whether we trust it or not: nothing is said
    /// over this connection. `None` if TLS ends before the server shows one.
    pub(super) async fn shown(&self, host: &str, stream: TcpStream) -> Option<Certificate> {
        let config = Arc::new(self.build(true).ok()?);
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .ok()?;
        let (_, session) = stream.get_ref();
        Certificate::read(session.peer_certificates()?.first()?)
    }

    /// The certificate that we show.
    pub(super) fn own(&self) -> Option<Certificate> {
        Certificate::read(self.identity.as_ref()?.cert.first()?)
    }

    fn config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(self.build(self.trust_anyone)?);
        Ok(self.config.get_or_init(|| config).clone())
    }

    fn build(&self, trust_anyone: bool) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("TLS", &error.to_string()))?;
        let builder = if trust_anyone {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(TrustAnyone(self.provider.clone())))
        } else {
            let authorities = match &self.authorities {
                Some(authorities) => authorities.clone(),
                None => system_authorities()?,
            };
            builder.with_root_certificates(authorities)
        };
        let mut config = match &self.identity {
            Some(identity) => {
                let resolver = SingleCertAndKey::from(identity.clone());
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn invalid(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{what}: {why}"))
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let why = plain(&error.to_string());
        invalid(&format!("{option} {}", path.display()), &why).with_source(error)
    })
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(option, path)?;
    let parsed: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(invalid(
            &format!("{option} {}", path.display()),
            "no certificate in PEM",
        )),
    }
}

fn authorities(path: &Path) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("--cacert", path)? {
        store.add(certificate).map_err(|error| {
            invalid(&format!("--cacert {}", path.display()), &error.to_string())
        })?;
    }
    Ok(store)
}

fn system_authorities() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let error = found.errors.first().map(|error| plain(&error.to_string()));
        let why = error.unwrap_or_else(|| "none found".to_owned());
        let why = format!("{why}; install ca-certificates, or name one (--cacert)");
        return Err(invalid("the system's certificate authorities", &why));
    }
    Ok(store)
}

fn certified(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let chain = certificates("--cert", cert)?;
    let named = format!("--key {}", key.display());
    let secret = PrivateKeyDer::from_pem_slice(&read("--key", key)?)
        .map_err(|_| invalid(&named, "no unencrypted private key in PEM"))?;
    CertifiedKey::from_der(chain, secret, provider)
        .map_err(|error| invalid(&named, &error.to_string()))
}

/// Notes what TLS says when the connection fails.
struct Noting {
    stream: TlsStream<TcpStream>,
    has_identity: bool,
    refusal: Refusal,
}

impl Noting {
    fn note(&self, tls: &rustls::Error) {
        // The first one is the reason for those that follow.
        let _ = self.refusal.set(judge_tls(tls, self.has_identity));
    }

    /// Writing failed, so nobody will read any more; but the reason may have come in before. It
    /// is read past tokio, which does not know yet that there is something to read.
    fn note_last_words(&mut self) {
        let (socket, session) = self.stream.get_mut();
        let mut words = [0; 4096];
        let read = rustix::net::recv(socket, &mut words, RecvFlags::DONTWAIT);
        let read = read.map_or(0, |(read, _)| read);
        if session.read_tls(&mut &words[..read]).is_ok()
            && let Err(tls) = session.process_new_packets()
        {
            self.note(&tls);
        }
    }
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(tls) = tls_error(error)
        {
            self.note(tls);
        }
        read
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        if let Poll::Ready(Err(_)) = &written {
            self.note_last_words();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if let Poll::Ready(Err(_)) = &flushed {
            self.note_last_words();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What TLS says inside an I/O error, if it was TLS.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// `--insecure-skip-tls-verify`: any certificate will do, but the server must have its key.
#[derive(Debug)]
struct TrustAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
