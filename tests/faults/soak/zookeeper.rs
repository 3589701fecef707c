//! A ZooKeeper, which is killed, frozen and cut off.

use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;

use super::Target;
use super::links::{self, Linked, Links};
use super::nemesis::{Fault, Nemesis};
use crate::genlock::poll;
use crate::support::zookeeper::{Chroot, ZkServer};

pub(super) struct ZkBehind {
    chroot: Chroot,
    links: Links,
}

impl ZkBehind {
    pub(super) fn start() -> Self {
        let chroot = Chroot::of(Arc::new(ZkServer::start()));
        let links = Links::to(&format!("http://{}", chroot.server.address()));
        Self { chroot, links }
    }
}

impl Linked for ZkBehind {
    fn links(&self) -> &Links {
        &self.links
    }
}

impl Target for ZkBehind {
    fn genlock_run(&self, host: usize) -> Command {
        let endpoint = |port| format!("zk://127.0.0.1:{port}{}", self.chroot.path);
        self.links.genlock_run(host, endpoint)
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults().to_vec();
        faults.extend::<[Fault<Self>; 2]>([("server killed", kill), ("server frozen", freeze)]);
        faults
    }

    fn nothing_is_left(&self, _: &[String]) {
        // What a killed genlock left ends with its session.
        poll("nothing to be left", || self.chroot.standing().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) {
    let server = Arc::get_mut(&mut zookeeper.chroot.server).expect("nobody else's");
    server.kill();
    nemesis.pause(100, 3000);
    server.restart();
}

fn freeze(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) {
    zookeeper.chroot.server.signal(Signal::STOP);
    nemesis.pause(100, 4000);
    zookeeper.chroot.server.signal(Signal::CONT);
}
