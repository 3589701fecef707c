//! A ZooKeeper, which is killed, frozen and cut off.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::Target;
use super::asking::{Able, Sharing};
use super::links::{self, Linked, Links};
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::poll;
use crate::support::zookeeper::{Chroot, ZkServer};

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
    chroot: Chroot,
    links: Links,
}

impl ZkBehind {
    pub(super) fn start() -> Self {
        let chroot = Chroot::of(Arc::new(ZkServer::start()));
        let links = Links::to(&[chroot.server.address()]);
        Self { chroot, links }
    }

    fn server(&mut self) -> &mut ZkServer {
        Arc::get_mut(&mut self.chroot.server).expect("nobody else's")
    }
}

impl Linked for ZkBehind {
    fn links(&self) -> &Links {
        &self.links
    }
}

impl Target for ZkBehind {
    fn genlock_run(&self, host: usize) -> Command {
        let endpoint = |servers: &str| format!("zk://{servers}{}", self.chroot.path);
        self.links.genlock_run(host, endpoint)
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults();
        faults.extend([
            Fault::new("server killed", On::Store, kill),
            Fault::new("server frozen", On::Store, freeze),
        ]);
        faults
    }

    fn nothing_is_left(&self, _: &[String]) {
        // What a killed genlock left ends with its session.
        poll("nothing to be left", || self.chroot.standing().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    zookeeper.server().kill();
    Course::over().then(nemesis.time(100, 3000), |_, zookeeper: &mut ZkBehind| {
        zookeeper.server().restart();
    })
}

fn freeze(nemesis: &mut Nemesis, zookeeper: &mut ZkBehind) -> Course<ZkBehind> {
    zookeeper.server().signal(Signal::STOP);
    Course::over().then(nemesis.time(100, 4000), |_, zookeeper: &mut ZkBehind| {
        zookeeper.server().signal(Signal::CONT);
    })
}
