//! Over TLS, with an authority and a certificate of one's own.

use genlock::{Config, ErrorKind, Locker, Options, Tls, ZooKeeper};

use crate::support::zookeeper::ZkServer;

fn client(address: &str, tls: Tls) -> ZooKeeper {
    let config = Config::new([format!("zks://{address}/locks")]).tls(tls);
    ZooKeeper::new(config, Options::default()).expect("a client")
}

#[tokio::test]
async fn both_sides_show_who_they_are() {
    let (server, address) = ZkServer::secure();
    let trusting = |authority| Tls::new().cacert(server.file(authority));
    let known = trusting("ca.pem")
        .cert(server.file("client.pem"))
        .key(server.file("client.key"));
    let one = client(&address, known.clone());
    let held = one.lock("/k").await.expect("a lock");
    let other = client(&address, known);
    assert!(other.try_lock("/k").await.expect("an answer").is_none());
    one.unlock(held).await.expect("a release");
    for (tls, what) in [
        (trusting("other-ca.pem"), "certificate"),
        (trusting("ca.pem"), "certificate"),
    ] {
        let error = client(&address, tls).try_lock("/k").await;
        let error = error.expect_err("no lock");
        assert_ne!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains(what), "{error}");
    }
}
