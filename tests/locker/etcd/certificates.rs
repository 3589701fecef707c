//! What etcd's own client takes for a certificate and a key, we take.

use std::sync::Arc;

use genlock::{ErrorKind, Etcd, EtcdConfig, Options, Tls};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version::TLS12};

use super::secure::{TLS, credentials, own, secured, works};
use crate::support::certificates::{Keys, Shows, openssl, signed};
use crate::support::etcd::{Server, Setup};

async fn works_with(config: EtcdConfig) {
    let client = Etcd::new(config, Options::default()).expect("a client");
    works(&client, "/k").await;
}

/// What reaches a server of which nothing is known.
fn careless(server: &Server) -> EtcdConfig {
    EtcdConfig::new([server.endpoint()]).tls(Tls::new().insecure_skip_verify())
}

/// What reaches a server that we trust by this file.
fn trusting(server: &Server, cacert: &str) -> EtcdConfig {
    EtcdConfig::new([server.endpoint()]).tls(Tls::new().cacert(server.file(cacert)))
}

/// The authority's, the server's and ours are of this kind. Each in turn is what fails if only one
/// of the three is not taken.
async fn works_throughout(keys: Keys) {
    let server = Server::with(Setup { keys, ..TLS });
    works_with(secured(&server)).await;
    let anyone = own(&server).insecure_skip_verify();
    works_with(secured(&server).tls(anyone)).await;
}

#[tokio::test]
async fn keys_on_each_curve() {
    for keys in [Keys::P256, Keys::P384, Keys::P521, Keys::Ed25519] {
        works_throughout(keys).await;
    }
}

#[tokio::test]
async fn rsa_keys_of_each_length() {
    for bits in [2048, 3072, 4096] {
        works_throughout(Keys::Rsa(bits)).await;
    }
}

#[tokio::test]
async fn keys_in_each_form() {
    let server = Server::with(TLS);
    let dir = server.file("");
    for keys in [Keys::Rsa(2048), Keys::P256, Keys::P384, Keys::P521] {
        signed(&dir, "form", "app", keys, "extendedKeyUsage=clientAuth\n");
        let kind = match keys {
            // PKCS#1 and SEC1; what openssl made is PKCS#8.
            Keys::Rsa(_) => "rsa",
            _ => "ec",
        };
        let traditional: &[&str] = match keys {
            Keys::Rsa(_) => &["-traditional"],
            // As `openssl ecparam -genkey` has it: the curve stands before the key.
            _ => &[],
        };
        let convert = [kind, "-in", "form.key", "-out", "old-form.key"];
        openssl(&dir, &[&convert, traditional].concat());
        let text = std::fs::read_to_string(server.file("old-form.key")).expect("a key");
        let expected = format!("-----BEGIN {} PRIVATE KEY-----", kind.to_uppercase());
        assert!(text.starts_with(&expected), "{text}");
        for key in ["form.key", "old-form.key"] {
            let ours = credentials(&server).cert(server.file("form.pem"));
            works_with(secured(&server).tls(ours.key(server.file(key)))).await;
        }
    }
}

#[tokio::test]
async fn a_client_certificate_of_the_first_version() {
    let server = Server::with(TLS);
    signed(&server.file(""), "old", "app", Keys::P256, "");
    let ours = credentials(&server).cert(server.file("old.pem"));
    works_with(secured(&server).tls(ours.key(server.file("old.key")))).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_its_own_authority() {
    let server = Server::with(Setup {
        shows: Shows::SelfSigned,
        ..TLS
    });
    let given = trusting(&server, "self.pem");
    works_with(given.clone()).await;
    // It is good for no other name, and no other is as good.
    let elsewhere = server.endpoint().replace("127.0.0.1", "localhost");
    for (config, words) in [
        (
            given.endpoints([elsewhere]),
            "its certificate is not for this name",
        ),
        (
            trusting(&server, "ca.pem"),
            "its certificate is one of an authority: that is taken only if it stands itself among \
             those known here (cacert)",
        ),
    ] {
        let error = super::secure::refused(config, "/k").await.to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn what_etcd_makes_of_itself_is_its_own_authority() {
    let server = Server::with(Setup {
        shows: Shows::Automatic,
        ..TLS
    });
    works_with(trusting(&server, "data/fixtures/client/cert.pem")).await;
}

#[tokio::test]
async fn whoever_is_not_looked_at_may_show_anything() {
    for (shows, keys) in [
        (Shows::Automatic, Keys::P256),
        (Shows::Old, Keys::P256),
        (Shows::Old, Keys::Rsa(2048)),
        (Shows::SelfSigned, Keys::Rsa(1024)),
        (Shows::SelfSigned, Keys::Ed25519),
    ] {
        let server = Server::with(Setup { keys, shows, ..TLS });
        works_with(careless(&server)).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said() {
    let words = "version 1, which names no hosts";
    for (shows, keys, cacert, words) in [
        (Shows::Old, Keys::P256, "ca.pem", words),
        (Shows::Old, Keys::P256, "old.pem", words),
        (
            Shows::SelfSigned,
            Keys::Rsa(1024),
            "self.pem",
            "RSA keys under 2048 bits are not taken",
        ),
    ] {
        let server = Server::with(Setup { keys, shows, ..TLS });
        let config = trusting(&server, cacert);
        let error = super::secure::refused(config, "/k").await.to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// The files of an authority, a certificate and a key, and what is said of them.
const WRONG_FILES: [(&str, &str, &str, &str); 7] = [
    (
        "ca.pem",
        "client.pem",
        "server.key",
        "server.key: it is not the key of the certificate (cert) (key)",
    ),
    (
        "ca.pem",
        "client.pem",
        "locked.key",
        "locked.key: no unencrypted private key in PEM (key)",
    ),
    (
        "ca.pem",
        "short.pem",
        "short.key",
        "short.key: not a key of RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519 (key)",
    ),
    (
        "ca.pem",
        "client.key",
        "client.key",
        "client.key: no certificate in PEM (cert)",
    ),
    (
        "ca.pem",
        "none.pem",
        "client.key",
        "none.pem: not a certificate (cert)",
    ),
    (
        "none.pem",
        "client.pem",
        "client.key",
        "none.pem: one of its certificates cannot be read (cacert)",
    ),
    (
        "client.key",
        "client.pem",
        "client.key",
        "client.key: no certificate in PEM (cacert)",
    ),
];

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said() {
    let server = Server::with(TLS);
    let dir = server.file("");
    let client = "extendedKeyUsage=clientAuth\n";
    signed(&dir, "short", "app", Keys::Rsa(1024), client);
    let args = ["pkey", "-in", "client.key", "-out", "locked.key"];
    openssl(
        &dir,
        &[&args[..], &["-aes256", "-passout", "pass:x"]].concat(),
    );
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(server.file("none.pem"), pem).expect("a file");
    for (cacert, cert, key, words) in WRONG_FILES {
        let tls = Tls::new().cacert(server.file(cacert));
        let tls = tls.cert(server.file(cert)).key(server.file(key));
        let error =
            Etcd::new(EtcdConfig::default().tls(tls), Options::default()).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().ends_with(words), "{error}");
    }
}

/// Where TLS 1.2 is spoken for an etcd that speaks none, with the certificate that `files` has.
async fn tls12(server: &Server, files: &Server) -> String {
    let chain = CertificateDer::from_pem_file(files.file("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(files.file("server.key")).expect("a key");
    let config = ServerConfig::builder_with_protocol_versions(&[&TLS12]);
    let config = config.with_no_client_auth();
    let mut config = config.with_single_cert(vec![chain], key).expect("its key");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://{}", listener.local_addr().expect("an address"));
    let behind = server.endpoint().replace("http://", "");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(behind).await?;
                let mut outside = acceptor.accept(stream).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    endpoint
}

#[tokio::test]
async fn the_version_before_of_tls() {
    let server = Server::start();
    for keys in [Keys::P521, Keys::Ed25519, Keys::Rsa(2048)] {
        let files = Server::with(Setup { keys, ..TLS });
        let endpoint = tls12(&server, &files).await;
        for tls in [
            Tls::new().cacert(files.file("ca.pem")),
            Tls::new().insecure_skip_verify(),
        ] {
            works_with(EtcdConfig::new([&endpoint]).tls(tls)).await;
        }
    }
}
