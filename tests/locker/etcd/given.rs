//! What a service has at hand in place of files: PEM, a configuration of rustls, a vault.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use genlock::{Credentials, ErrorKind, Etcd, EtcdConfig, Options, Tls};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::renewed::set_password;
use super::secure::{TLS, credentials, refusal, refused, secured, works};
use crate::support::etcd::Server;

fn client(config: EtcdConfig) -> Etcd {
    Etcd::new(config, Options::default()).expect("a client")
}

/// An etcd where users have to log in.
fn login() -> Server {
    let mut server = Server::start();
    server.enable_auth();
    server
}

fn pem(server: &Server, name: &str) -> Vec<u8> {
    std::fs::read(server.file(name)).expect("a file")
}

#[tokio::test]
async fn pem_at_hand_is_as_good_as_in_files() {
    let server = Server::with(TLS);
    let tls = Tls::new()
        .cacert_pem(pem(&server, "ca.pem"))
        .cert_pem(pem(&server, "client.pem"))
        .key_pem(pem(&server, "client.key"));
    works(&client(secured(&server).tls(tls)), "/k").await;
    let other = credentials(&server).cacert_pem(pem(&server, "other-ca.pem"));
    let error = refused(secured(&server).tls(other), "/k").await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn a_configuration_of_rustls_is_taken_as_it_is() {
    let server = Server::with(TLS);
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(server.file("ca.pem")).expect("a certificate");
    roots.add(authority).expect("an authority");
    let trusting = ClientConfig::builder().with_root_certificates(roots);
    let chain = CertificateDer::from_pem_file(server.file("client.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(server.file("client.key")).expect("a key");
    let ready = trusting.clone().with_client_auth_cert(vec![chain], key);
    let ready = Tls::rustls(Arc::new(ready.expect("a configuration")));
    works(&client(secured(&server).tls(ready)), "/k").await;
    let nobody = Tls::rustls(Arc::new(trusting.with_no_client_auth()));
    let error = refused(secured(&server).tls(nobody), "/k").await;
    let words = "it wants a client certificate (cert, key)";
    assert!(error.to_string().ends_with(words), "{error}");
}

#[tokio::test]
async fn credentials_are_asked_for_anew_for_each_login() {
    let server = login();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let vault = Credentials::ask(move || {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let password = if first { "secret" } else { "newer" };
        async move { Ok::<_, String>(("app".to_owned(), password.to_owned())) }
    });
    let client = client(EtcdConfig::new([server.endpoint()]).credentials(vault));
    works(&client, "/locks/k").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    set_password(&server, "newer");
    works(&client, "/locks/k").await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_vault_that_gives_nothing_is_a_line_and_one_that_hangs_is_bounded() {
    let server = login();
    let config = EtcdConfig::new([server.endpoint()]).dial_timeout(Duration::from_millis(500));
    let sealed = Credentials::ask(|| async { Err("the vault is sealed\n  at vault.go:12") });
    let error = refusal(config.clone().credentials(sealed), "/locks/k").await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let expected = format!(
        "cannot reach etcd: {}: no credentials: the vault is sealed (user, password)",
        server.endpoint()
    );
    assert_eq!(error.to_string(), expected);
    let hanging = Credentials::ask(|| async {
        std::future::pending::<()>().await;
        Err("never")
    });
    let error = refusal(config.credentials(hanging), "/locks/k").await;
    assert!(
        error.to_string().contains("no answer within 500ms"),
        "{error}"
    );
}
