//! What TLS ended for, in words, with the setting at fault. Its own texts name the variants of an
//! enumeration.

use tokio_rustls::rustls::{
    AlertDescription as Alert, CertificateError as Bad, Error as Tls, PeerIncompatible,
};

use crate::error::{Error, ErrorKind, Setting, Subject};
use crate::locker::net::fault::Fault;
use crate::locker::net::protocol::Protocol;

/// What we show of ourselves.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Nothing,
    Certificate,
    /// A certificate, here as it is shown, which is over.
    Expired(String),
}

/// What a failed handshake, or the end of a connection, means.
pub(super) fn judge(error: &Tls, identity: &Identity, protocol: &Protocol) -> Fault {
    let own = [Setting::Cert, Setting::Key];
    let refused = |text: &str| Error::new(ErrorKind::Denied, text).about(own);
    match error {
        Tls::InvalidCertificate(bad) => Fault::Misfit(of_certificate(bad)),
        Tls::NoCertificatesPresented => Fault::misfit("it shows no certificate"),
        Tls::InconsistentKeys(_) => Fault::Misfit(
            Error::new(ErrorKind::InvalidConfig, "the key")
                .about([Setting::Key])
                .and(" is not that of the certificate")
                .about([Setting::Cert]),
        ),
        // Go says "bad certificate" even to one who shows none.
        Tls::AlertReceived(alert) => match (refusal(*alert), identity) {
            (Some(_), Identity::Nothing) => Fault::Misfit(
                refused("it wants a client certificate").concerning(Subject::ClientCertificate),
            ),
            // Nor does Go say that.
            (Some(_), Identity::Expired(shown)) => {
                Fault::Misfit(refused(REFUSED).and(format!(": {shown} has expired")))
            }
            (Some(why), Identity::Certificate) => Fault::Misfit(refused(REFUSED).and(why)),
            (None, _) => Fault::broken(alert_text(*alert, protocol)),
        },
        Tls::InvalidMessage(_) => {
            let other = protocol.without_tls();
            Fault::misfit(format!("it does not speak TLS ({other})"))
        }
        Tls::NoApplicationProtocol => Fault::broken(no_application_protocol(protocol)),
        Tls::PeerIncompatible(
            PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
        ) => Fault::Broken(
            Error::new(ErrorKind::Unavailable, "it takes no signature that the key")
                .about([Setting::Key])
                .and(" makes"),
        ),
        other => Fault::broken(broken(other)),
    }
}

/// What TLS says itself, where our words do not say all.
pub(super) fn beneath(error: &Tls) -> Option<String> {
    let all = match error {
        Tls::InvalidCertificate(bad) => certificate(bad) != BAD,
        Tls::AlertReceived(_) | Tls::NoCertificatesPresented | Tls::NoApplicationProtocol => true,
        _ => false,
    };
    (!all).then(|| error.to_string())
}

const REFUSED: &str = "it refused the client certificate";

const BAD: &str = "its certificate is bad";

/// As webpki names a server's certificate that says that it is an authority's.
const AUTHORITYS: &str = "CaUsedAsEndEntity";

/// Whether that is what is wrong with the server's certificate.
pub(super) fn is_of_an_authority(error: &Tls) -> bool {
    matches!(error, Tls::InvalidCertificate(Bad::Other(other)) if other.0.to_string() == AUTHORITYS)
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
fn of_certificate(bad: &Bad) -> Error {
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

/// What an alert says of our certificate; `None` if it is about something else.
fn refusal(alert: Alert) -> Option<&'static str> {
    Some(match alert {
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::CertificateRequired => "",
        Alert::UnsupportedCertificate => ": it takes none of its kind",
        Alert::CertificateRevoked => ": it has been revoked",
        Alert::CertificateExpired => ": it has expired",
        Alert::UnknownCA => ": it does not know the authority that signed it",
        Alert::AccessDenied => ": access denied",
        Alert::DecryptError => ": the signature by its key does not fit",
        _ => return None,
    })
}

/// Of an alert that says nothing of our certificate.
fn alert_text(alert: Alert, protocol: &Protocol) -> String {
    let text = match alert {
        Alert::HandshakeFailure | Alert::InsufficientSecurity => NO_CIPHER_SUITE,
        Alert::ProtocolVersion => "it takes neither TLS 1.2 nor 1.3",
        Alert::NoApplicationProtocol => return no_application_protocol(protocol),
        Alert::UnrecognisedName => "it is no server of this name",
        // Go's words for whatever goes wrong on its side, as a certificate file that is gone.
        Alert::InternalError => "TLS failed on its side: see its log",
        Alert::CloseNotify | Alert::UserCanceled => "it ended TLS",
        other => return format!("it broke off TLS (alert {})", u8::from(other)),
    };
    text.to_owned()
}

/// A server has a setting of its own for them.
const NO_CIPHER_SUITE: &str =
    "it and we have no cipher suite of TLS in common (which does it take?)";

fn no_application_protocol(protocol: &Protocol) -> String {
    let (spoken, store) = (protocol.alpn.join(" or "), protocol.store);
    format!("it does not speak {spoken} over TLS: is it {store}?")
}

fn broken(error: &Tls) -> &'static str {
    use PeerIncompatible as Peer;
    match error {
        Tls::PeerIncompatible(
            Peer::ServerDoesNotSupportTls12Or13
            | Peer::ServerTlsVersionIsDisabledByOurConfig
            | Peer::SupportedVersionsExtensionRequired,
        ) => "it has neither TLS 1.2 nor 1.3",
        Tls::PeerIncompatible(Peer::NoCipherSuitesInCommon) => NO_CIPHER_SUITE,
        Tls::PeerIncompatible(_) => "its TLS is none that we have",
        Tls::PeerMisbehaved(_)
        | Tls::InappropriateMessage { .. }
        | Tls::InappropriateHandshakeMessage { .. }
        | Tls::DecryptError
        | Tls::PeerSentOversizedRecord => {
            "it broke the rules of TLS, or somebody on the way changed what it sent"
        }
        Tls::FailedToGetCurrentTime => "TLS failed: the clock cannot be read",
        Tls::FailedToGetRandomBytes => "TLS failed: the kernel gives no random numbers",
        _ => "TLS failed",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::{
        ContentType, HandshakeType, InconsistentKeys, InvalidMessage, OtherError, PeerMisbehaved,
    };

    use super::*;
    use crate::locker::net::fault::tests::reads_like_words;

    const PROTOCOL: Protocol = Protocol {
        store: "a store",
        named: "etcd",
        scheme: "http",
        secure_scheme: "https",
        port: 1,
        alpn: &["h2"],
    };

    /// Names itself as webpki's errors do.
    #[derive(Debug)]
    struct Named(&'static str);
    impl std::fmt::Display for Named {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Named {}

    fn other(name: &'static str) -> OtherError {
        OtherError(Arc::new(Named(name)))
    }

    fn certificate_errors() -> Vec<Bad> {
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

    fn errors() -> Vec<Tls> {
        let mut all = vec![
            Tls::InappropriateMessage {
                expect_types: vec![ContentType::Alert],
                got_type: ContentType::Handshake,
            },
            Tls::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::Finished],
                got_type: HandshakeType::ClientHello,
            },
            Tls::InvalidMessage(InvalidMessage::InvalidContentType),
            Tls::InvalidMessage(InvalidMessage::MissingData("ServerHello")),
            Tls::NoCertificatesPresented,
            Tls::UnsupportedNameType,
            Tls::DecryptError,
            Tls::EncryptError,
            Tls::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedKxGroup),
            Tls::General("GeneralError { code: 3 }".to_owned()),
            Tls::FailedToGetCurrentTime,
            Tls::FailedToGetRandomBytes,
            Tls::HandshakeNotComplete,
            Tls::PeerSentOversizedRecord,
            Tls::NoApplicationProtocol,
            Tls::BadMaxFragmentSize,
            Tls::InconsistentKeys(InconsistentKeys::KeyMismatch),
            Tls::InconsistentKeys(InconsistentKeys::Unknown),
            Tls::Other(other("Other(OtherError)")),
        ];
        let incompatible = [
            PeerIncompatible::EcPointsExtensionRequired,
            PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
            PeerIncompatible::NoCipherSuitesInCommon,
            PeerIncompatible::NoKxGroupsInCommon,
            PeerIncompatible::NoSignatureSchemesInCommon,
            PeerIncompatible::ServerDoesNotSupportTls12Or13,
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ];
        all.extend(incompatible.map(Tls::PeerIncompatible));
        all.extend((0..=255).map(|alert| Tls::AlertReceived(Alert::from(alert))));
        all.extend(
            certificate_errors()
                .into_iter()
                .map(Tls::InvalidCertificate),
        );
        all
    }

    #[test]
    fn every_error_of_tls_is_in_words() {
        for error in errors() {
            for identity in [
                Identity::Nothing,
                Identity::Certificate,
                Identity::Expired("client.pem".into()),
            ] {
                reads_like_words(&Error::from(judge(&error, &identity, &PROTOCOL)).to_string());
            }
        }
    }

    #[test]
    fn who_is_refused_is_denied_and_who_is_not_trusted_is_a_matter_of_configuration() {
        let kind =
            |error| crate::Error::from(judge(&error, &Identity::Certificate, &PROTOCOL)).kind();
        for bad in certificate_errors() {
            assert_eq!(kind(Tls::InvalidCertificate(bad)), ErrorKind::InvalidConfig);
        }
        let refused = Tls::AlertReceived(Alert::CertificateExpired);
        assert_eq!(kind(refused), ErrorKind::Denied);
    }
}
