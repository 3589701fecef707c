//! The PEM that TLS is set up by, which is mostly in files, and what is made of it.

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::trust::Authorities;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::net::Tls;
use crate::locker::net::certificate::PublicKey;
use crate::locker::net::credential::PemSource;

/// Where the PEM is.
pub(super) struct Files {
    cacert: Option<PemSource>,
    /// Our certificate with its chain, and its key.
    identity: Option<(PemSource, PemSource)>,
}

/// What is in them.
#[derive(PartialEq)]
pub(super) struct PemContents {
    cacert: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// What was in them when they were read last, and what was made of it.
pub(super) struct Material {
    pub(super) contents: PemContents,
    /// The authorities that the setting gives, in place of the system's.
    pub(super) authorities: Option<Authorities>,
    pub(super) certified: Option<Arc<CertifiedKey>>,
    /// Made with the first connection: the system's authorities take milliseconds to read, which a
    /// connection without TLS can spare.
    pub(super) config: Option<Arc<ClientConfig>>,
}

impl Files {
    /// A pipe has to be written `within` this time.
    pub(super) fn new(tls: &Tls, within: Duration) -> Result<Self> {
        let file = |setting, pem| PemSource::new(setting, pem, within);
        let identity = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some((file(Setting::Cert, cert), file(Setting::Key, key))),
            (Some(one), None) | (None, Some(one)) => {
                let why = "a certificate and its key are of use together only";
                let error = Error::new(ErrorKind::InvalidConfig, why);
                let error = error.about([Setting::Cert, Setting::Key]);
                return Err(file(Setting::Cert, one).place(error));
            }
            (None, None) => None,
        };
        Ok(Self {
            cacert: tls.cacert.as_ref().map(|pem| file(Setting::Cacert, pem)),
            identity,
        })
    }

    /// Our certificate, if we have one.
    pub(super) fn certificate(&self) -> Option<&PemSource> {
        self.identity.as_ref().map(|(cert, _)| cert)
    }

    /// Reads them all.
    pub(super) fn read(&self) -> Result<PemContents> {
        let cacert = self.cacert.as_ref().map(PemSource::read);
        let pair =
            |(cert, key): &(PemSource, PemSource)| -> Result<_> { Ok((cert.read()?, key.read()?)) };
        Ok(PemContents {
            cacert: cacert.transpose()?,
            identity: self.identity.as_ref().map(pair).transpose()?,
        })
    }

    /// Makes of their contents what handshakes need.
    pub(super) fn understand(
        &self,
        contents: PemContents,
        provider: &CryptoProvider,
    ) -> Result<Material> {
        let authorities = self.cacert.as_ref().zip(contents.cacert.as_ref());
        let authorities =
            authorities.map(|(file, pem)| Authorities::given(file, certificates(file, pem)?));
        let identity = self.identity.as_ref().zip(contents.identity.as_ref());
        let certified = identity.map(|((cert, key), (cert_pem, key_pem))| {
            let chain = certificates(cert, cert_pem)?;
            certified(cert, key, chain, key_pem, provider)
        });
        Ok(Material {
            authorities: authorities.transpose()?,
            certified: certified.transpose()?.map(Arc::new),
            contents,
            config: None,
        })
    }
}

/// rustls' own check that the two belong together is not used: it knows no certificate of
/// version 1, which servers take of a client.
fn certified(
    cert: &PemSource,
    key: &PemSource,
    chain: Vec<CertificateDer<'static>>,
    key_pem: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey> {
    let secret = PrivateKeyDer::from_pem_slice(key_pem)
        .map_err(|_| key.invalid("no unencrypted private key in PEM"))?;
    let signing = provider.key_provider.load_private_key(secret);
    let signing = signing.map_err(|error| {
        let why = "not a key of RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519";
        key.invalid(why).with_source(error)
    })?;
    let shown = chain.first().map_or(&[][..], |first| first);
    let shown = PublicKey::of_certificate(shown);
    let shown = shown.ok_or_else(|| cert.invalid("not a certificate"))?;
    let public = signing.public_key();
    let public = public.as_deref().and_then(PublicKey::read);
    if public.is_some_and(|public| public.key != shown.key) {
        let why = "it is not the key of the certificate";
        let error = Error::new(ErrorKind::InvalidConfig, why).about([Setting::Cert]);
        return Err(key.at_fault(error));
    }
    Ok(CertifiedKey::new(chain, signing))
}

/// All that are in a file, of which there has to be one at least.
fn certificates(file: &PemSource, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(file.invalid("no certificate in PEM")),
    }
}
