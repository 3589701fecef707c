//! A network that loses packets.

use std::thread::sleep;

use crate::genlock::{Run, Store, output, poll, under};
use crate::sections::Sections;
use crate::support::network::{Network, address};
use crate::support::zookeeper::ZkServer;
use crate::{TTL, WITH_TTL};

/// Of a hundred, each way.
const LOST: u32 = 5;

#[test]
fn a_lock_is_kept_over_a_network_that_loses_packets() {
    let network = match Network::new(2) {
        Ok(network) => network,
        Err(why) => return println!("skipped: {why}"),
    };
    let server = ZkServer::on(&network.on(1), &address(1));
    let on_host = |command| {
        let entry = network.on(0);
        let entry: Vec<_> = entry.iter().map(String::as_str).collect();
        under(&entry, &command)
    };
    let store = Store::at(format!("zk://{}:{}/lossy", address(1), server.port()));
    poll("ZooKeeper", || {
        let run = output(on_host(store.run(&["-n", "-q"], &["true"])));
        run.status.code() == Some(0)
    });
    let log = Sections::new(store.directory());
    let script = format!("{}; exit 7", log.beats_for("holder", TTL + TTL / 2));
    let holder = Run::start(on_host(store.sh(&WITH_TTL, &script)));
    holder.ready();
    if let Err(why) = network.lose_packets(0, LOST) {
        return println!("skipped: {why}");
    }
    sleep(TTL);
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(7), "{holder:?}");
    assert_eq!(log.check(1)[0].told, None);
}
