//! Why TLS ended, in words, with the setting at fault. rustls' own texts name variants of its enums.

use tokio_rustls::rustls::{AlertDescription as Alert, Error as Tls, PeerIncompatible};

use super::bad_certificate;
use crate::error::{Error, ErrorKind, Setting, Subject};
use crate::locker::fault::Fault;
use crate::locker::net::protocol::Protocol;

/// What we show of ourselves.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Nothing,
    Certificate,
    /// A certificate that has expired; where it is, for messages.
    Expired(String),
}

/// What a failed handshake, or the end of a connection, means.
pub(super) fn judge(error: &Tls, identity: &Identity, protocol: &Protocol) -> Fault {
    let own = [Setting::Cert, Setting::Key];
    let refused = |text: &str| Error::new(ErrorKind::Denied, text).about(own);
    match error {
        Tls::InvalidCertificate(bad) => Fault::Misfit(bad_certificate::error(bad)),
        Tls::NoCertificatesPresented => Fault::misfit("it shows no certificate"),
        Tls::InconsistentKeys(_) => Fault::Misfit(
            Error::new(ErrorKind::InvalidConfig, "the key")
                .about([Setting::Key])
                .and(" is not that of the certificate")
                .about([Setting::Cert]),
        ),
        // A server in Go says "bad certificate" also to a client that shows none…
        Tls::AlertReceived(alert) => match (refusal(*alert), identity) {
            (Some(_), Identity::Nothing) => Fault::Misfit(
                refused("it wants a client certificate").concerning(Subject::ClientCertificate),
            ),
            // … and to one whose certificate has expired.
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

/// What rustls says itself, where our words do not say all.
pub(super) fn beneath(error: &Tls) -> Option<String> {
    let all = match error {
        Tls::InvalidCertificate(bad) => bad_certificate::has_words(bad),
        Tls::AlertReceived(_) | Tls::NoCertificatesPresented | Tls::NoApplicationProtocol => true,
        _ => false,
    };
    (!all).then(|| error.to_string())
}

const REFUSED: &str = "it refused the client certificate";

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

/// What an alert says that is not about our certificate.
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
    use tokio_rustls::rustls::{
        ContentType, HandshakeType, InconsistentKeys, InvalidMessage, PeerMisbehaved,
    };

    use super::super::bad_certificate::tests::{certificate_errors, other};
    use super::*;
    use crate::locker::fault::tests::reads_like_words;

    const PROTOCOL: Protocol = Protocol {
        store: "a store",
        named: "etcd",
        scheme: "http",
        secure_scheme: "https",
        port: 1,
        default_endpoint: "127.0.0.1:1",
        alpn: &["h2"],
    };

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
