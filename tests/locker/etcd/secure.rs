//! TLS, client certificates, users.

use std::time::{Duration, Instant};

use genlock::{Credentials, Error, ErrorKind, Etcd, EtcdConfig, Locker, Options, Tls};

use crate::support::certificates::{Keys, Shows};
use crate::support::etcd::{Server, Setup};
use genlock::testing::contract::soon;

pub(super) const TLS: Setup = Setup {
    tls: true,
    keys: Keys::P256,
    shows: Shows::Signed,
    unix: false,
    token_ttl: 0,
    election: 0,
    quota: 0,
    streams: 0,
};

/// What reaches a server that wants TLS and client certificates.
pub(super) fn secured(server: &Server) -> EtcdConfig {
    EtcdConfig::new([server.endpoint()]).tls(credentials(server))
}

/// Its authority, and our certificate.
pub(super) fn credentials(server: &Server) -> Tls {
    own(server).cacert(server.file("ca.pem"))
}

/// Our certificate.
pub(super) fn own(server: &Server) -> Tls {
    Tls::new()
        .cert(server.file("client.pem"))
        .key(server.file("client.key"))
}

fn user(server: &Server, user: &str, password: &str) -> EtcdConfig {
    EtcdConfig::new([server.endpoint()]).credentials(Credentials::password(user, password))
}

pub(super) async fn works(client: &Etcd, key: &str) {
    let held = soon("a lock", client.lock(key)).await.expect("a held lock");
    client.unlock(held).await.expect("a release");
}

/// The refusal, which comes at once: asking again would go on for the dial timeout, which is long here.
pub(super) async fn refused(config: EtcdConfig, key: &str) -> Error {
    refusal(config.dial_timeout(Duration::from_secs(20)), key).await
}

/// The same by the dial timeout that is configured. A login alone takes a while on a loaded machine, since
/// etcd hashes the password (bcrypt).
pub(super) async fn refusal(config: EtcdConfig, key: &str) -> Error {
    let client = Etcd::new(config, Options::default()).expect("a client");
    let start = Instant::now();
    let error = client.lock(key).await.expect_err("a refusal");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "took {took:?}: {error}");
    let tried = client.try_lock(key).await.expect_err("a refusal");
    assert_eq!(tried.to_string(), error.to_string());
    error
}

#[tokio::test]
async fn tls_with_a_private_authority_and_client_certificates() {
    let server = Server::with(TLS);
    let client = |config| Etcd::new(config, Options::default()).expect("a client");
    works(&client(secured(&server)), "/k").await;
    // Without a scheme, the certificates say that it is https.
    let bare = server.endpoint().replace("https://", "");
    works(&client(secured(&server).endpoints([bare])), "/k").await;
    let anyone = own(&server).insecure_skip_verify();
    works(&client(secured(&server).tls(anyone)), "/k").await;
}

#[tokio::test]
async fn each_fault_of_tls_has_its_own_line() {
    let server = Server::with(TLS);
    let good = secured(&server);
    let endpoint = server.endpoint();
    let ours = credentials(&server);
    let foreign = server.file("other-ca.pem");
    let by_name = endpoint.replace("127.0.0.1", "localhost");
    for (config, kind, endpoint, words) in [
        (
            good.clone().tls(ours.clone().cacert(&foreign)),
            ErrorKind::InvalidConfig,
            &endpoint,
            "its certificate is not signed by an authority known here (cacert)",
        ),
        (
            good.clone().tls(own(&server)),
            ErrorKind::InvalidConfig,
            &endpoint,
            "its certificate is not signed by an authority known here (cacert)",
        ),
        (
            good.clone().tls(Tls::new().cacert(server.file("ca.pem"))),
            ErrorKind::Denied,
            &endpoint,
            "it wants a client certificate (cert, key)",
        ),
        (
            good.clone()
                .tls(ours.cert(&foreign).key(server.file("other-ca.key"))),
            ErrorKind::Denied,
            &endpoint,
            "it refused the client certificate (cert, key)",
        ),
        (
            good.clone().endpoints([&by_name]),
            ErrorKind::InvalidConfig,
            &by_name,
            "its certificate is not for this name",
        ),
    ] {
        // The refusal of a certificate races with what we send.
        for _ in 0..10 {
            let error = refused(config.clone(), "/k").await;
            assert_eq!(error.kind(), kind, "{error}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("{endpoint}: {words}")), "{text}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_fit_does_not_hide_one_that_does() {
    let server = Server::with(TLS);
    let endpoint = server.endpoint();
    let by_name = endpoint.replace("127.0.0.1", "localhost");
    let config = secured(&server).endpoints([by_name, endpoint]);
    works(
        &Etcd::new(config, Options::default()).expect("a client"),
        "/k",
    )
    .await;
}

#[tokio::test]
async fn a_user_is_let_in_and_kept_to_its_range() {
    let mut server = Server::start();
    // The connection is older than the logins, and finds out.
    let client = Etcd::new(user(&server, "app", "secret"), Options::default()).expect("a client");
    works(&client, "/locks/a").await;
    server.enable_auth();
    works(&client, "/locks/a").await;
    // Every login so far is forgotten.
    server.ctl(&["auth", "disable"]);
    server.ctl(&["auth", "enable"]);
    works(&client, "/locks/a").await;

    let error = refused(user(&server, "app", "secret"), "/elsewhere").await;
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        "/elsewhere: etcd: permission denied (user \"app\")"
    );
    let error = refused(user(&server, "app", "wrong"), "/locks/a").await;
    assert_eq!(error.kind(), ErrorKind::Denied);
    let text = error.to_string();
    assert!(
        text.contains("authentication failed") && text.contains("\"app\""),
        "{text}"
    );
    let nobody = EtcdConfig::new([server.endpoint()]);
    let error = refused(nobody, "/locks/a").await;
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("(user)"), "{error}");
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_login_that_expires_is_renewed() {
    let mut server = Server::with(Setup {
        token_ttl: 1,
        ..Setup::default()
    });
    server.enable_auth();
    let options = Options::default().with_ttl(Duration::from_secs(9));
    let client = Etcd::new(user(&server, "app", "secret"), options).expect("a client");
    let held = client.lock("/locks/a").await.expect("a held lock");
    let before = held.deadline().expect("a deadline");
    // The login is gone long before the first renewal, at a third of the TTL.
    let mut ownership = held.ownership();
    soon("a renewal", ownership.changed()).await;
    assert!(held.deadline().expect("still held") > before);
    client.unlock(held).await.expect("a release");
}

#[tokio::test]
async fn a_client_certificate_is_a_login() {
    let mut server = Server::with(TLS);
    server.enable_auth();
    works(
        &Etcd::new(secured(&server), Options::default()).expect("a client"),
        "/locks/a",
    )
    .await;
    let error = refused(secured(&server), "/elsewhere").await;
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.to_string(), "/elsewhere: etcd: permission denied");
}

#[tokio::test]
async fn etcd_is_reached_by_a_socket_in_the_file_system() {
    let server = Server::with(Setup {
        unix: true,
        ..Setup::default()
    });
    let config = EtcdConfig::new([format!("unix://{}", server.file("etcd.sock:0").display())]);
    works(
        &Etcd::new(config, Options::default()).expect("a client"),
        "/k",
    )
    .await;
}

#[tokio::test]
async fn tls_to_a_server_without_is_hinted_at() {
    let server = Server::start();
    let endpoint = server.endpoint().replace("http://", "https://");
    let config = EtcdConfig::new([&endpoint])
        .tls(Tls::new().insecure_skip_verify())
        .dial_timeout(Duration::from_millis(300));
    let client = Etcd::new(config, Options::default()).expect("a client");
    let error = client.lock("/k").await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let expected =
        format!("cannot reach etcd: {endpoint}: it hung up on TLS (http:// instead of https://?)");
    assert_eq!(error.to_string(), expected);
}
