//! Endpoints as people may write them, and what files may have in place of certificates, at random.

use std::time::Duration;

use super::Tls;
use super::certificate::{Certificate, PublicKey};
use super::endpoint::Endpoint;
use super::protocol::Protocol;
use super::tls::Connector;

/// One with the ports and schemes of etcd.
pub(super) static PROTOCOL: Protocol = Protocol {
    store: "a store",
    named: "etcd",
    scheme: "http",
    secure_scheme: "https",
    port: 2379,
    default_endpoint: "127.0.0.1:2379",
    alpn: &[],
};

/// One endpoint.
pub(crate) fn endpoint(text: &str) {
    if let Ok(read) = Endpoint::parse(text, false, &PROTOCOL) {
        assert!(Endpoint::parse(text, true, &PROTOCOL).is_ok());
        let _ = (read.to_string(), read.is_in_clear());
    }
}

/// PEM of any kind in all three places; and as a certificate without that.
pub(crate) fn pem(data: &[u8]) {
    let understood = |tls: Tls| Connector::new(&tls, Duration::ZERO, &PROTOCOL).is_ok();
    let _ = understood(Tls::new().cacert_pem(data));
    if understood(Tls::new().cert_pem(data).key_pem(data)) {
        // What is shown to others is a certificate.
        assert!(data.windows(11).any(|part| part == b"CERTIFICATE"));
    }
    if let Some(read) = Certificate::read(data) {
        assert!(read.names.len() <= data.len());
    }
    if let Some(bits) = PublicKey::of_certificate(data).and_then(|key| key.rsa_bits()) {
        assert!(bits <= 8 * data.len());
    }
}
