//! Which certificates of a server are trusted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    self, CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::bad_certificate;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::net::certificate::{Certificate, PublicKey};
use crate::locker::net::credential::PemSource;

type Verdict<T> = Result<T, rustls::Error>;

/// The authorities whose certificates are trusted.
pub(super) struct Authorities {
    roots: Arc<RootCertStore>,
    /// The certificates themselves that the setting gives.
    given: Vec<CertificateDer<'static>>,
}

impl Authorities {
    pub(super) fn given(file: &PemSource, given: Vec<CertificateDer<'static>>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in &given {
            let added = roots.add(certificate.clone());
            added.map_err(|error| {
                let why = "one of its certificates cannot be read";
                file.invalid(why).with_source(error)
            })?;
        }
        let roots = Arc::new(roots);
        Ok(Self { roots, given })
    }

    /// The system's authorities. Reading them takes milliseconds.
    pub(super) fn of_the_system() -> Result<Self> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let message = "the system's certificate authorities: none found; \
                           install ca-certificates, or name one (cacert)";
            let error = Error::new(ErrorKind::InvalidConfig, message);
            return Err(match found.errors.into_iter().next() {
                Some(why) => error.with_source(why),
                None => error,
            });
        }
        Ok(Self {
            roots: Arc::new(roots),
            given: Vec::new(),
        })
    }
}

/// A verifier that accepts certificates of these authorities.
pub(super) fn known(
    authorities: &Authorities,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let (roots, given) = (authorities.roots.clone(), authorities.given.clone());
    let builder = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
    let authorities = builder.build().map_err(|error| {
        let message = "the certificate authorities cannot be used";
        Error::new(ErrorKind::InvalidConfig, message).with_source(error)
    })?;
    Ok(Arc::new(Known { authorities, given }))
}

/// Accepts the certificates of the authorities, and one that is itself among those given: so do Go's
/// TLS and all that is written in Go. webpki alone refuses a self-signed certificate of a server that
/// says that it is an authority's.
#[derive(Debug)]
struct Known {
    authorities: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Verdict<ServerCertVerified> {
        let verified = self
            .authorities
            .verify_server_cert(shown, between, name, ocsp, now);
        match verified {
            Err(error)
                if bad_certificate::is_of_an_authority(&error) && self.given.contains(shown) =>
            {
                is_valid_at(shown, now)?;
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        self.authorities
            .verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        self.authorities
            .verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn is_valid_at(certificate: &CertificateDer<'_>, now: UnixTime) -> Verdict<()> {
    let read = Certificate::read(certificate);
    let read = read.ok_or(CertificateError::BadEncoding)?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs());
    if now < read.from {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > read.until {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// The cryptography library checks no signature of a shorter RSA key.
const SHORTEST_RSA: usize = 2048;

/// Accepts any certificate. The server has to have its key, which cannot be checked of RSA keys that
/// are too short; nothing is lost by that, since anyone on the way may show a certificate of his own.
#[derive(Debug)]
pub(super) struct Anyone(pub(super) Arc<CryptoProvider>);

impl Anyone {
    fn signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        let Some(public) = PublicKey::of_certificate(cert) else {
            return Err(CertificateError::BadEncoding.into());
        };
        if public.rsa_bits().is_some_and(|bits| bits < SHORTEST_RSA) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let mapping = self.0.signature_verification_algorithms.mapping;
        let ways = mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signed.scheme);
        ways.flat_map(|(_, ways)| *ways)
            .filter(|way| way.public_key_alg_id().as_ref() == public.algorithm)
            .find(|way| {
                let signature = signed.signature();
                way.verify_signature(public.key, message, signature).is_ok()
            })
            .map(|_| HandshakeSignatureValid::assertion())
            .ok_or_else(|| CertificateError::BadSignature.into())
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Verdict<ServerCertVerified> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        self.signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        self.signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::net::certificate::tests::bytes;

    #[test]
    fn a_certificate_is_good_in_its_time_only() {
        let certificate = CertificateDer::from(bytes());
        let at = |seconds| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            is_valid_at(&certificate, time).err()
        };
        // It is good from November 2026 on, until June 2136.
        assert_eq!(at(1_800_000_000), None);
        assert_eq!(
            at(1_700_000_000),
            Some(CertificateError::NotValidYet.into())
        );
        assert_eq!(at(5_300_000_000), Some(CertificateError::Expired.into()));
    }
}
