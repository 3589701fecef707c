//! What is wrong with a server's certificate, in words.

use tokio_rustls::rustls::{CertificateError as Bad, Error as Tls};

use crate::error::{Error, ErrorKind, Setting, Subject};

const BAD: &str = "its certificate is bad";

/// As webpki names a server's certificate that says that it is an authority's.
const AUTHORITYS: &str = "CaUsedAsEndEntity";

/// Whether that is what is wrong with the server's certificate.
pub(super) fn is_of_an_authority(error: &Tls) -> bool {
    matches!(error, Tls::InvalidCertificate(Bad::Other(other)) if other.0.to_string() == AUTHORITYS)
}

/// Whether our words say what it is.
pub(super) fn has_words(bad: &Bad) -> bool {
    certificate(bad) != BAD
}

/// What is wrong with the server's certificate.
fn certificate(bad: &Bad) -> &'static str {
    match bad {
        Bad::UnknownIssuer => "its certificate is not signed by an authority known here",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is not for this name"
        }
        Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is the clock right?"
        }
        Bad::Revoked => "its certificate has been revoked",
        Bad::BadEncoding => "its certificate cannot be read",
        Bad::UnhandledCriticalExtension => {
            "its certificate has a critical extension that is not known here"
        }
        Bad::BadSignature => {
            "a signature does not fit its certificate, or that of its authority: RSA keys under \
             2048 bits are not taken"
        }
        Bad::UnsupportedSignatureAlgorithmContext { .. } => {
            "its certificate is signed in a way that is not taken, as by SHA-1"
        }
        Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate has a key of a kind or length that is not taken, such as RSA under \
             2048 bits"
        }
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "its certificate is not for a server (extendedKeyUsage has no serverAuth)"
        }
        Bad::Other(other) => by_name(&other.0.to_string()),
        _ => BAD,
    }
}

/// The same, with what it is about.
pub(super) fn error(bad: &Bad) -> Error {
    let error = Error::new(ErrorKind::InvalidConfig, certificate(bad));
    match bad {
        Bad::UnknownIssuer => error.about([Setting::Cacert]).concerning(Subject::Signer),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            error.concerning(Subject::ServerName)
        }
        Bad::Other(other) if other.0.to_string() == AUTHORITYS => error.about([Setting::Cacert]),
        _ => error,
    }
}

/// webpki says these by name only.
fn by_name(name: &str) -> &'static str {
    match name {
        AUTHORITYS => {
            "its certificate is one of an authority: that is taken only if it stands itself among \
             those known here"
        }
        "EndEntityUsedAsCa" => {
            "its certificate is signed by one that is of no authority (basicConstraints)"
        }
        "UnsupportedCertVersion" => {
            "its certificate is of X.509's version 1, which names no hosts: make one with \
             subjectAltName"
        }
        "NameConstraintViolation" => {
            "its certificate is for names that its authority may not vouch for"
        }
        "PathLenConstraintViolated" => {
            "its certificate has more authorities above it than they allow"
        }
        _ => BAD,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::OtherError;

    use super::*;

    /// Names itself as webpki's errors do.
    #[derive(Debug)]
    struct Named(&'static str);
    impl std::fmt::Display for Named {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Named {}

    pub(in super::super) fn other(name: &'static str) -> OtherError {
        OtherError(Arc::new(Named(name)))
    }

    pub(in super::super) fn certificate_errors() -> Vec<Bad> {
        use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let mut all = vec![
            Bad::BadEncoding,
            Bad::Expired,
            Bad::ExpiredContext {
                time,
                not_after: time,
            },
            Bad::NotValidYet,
            Bad::NotValidYetContext {
                time,
                not_before: time,
            },
            Bad::Revoked,
            Bad::UnhandledCriticalExtension,
            Bad::UnknownIssuer,
            Bad::UnknownRevocationStatus,
            Bad::ExpiredRevocationList,
            Bad::BadSignature,
            Bad::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            Bad::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            Bad::NotValidForName,
            Bad::NotValidForNameContext {
                expected: ServerName::try_from("a").expect("a name"),
                presented: vec!["DnsName(\"b\")".to_owned()],
            },
            Bad::InvalidPurpose,
            Bad::InvalidOcspResponse,
            Bad::ApplicationVerificationFailure,
        ];
        let named = [
            "CaUsedAsEndEntity",
            "EndEntityUsedAsCa",
            "UnsupportedCertVersion",
            "NameConstraintViolation",
            "PathLenConstraintViolated",
            "MaximumPathDepthExceeded",
            "TrailingData(Certificate)",
        ];
        all.extend(named.map(|name| Bad::Other(other(name))));
        all
    }
}
