//! Over TLS, with an authority and a certificate of one's own.

use std::time::Duration;

use genlock::{Config, Credentials, ErrorKind, Locker, Options, STORES, Tls, ZooKeeper};

use crate::support::zookeeper::ZkServer;

fn config(address: &str, tls: Tls) -> Config {
    Config::new([format!("zks://{address}/locks")]).tls(tls)
}

fn client(address: &str, tls: Tls) -> ZooKeeper {
    ZooKeeper::new(config(address, tls), Options::default()).expect("a client")
}

/// The findings of an examination, as text. A server's first TLS takes a while on a loaded machine.
async fn examined(config: Config) -> Vec<String> {
    let zookeeper = STORES.iter().find(|kind| kind.name() == "zookeeper");
    let zookeeper = zookeeper.expect("a store");
    let patience = Duration::from_secs(20);
    let config = config.dial_timeout(patience);
    let examination = zookeeper.examine(&config, "/k", patience * 2);
    let found = examination.await.expect("findings").findings;
    found.iter().map(|one| format!("{one:?}")).collect()
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

#[tokio::test]
async fn an_examination_tells_who_shows_what_and_what_mends_it() {
    let (server, address) = ZkServer::secure();
    let tls = |authority| {
        let tls = Tls::new().cacert(server.file(authority));
        let tls = tls.cert(server.file("client.pem"));
        tls.key(server.file("client.key"))
    };
    let has = |found: &[String], words: &[&str]| {
        let said = |one: &String| words.iter().all(|word| one.contains(word));
        assert!(found.iter().any(said), "{words:?}: {found:#?}");
    };
    let found = examined(config(&address, tls("ca.pem"))).await;
    has(&found, &["Fine", "\"endpoint\"", &address]);
    has(&found, &["Fine", &address, "shows the certificate"]);
    has(&found, &["Fine", "we show the certificate"]);
    let found = examined(config(&address, tls("other-ca.pem"))).await;
    has(&found, &["Wrong", "the authority that signed it"]);
    let in_clear = Config::new(["zk://zookeeper.invalid:1"])
        .credentials(Credentials::password("app", "secret"))
        .dial_timeout(Duration::from_millis(100));
    has(
        &examined(in_clear).await,
        &["sent without TLS", "use zks://"],
    );
}
