//! A follower that has lost its leader goes on answering pings and reads, while the others let the
//! sessions of its clients end. Only writes tell.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::genlock::{Run, Store, genlock, poll};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::Stubborn;
use crate::sections::{Sections, faults};
use crate::support::zookeeper::ensemble::Quorum;
use crate::support::zookeeper::{PYTHON, ZkServer};
use crate::{WITH_TTL, next};

/// Who believes that it holds for as long as its client says that it is connected: by pings.
const BY_PINGS: &str = r#"
import os, subprocess, sys, time
from kazoo.client import KazooClient
client = KazooClient(sys.argv[1], timeout=7.7)
client.start()
lock = client.Lock(sys.argv[2])
lock.acquire()
command = subprocess.Popen(sys.argv[3:])
while client.state == "CONNECTED":
    time.sleep(0.02)
command.kill()
os._exit(0)
"#;

/// Runs `first` at a follower, holds up its link to the leader, and has the next one queue at the
/// leader; ends when that has ended.
fn held_up(
    store: impl Fn(&ZkServer) -> Store,
    log: impl Fn(&Store) -> Sections,
    first: impl Fn(&ZkServer, &Sections) -> Run,
) -> (Run, Sections, Store) {
    let quorum = Quorum::new();
    let link = Proxy::before(&format!("http://{}", quorum.of_the_leader()));
    let ensemble = quorum.start(link.port());
    let [follower, _, leader] = &ensemble.servers[..] else {
        panic!("three");
    };
    let store = store(leader);
    let log = log(&store);
    let first = first(follower, &log);
    first.ready();
    let next = next(&store, &log, "next");
    // Some renewals and pings.
    sleep(Duration::from_secs(2));
    for way in [Way::Requests, Way::Answers] {
        link.hold(way);
    }
    poll("the next one's start", || log.read().len() == 2);
    assert!(follower.is("follower"), "it had noticed, and shows nothing");
    sleep(Duration::from_millis(300));
    next.finish();
    (first, log, store)
}

#[test]
fn a_holder_there_is_stopped_before_the_next_one_holds() {
    let (holder, log, _store) = held_up(
        |leader| Store::at(format!("zk://{}/cut", leader.address())),
        |store| Sections::new(store.directory()),
        |follower, log| {
            let store = Store::at(format!("zk://{}/cut", follower.address()));
            Run::start(store.sh(&WITH_TTL, &log.beats("first", Stubborn)))
        },
    );
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    log.check(2);
}

/// So that the test above shows something.
#[test]
fn one_that_counts_pings_goes_on_beside_the_next_one() {
    let (holder, log, _store) = held_up(
        |leader| Store::at(format!("zk://{}/pings?layout=kazoo", leader.address())),
        |store| Sections::new(store.directory()),
        |follower, log| {
            let mut command = Command::new(PYTHON);
            command.args(["-c", BY_PINGS, &follower.address(), "/pings/locks/k"]);
            let beats = log.beats("first", Stubborn);
            command.args(beats.split(' ')).stdin(Stdio::null());
            Run::start(command)
        },
    );
    assert!(!faults(&log.read()).is_empty(), "{:?}", log.read());
    // Its server has ended.
    holder.finish();
}

#[test]
fn with_another_server_to_turn_to_a_holder_there_goes_on() {
    let quorum = Quorum::new();
    let link = Proxy::before(&format!("http://{}", quorum.of_the_leader()));
    let ensemble = quorum.start(link.port());
    let [follower, second, _] = &ensemble.servers[..] else {
        panic!("three");
    };
    let servers = format!("{},{}", follower.address(), second.address());
    let store = Store::at(format!("zk://{servers}/moves"));
    // It begins with either of them.
    let holder = (0..30).find_map(|_| {
        let script = "echo ready $$; sleep 12; exit 7";
        let holder = Run::start(store.sh(&["--ttl", "8"], script));
        holder.ready();
        if follower.words("cons").contains("sid=") {
            return Some(holder);
        }
        holder.end();
        None
    });
    for way in [Way::Requests, Way::Answers] {
        link.hold(way);
    }
    holder.expect("one at the follower").finish().silent(7);
    assert!(follower.is("follower"), "it had noticed, and shows nothing");
}

#[test]
fn what_happens_is_read_at_the_server_that_tells_of_it() {
    let quorum = Quorum::new();
    let link = Proxy::before(&format!("http://{}", quorum.of_the_leader()));
    let ensemble = quorum.start(link.port());
    let [follower, second, _] = &ensemble.servers[..] else {
        panic!("three");
    };
    let store = Store::at(format!("zk://{}/news", second.address()));
    let servers = format!("zk://{},{}/news", follower.address(), second.address());
    let listens = |server: &ZkServer| server.words("wchs").contains("Total watches:1");
    // It begins with either of them.
    let watch = (0..30).find_map(|_| {
        let mut watch = genlock();
        watch.args(["watch", "--json", "--endpoints", &servers]);
        watch.args(["--exact", &store.key]);
        let watch = Run::start(watch);
        poll("a watch", || listens(follower) || listens(second));
        if listens(second) {
            return Some(watch);
        }
        watch.end();
        None
    });
    let watch = watch.expect("one at the second");
    for way in [Way::Requests, Way::Answers] {
        link.hold(way);
    }
    let holder = store.hold();
    watch.says(r#""event":"acquired""#);
    assert!(follower.is("follower"), "it had noticed, and shows nothing");
    holder.end();
    watch.says(r#""event":"released""#);
    watch.end();
}
