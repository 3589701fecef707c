//! A name of several addresses, of which not every one answers.

use crate::genlock::{Store, output, under};
use crate::support::etcd::{Server, Setup, Site};
use crate::support::network::{Network, address};

/// Runs what follows it where /etc/hosts is another file, for itself alone.
const WITH_HOSTS: &str = r#"mount --bind "$0" /etc/hosts && exec "$@""#;

#[test]
fn an_address_that_is_silent_does_not_hide_another() {
    let mut network = match Network::new(3) {
        Ok(network) => network,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let (here, silent, there) = (0, 1, 2);
    let site = Site {
        client: format!("{}:2379", address(there)),
        peer: format!("{}:2380", address(there)),
        inside: network.on(there),
        outside: network.on_router(),
    };
    let _server = Server::at(&[site], Setup::default()).unwrap_or_else(|logs| panic!("{logs}"));
    network.drop_packets(here, silent);
    let store = Store::at("http://etcd.test:2379");
    let entry = network.on(here);
    for order in [[silent, there], [there, silent]] {
        let lines = order.map(|host| format!("{} etcd.test\n", address(host)));
        let hosts = store.path("hosts");
        std::fs::write(&hosts, lines.concat()).expect("a file");
        let hosts = hosts.to_str().expect("a path");
        let mut prefix: Vec<&str> = entry.iter().map(String::as_str).collect();
        prefix.extend(["unshare", "--mount", "sh", "-c", WITH_HOSTS, hosts]);
        output(under(&prefix, &store.run(&[], &["true"]))).silent(0);
    }
}
