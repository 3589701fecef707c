//! Three ZooKeepers that are one, which are killed, frozen, and cut off each other and their clients.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::Target;
use super::asking::{Able, Sharing};
use super::links::{self, Linked, Links};
use super::nemesis::{Course, Fault, Nemesis, On};
use super::operator;
use crate::genlock::poll;
use crate::proxy::{Proxy, Way};
use crate::support::server_process::OwnEnd;
use crate::support::zookeeper::ZkServer;
use crate::support::zookeeper::ensemble::Quorum;

const SERVERS: usize = 3;

/// Everything is below this.
const CHROOT: &str = "/soak";

/// A follower that is not heard of for so many ticks is given up.
const LIMITS: &str = "initLimit=20\nsyncLimit=3\n";

/// What its locks can do.
pub(super) const ABLE: Able = Able {
    sharing: &Sharing::ALL,
    several: true,
    latest: true,
    in_order: true,
    lasts: |ttl| (ttl * 57 / 37).max(Duration::from_secs(4)) + Duration::from_secs(2),
    counts_anew: true,
};

pub(super) struct ZkBehind {
    servers: Vec<ZkServer>,
    links: Links,
    /// The ways of each server to each other one, for followers and for elections.
    between: Vec<Vec<[Proxy; 2]>>,
}

impl ZkBehind {
    pub(super) fn start() -> Self {
        let quorum = Quorum::new();
        let before = |port: u16| Proxy::before(&format!("http://127.0.0.1:{port}"));
        let ways = |&(follow, elect): &(u16, u16)| [before(follow), before(elect)];
        let between = (0..SERVERS).map(|_| quorum.ports().iter().map(ways).collect());
        let between: Vec<Vec<[Proxy; 2]>> = between.collect();
        let ensemble = quorum.start_with(LIMITS, |from, to| match &between[from][to] {
            // Where it listens itself.
            _ if from == to => quorum.ports()[to],
            [follow, elect] => (follow.port(), elect.port()),
        });
        let servers = ensemble.servers;
        let addresses: Vec<_> = servers.iter().map(ZkServer::address).collect();
        Self {
            links: Links::to(&addresses),
            servers,
            between,
        }
    }

    /// The number of the one that leads, if there is one.
    fn leader(&self) -> Option<usize> {
        self.servers.iter().position(|server| server.is("leader"))
    }

    /// One of them, most likely the leader.
    fn any(&self, nemesis: &mut Nemesis) -> usize {
        let any = nemesis.below(2 * SERVERS);
        self.leader()
            .filter(|_| any >= SERVERS)
            .unwrap_or(any % SERVERS)
    }

    /// This one and perhaps the next, and with them the quorum.
    fn some(&self, nemesis: &mut Nemesis) -> Vec<usize> {
        let first = self.any(nemesis);
        let second = (nemesis.below(3) == 0).then_some((first + 1) % SERVERS);
        std::iter::once(first).chain(second).collect()
    }

    /// The nodes of those who hold and wait, at the leader; the oldest first.
    fn queue(&self, key: &str) -> Vec<String> {
        let Some(leader) = self.leader() else {
            return Vec::new();
        };
        let mut nodes = self.servers[leader].standing(CHROOT);
        nodes.retain(|node| {
            node.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('/'))
        });
        // What is in front of the number is the client's.
        nodes.sort_by_key(|node| node[node.len().saturating_sub(10)..].to_owned());
        nodes
    }
}

impl Linked for ZkBehind {
    fn links(&self) -> &Links {
        &self.links
    }
}

impl Target for ZkBehind {
    fn genlock(&self, host: usize, verb: &str) -> Command {
        let endpoint = |servers: &str| format!("zk://{servers}{CHROOT}");
        self.links.genlock(host, verb, endpoint)
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults();
        faults.extend([
            Fault::new("host cut off one server", On::Way, links::cut_off_one),
            Fault::new("server apart from the others", On::Way, cut_off_others),
            Fault::new("server killed", On::Store, kill),
            Fault::new("all servers killed", On::Store, kill_all),
            Fault::new("servers restarted in turn", On::Store, restart_in_turn),
            Fault::new("server frozen", On::Store, freeze),
            Fault::new("two servers frozen for long", On::Store, freeze_two),
            Fault::new("waiter deleted", On::Store, delete_waiter),
            Fault::new("holder's node overwritten", On::Store, overwrite),
        ]);
        faults
    }

    fn is_whole(&mut self) -> bool {
        let follows = |server: &&ZkServer| server.is("follower");
        let followers = self.servers.iter().filter(follows).count();
        followers == SERVERS - 1 && self.leader().is_some()
    }

    fn revive(&mut self) -> Vec<(String, OwnEnd)> {
        let servers = self.servers.iter_mut().enumerate();
        let ends = servers.map(|(number, server)| {
            let end = server.revive()?;
            Some((format!("ZooKeeper server {number}"), end))
        });
        ends.flatten().collect()
    }

    fn keep(&mut self, directory: &Path) {
        for (number, server) in self.servers.iter().enumerate() {
            let log = directory.join(format!("zookeeper-server-{number}.log"));
            // As much as there is.
            let _ = fs::copy(server.file("log"), log);
        }
    }

    fn nothing_is_left(&self, _: &[String]) {
        let leader = self.leader().expect("a leader");
        // What a killed genlock left ends with its session.
        let standing = || self.servers[leader].standing(CHROOT);
        poll("nothing to be left", || standing().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let killed = zookeeper.some(nemesis);
    for &number in &killed {
        zookeeper.servers[number].kill();
    }
    start_later(killed, nemesis)
}

fn kill_all(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    zookeeper.servers.iter_mut().for_each(ZkServer::kill);
    start_later((0..SERVERS).collect(), nemesis)
}

fn start_later(killed: Vec<usize>, nemesis: &mut Nemesis) -> Course<ZkBehind> {
    Course::over().then(
        nemesis.time(100, 3000),
        move |_, zookeeper: &mut ZkBehind| {
            for number in killed {
                zookeeper.servers[number].begin_anew();
            }
        },
    )
}

fn restart_in_turn(nemesis: &mut Nemesis, _: &mut ZkBehind) -> Course<ZkBehind> {
    let mut course = Course::over();
    for number in 0..SERVERS {
        let after = nemesis.time(500, 3000);
        course = course.then(after, move |_, zookeeper: &mut ZkBehind| {
            zookeeper.servers[number].begin_anew();
        });
    }
    course
}

fn freeze(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let frozen = zookeeper.any(nemesis);
    zookeeper.servers[frozen].signal(Signal::STOP);
    Course::over().then(
        nemesis.time(100, 6000),
        move |_, zookeeper: &mut ZkBehind| {
            zookeeper.servers[frozen].signal(Signal::CONT);
        },
    )
}

fn freeze_two(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let first = zookeeper.any(nemesis);
    let frozen = [first, (first + 1) % SERVERS];
    for number in frozen {
        zookeeper.servers[number].signal(Signal::STOP);
    }
    Course::over().then(
        nemesis.holder().ttl * 5 / 2,
        move |_, zookeeper: &mut ZkBehind| {
            for number in frozen {
                zookeeper.servers[number].signal(Signal::CONT);
            }
        },
    )
}

/// Neither it nor they hear of the other, in either direction.
fn cut_off_others(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let apart = zookeeper.any(nemesis);
    each_way_of(zookeeper, apart, Proxy::hold);
    Course::over().then(
        nemesis.time(500, 8000),
        move |_, zookeeper: &mut ZkBehind| {
            each_way_of(zookeeper, apart, Proxy::release);
        },
    )
}

fn each_way_of(zookeeper: &ZkBehind, server: usize, so: fn(&Proxy, Way)) {
    let between = &zookeeper.between;
    let from = between[server].iter();
    for link in from.chain(between.iter().map(|to| &to[server])).flatten() {
        for way in [Way::Requests, Way::Answers] {
            so(link, way);
        }
    }
}

/// The last of a queue, while the first of it is there.
fn delete_waiter(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let key = nemesis.any().key.clone();
    let queue = operator::queue(zookeeper, &key);
    if let (Some((holder, waiter)), Some(leader)) = (queue, zookeeper.leader()) {
        // An operator who gets no answer leaves it at that.
        let client = zookeeper.servers[leader].try_asked();
        let [holder, waiter] = [holder, waiter].map(|node| format!("{CHROOT}{node}"));
        let _ = client.and_then(|mut client| client.delete_behind(&holder, &waiter));
    }
    Course::over()
}

fn overwrite(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    let queue = zookeeper.queue(&nemesis.holder().key);
    if let (Some(node), Some(leader)) = (queue.first(), zookeeper.leader()) {
        let client = zookeeper.servers[leader].try_asked();
        let node = format!("{CHROOT}{node}");
        let _ = client.and_then(|mut client| client.try_write(&node, b"somebody else"));
    }
    Course::over()
}
